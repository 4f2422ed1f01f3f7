/** host invite over a state directory that a join would have left, beside an edge that hands out tokens. */
import "reflect-metadata";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeAuthority } from "../../../agent/edge/certificates.ts";
import { acquireLock, type Lock } from "../../../agent/shared/lock.ts";
import { openHostState } from "../../../agent/host/state.ts";
import { openHostKeys } from "../../../agent/host/warden/keys.ts";
import { utf8 } from "../../../protocol/bytes.ts";
import { joinFileCodec } from "../../../protocol/join-file.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { run, type Ran } from "./terminal.ts";

const workspace = nonceOf("workspace");
const token = nonceOf("token");
let data: string;
let file: string;
let lock: Lock;
let edge: Server;
/** How often the edge was asked for a token, and with what status it answers. */
let asked: number;
let status: number;

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), "clawhold-invite-"));
  file = join(data, "join.json");
  const state = openHostState(join(data, "host"));
  const { host } = openHostKeys(state.files.keys);
  const authority = await makeAuthority("edge", new Date());
  const gateway = { kind: "none" } as const;
  state.saveHost({ v: 1, edge: "wss://10.0.0.1:4471", workspace, host, label: "a", colocated: true, gateway });
  state.saveTls({ v: 1, ...authority, edgeCa: authority.certificate });
  lock = acquireLock(join(data, "lock"), () => new Date());
  mkdirSync(join(data, "run"));
  asked = 0;
  status = 200;
  edge = createServer((request, response) => {
    if (request.url === "/admin/join-token") asked += 1;
    request.resume();
    response.writeHead(status).end(JSON.stringify({ token, workspace, expires: 1_900_000_000 }));
  });
  await new Promise<void>((resolve) => edge.listen(join(data, "run", "admin.sock"), resolve));
});
afterEach(async () => {
  await new Promise((resolve) => edge.close(resolve));
  lock.release();
  rmSync(data, { recursive: true, force: true });
});

const invite = (...argv: readonly string[]): Promise<Ran> => run(["host", "invite", "--data", data, ...argv]);
const tokenIn = (text: string): string => joinFileCodec.decode(utf8(text.trimEnd())).token;

describe("host invite", () => {
  it("prints the join file, so that it can go through a pipe and be stored nowhere", async () => {
    const { exit, out, err } = await invite();
    expect({ exit, err }).toEqual({ exit: 0, err: [] });
    expect(tokenIn(out.join("\n"))).toBe(token);
  });

  it("--out makes a file for its owner alone, and shows nothing of it", async () => {
    const { exit, out } = await invite("--out", file);
    expect(exit).toBe(0);
    expect(tokenIn(readFileSync(file, "utf8"))).toBe(token);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(out.join("\n")).toContain("readable by you alone");
    expect(out.join("\n")).not.toContain(token);
  });

  it("--out with --json names the file", async () => {
    const { out } = await invite("--out", file, "--json");
    expect(JSON.parse(out[0] ?? "")).toEqual({ event: "invite", file });
  });

  it("--out overwrites nothing, follows no link, and spends no token on it", async () => {
    writeFileSync(file, "mine");
    const target = join(data, "elsewhere");
    symlinkSync(target, join(data, "link.json"));
    for (const path of [file, join(data, "link.json")]) {
      const { exit, err } = await invite("--out", path);
      expect(exit).toBe(1);
      expect(err[0]).toContain("exists already and was left as it is");
    }
    expect(readFileSync(file, "utf8")).toBe("mine");
    expect(existsSync(target)).toBe(false);
    expect(asked).toBe(0);
  });

  it("--out says when the place cannot be written, or was not named", async () => {
    const nowhere = await invite("--out", join(data, "nowhere", "join.json"));
    expect(nowhere.exit).toBe(2);
    expect(nowhere.err[0]).toContain("cannot be written (ENOENT)");
    const unnamed = await invite("--out", "");
    expect({ exit: unnamed.exit, err: unnamed.err }).toEqual({ exit: 2, err: ["--out needs a file."] });
    expect(asked).toBe(0);
  });

  it("--out leaves no empty file behind when the edge refuses", async () => {
    status = 500;
    expect((await invite("--out", file)).exit).toBe(1);
    expect(existsSync(file)).toBe(false);
  });
});
