/** What a machine without a certificate can fetch from the agents' listener: the files of a release, and nothing else. */
import "reflect-metadata";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rates } from "../../../protocol/rates.ts";
import { ask, startTestEdge, type Answer, type Ask, type TestEdge } from "./fixtures/harness.ts";

let directory: string;
let running: TestEdge;
let now = new Date();

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "edge-release-"));
  writeFileSync(join(directory, "version"), "1.2.3\n");
  writeFileSync(join(directory, "install.sh"), "#!/bin/sh\n");
  writeFileSync(join(directory, "clawhold.tar.gz"), "archive");
  writeFileSync(join(directory, "secret"), "secret");
  running = await startTestEdge({ now: () => now, releaseDir: directory });
});
afterAll(async () => {
  await running.stop();
  rmSync(directory, { recursive: true, force: true });
});

const call = (path: string, more: Partial<Ask> = {}): Promise<Answer> =>
  ask({ port: running.agentPort, path, tls: {}, ...more });

describe("a machine that is not joined yet", () => {
  it("fetches script and archive", async () => {
    const script = await call("/install/1.2.3/install.sh");
    expect([script.status, script.text]).toEqual([200, "#!/bin/sh\n"]);
    expect(script.headers["content-length"]).toBe("10");
    expect(script.headers["x-content-type-options"]).toBe("nosniff");
    expect((await call("/install/1.2.3/clawhold.tar.gz")).text).toBe("archive");
  });

  it.each([
    "/install/1.2.3/secret",
    "/install/1.2.3/version",
    "/install/1.2.3/release.json",
    "/install/1.2.4/install.sh",
    "/install/1.2.3/../1.2.3/secret",
    "/install/1.2.3/%2e%2e/secret",
    "/install/1.2.3//install.sh",
    "/install/",
    "/install.sh",
    "/version",
  ])("gets nothing at %s: it is told to join", async (path) => {
    const answer = await call(path);
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([403, "certificate_missing"]);
  });

  it.each(["POST", "PUT", "DELETE", "HEAD"])("may not %s them", async (method) => {
    expect((await call("/install/1.2.3/install.sh", { method })).status).toBe(405);
  });

  it("is slowed down when it asks too often, and may go on later", async () => {
    now = new Date(now.getTime() + 600_000);
    for (let at = 0; at < rates.install.burst; at += 1)
      expect((await call("/install/1.2.3/install.sh")).status).toBe(200);
    const refused = await call("/install/1.2.3/install.sh");
    expect([refused.status, JSON.parse(refused.text).code]).toEqual([429, "too_many_installs"]);
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
    now = new Date(now.getTime() + 60_000);
    expect((await call("/install/1.2.3/install.sh")).status).toBe(200);
  });
});

it("what is exchanged on the disk while the edge runs is not served", async () => {
  rmSync(join(directory, "install.sh"));
  symlinkSync("/etc/passwd", join(directory, "install.sh"));
  expect((await call("/install/1.2.3/install.sh")).text).toBe("#!/bin/sh\n");
});
