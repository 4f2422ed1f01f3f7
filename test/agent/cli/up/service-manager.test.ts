import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keepManagerTold } from "../../../../agent/cli/up/service-manager.ts";
import { eventually } from "../../edge/fixtures/harness.ts";

let directory: string;
let program: string;
let stop: () => void = () => undefined;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "clawhold-notify-"));
  program = join(directory, "notify");
  writeFileSync(program, `#!/bin/sh\necho "$1" >> "${directory}/words"\n`);
  chmodSync(program, 0o755);
});
afterEach(async () => {
  stop();
  await eventually(() => words().includes("STOPPING=1"));
  rmSync(directory, { recursive: true, force: true });
});

function words(): readonly string[] {
  const file = join(directory, "words");
  return existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
}

const environment = { NOTIFY_SOCKET: "/run/x", WATCHDOG_USEC: "30000", PATH: "/usr/bin:/bin" };

describe("the service manager", () => {
  it("is told that it serves, and that it lives only while it is well", async () => {
    let asked = 0;
    let well = false;
    const isWell = (): Promise<boolean> => {
      asked += 1;
      return Promise.resolve(well);
    };
    stop = keepManagerTold({ environment, isWell, program });
    await eventually(() => asked > 3);
    expect(words()).not.toContain("WATCHDOG=1");
    well = true;
    await eventually(() => words().includes("WATCHDOG=1"));
    expect(words()[0]).toBe("--ready");
  });

  it("is told nothing of a question that failed", async () => {
    let asked = 0;
    const isWell = (): Promise<boolean> => {
      asked += 1;
      return Promise.reject(new Error("stuck"));
    };
    stop = keepManagerTold({ environment, isWell, program });
    await eventually(() => asked > 3 && words().length > 0);
    expect(words()).toEqual(["--ready"]);
  });

  it("is not told anything where nobody asked", () => {
    keepManagerTold({ environment: {}, isWell: () => Promise.resolve(true), program })();
    expect(words()).toEqual([]);
    stop = keepManagerTold({ environment, isWell: () => Promise.resolve(true), program });
  });
});
