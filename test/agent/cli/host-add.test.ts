/** host add over a state directory that a join would have left, beside an edge that hands out tokens. */
import "reflect-metadata";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { makeAuthority } from "../../../agent/edge/certificates.ts";
import { openHostState } from "../../../agent/host/state.ts";
import { openHostKeys } from "../../../agent/host/warden/keys.ts";
import { acquireLock, type Lock } from "../../../agent/shared/lock.ts";
import { utf8Text } from "../../../protocol/bytes.ts";
import { joinFileCodec } from "../../../protocol/join-file.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { run, terminal, type Ran } from "./terminal.ts";

const workspace = nonceOf("workspace");
const token = nonceOf("token");
let data: string;
let release: string;
let lock: Lock;
let edge: Server;
let asked: number;

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), "clawhold-add-"));
  release = join(data, "install");
  mkdirSync(release);
  for (const [name, content] of Object.entries({
    "install.sh": "script",
    "clawhold.tar.gz": "archive",
    version: "1.2.3\n",
  }))
    writeFileSync(join(release, name), content);
  const state = openHostState(join(data, "host"));
  const { host } = openHostKeys(state.files.keys);
  const authority = await makeAuthority("edge", new Date());
  const gateway = { kind: "none" } as const;
  state.saveHost({ v: 1, edge: "wss://10.0.0.1:4471", workspace, host, label: "a", colocated: true, gateway });
  state.saveTls({ v: 1, ...authority, edgeCa: authority.certificate });
  lock = acquireLock(join(data, "lock"), () => new Date());
  mkdirSync(join(data, "run"));
  asked = 0;
  edge = createServer((request, response) => {
    if (request.url === "/admin/join-token") asked += 1;
    request.resume();
    response.end(JSON.stringify({ token, workspace, expires: 1_900_000_000 }));
  });
  await new Promise<void>((resolve) => edge.listen(join(data, "run", "admin.sock"), resolve));
});
afterEach(async () => {
  await new Promise((resolve) => edge.close(resolve));
  lock.release();
  rmSync(data, { recursive: true, force: true });
});

const add = (...argv: readonly string[]): Promise<Ran> =>
  run(["host", "add", "--data", data, ...argv], { bundle: { ...terminal().io.bundle, release } });
const sum = (text: string): string => createHash("sha256").update(text).digest("hex");

it("prints the command alone on standard output: version and sums of its own files, address, workspace, token", async () => {
  const { exit, out, err } = await add();
  expect(exit).toBe(0);
  const text = out.join("\n");
  expect(text).toMatch(/^ sh -c '/);
  for (const part of ["https://10.0.0.1:4471/install/1.2.3", sum("script"), sum("archive"), `--workspace=${workspace}`])
    expect(text).toContain(part);
  expect(text.split("CLAWHOLD_JOIN_FILE")[1]).toContain(token);
  expect(text.split("<<'CLAWHOLD_JOIN_FILE'")[0]).not.toContain(token);
  expect(err.join(" ")).toContain("as root");
  expect(err.join(" ")).not.toContain(token);
});

it("--json says the same as fields", async () => {
  const { out } = await add("--json");
  const said = JSON.parse(out[0] ?? "") as Record<string, unknown>;
  expect(said).toMatchObject({ event: "add", version: "1.2.3", workspace, edge: "wss://10.0.0.1:4471" });
  expect(said).toMatchObject({ scriptSha256: sum("script"), bundleSha256: sum("archive") });
  expect(String(said["command"])).toContain(token);
});

it("--out makes a file for its owner alone, and shows nothing of it", async () => {
  const path = join(data, "add.sh");
  const { out } = await add("--out", path);
  expect(readFileSync(path, "utf8")).toContain(token);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(out.join("\n")).not.toContain(token);
});

it("--file makes it from a join file of the signer's page, and asks no edge here", async () => {
  const path = join(data, "join.json");
  const file = { v: 1, edge: "wss://agents.example.org", workspace, token } as const;
  writeFileSync(path, `${utf8Text(joinFileCodec.encode(file))}\n`);
  const { exit, out } = await add("--file", path);
  expect(exit).toBe(0);
  expect(out.join("\n")).toContain("https://agents.example.org/install/1.2.3");
  expect(out.join("\n")).toContain(token);
  // A public certificate is checked.
  expect(out.join("\n")).not.toMatch(/ -k|--insecure/);
  expect(asked).toBe(0);
  writeFileSync(path, "{}");
  expect(await add("--file", path)).toMatchObject({ exit: 2, err: [expect.stringContaining("not a join file")] });
});

it("asks for no token when the label, the gateway or the installation is not right", async () => {
  expect((await add("--label", " x")).exit).toBe(2);
  expect((await add("--gateway", "http://elsewhere.example:1")).exit).toBe(2);
  rmSync(join(release, "install.sh"));
  expect(await add()).toMatchObject({
    exit: 1,
    err: [expect.stringContaining("The files of the installer are missing")],
  });
  expect(asked).toBe(0);
  expect(existsSync(join(data, "add.sh"))).toBe(false);
});
