import { spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import { findUid, type Ends } from "../../../agent/signer/peer.ts";
import { MEMORY_PATH } from "../../../protocol/signer-memory.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { startHostileEdge } from "./fixtures/hostile-edge.ts";
import { startTestSigner, WORKSPACE } from "./fixtures/signer.ts";

const HEAD =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                    ";
/** `owner`: uid and inode. */
const row = (from: string, to: string, [uid, inode]: readonly [number, number]): string =>
  `   0: ${from} ${to} 01 00000000:00000000 00:00000000 00000000 ${String(uid).padStart(5)}        0 ${inode} 1 0000000000000000 20 4 30 10 -1`;

const OWNED = [1000, 4711] as const;
const v4: Ends = { peer: { address: "127.0.0.1", port: 0x8765 }, own: { address: "127.0.0.1", port: 0x1176 } };
const v6: Ends = { peer: { address: "::1", port: 0x8765 }, own: { address: "::1", port: 0x1176 } };
const LOCAL6 = "00000000000000000000000001000000";
const MAPPED = "0000000000000000FFFF00000100007F";

describe("who made a socket", () => {
  it.each([
    ["IPv4", v4, row("0100007F:8765", "0100007F:1176", OWNED)],
    ["IPv6", v6, row(`${LOCAL6}:8765`, `${LOCAL6}:1176`, OWNED)],
    ["IPv4 through a socket of both families", v4, row(`${MAPPED}:8765`, `${MAPPED}:1176`, OWNED)],
  ])("is read from the kernel's table: %s", (_what, ends, line) => {
    expect(findUid(ends, `${HEAD}\n${row("0100007F:0016", "00000000:0000", [0, 1])}\n${line}\n`)).toBe(1000);
  });

  it.each([
    ["our own end of the same connection", row("0100007F:1176", "0100007F:8765", OWNED)],
    ["the same ports at another address", row(`${LOCAL6}:8765`, `${LOCAL6}:1176`, OWNED)],
    ["the same program's port towards somebody else", row("0100007F:8765", "0100007F:0016", OWNED)],
    ["another port", row("0100007F:8766", "0100007F:1176", OWNED)],
    // The kernel lists a socket without an owner as root's: closing early must not make somebody root.
    ["a socket that its program closed", row("0100007F:8765", "0100007F:1176", [0, 0])],
    ["nothing", ""],
  ])("is not taken from %s", (_what, line) => {
    expect(findUid(v4, `${HEAD}\n${line}\n`)).toBeUndefined();
  });
});

/** One request by a program of another user; what it got. Needs root, as the test run in a container has it. */
function asNobody(port: number, path: string): Promise<string> {
  const script = `
    const { request } = require("node:http");
    process.setgid(65534); process.setuid(65534);
    const asked = request({ host: "127.0.0.1", port: ${port}, path: "${path}", method: "POST", headers: {
      host: "clawhold.localhost:${port}", origin: "http://clawhold.localhost:${port}", "clawhold-memory": "1" } }, (answer) => {
      console.log(answer.statusCode);
    });
    asked.on("error", (error) => console.log(error.code));
    asked.end(process.argv[1]);`;
  const seen = { workspace: WORKSPACE, head: { n: 999, hash: nonceOf("x"), revoked: nonceOf("y") } };
  const child = spawn(process.execPath, ["-e", script, JSON.stringify(seen)], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (part: Buffer) => (text += part.toString("utf8")));
  return new Promise((resolve) => child.on("close", () => resolve(text.trim())));
}

describe("a signer", () => {
  it("is for the programs of its own user and root's", async () => {
    const edge = await startHostileEdge();
    const own = await startTestSigner({ edge: `http://127.0.0.1:${edge.port}` });
    expect((await own.get("/api/health")).status).toBe(200);
    expect((await own.get("/", { address: "::1" })).status).toBe(200);
    await own.stop();
    await edge.stop();
  });

  it.skipIf(process.getuid?.() !== 0)("has nothing for another user of the machine", async () => {
    const edge = await startHostileEdge();
    const signer = await startTestSigner({ edge: `http://127.0.0.1:${edge.port}` });
    expect(await asNobody(signer.port, "/api/health")).toBe("ECONNRESET");
    expect(await asNobody(signer.port, MEMORY_PATH)).toBe("ECONNRESET");
    expect(edge.told).toEqual([]);
    expect(signer.memory.read(WORKSPACE)?.head).toBeUndefined();
    await signer.stop();
    await edge.stop();
  });

  it.skipIf(process.getuid?.() === 0)("has nothing for a user who is not its own", async () => {
    const edge = await startHostileEdge();
    const uid = (process.getuid?.() ?? 0) + 1;
    const signer = await startTestSigner({ edge: `http://127.0.0.1:${edge.port}`, uid });
    await expect(signer.get("/api/health")).rejects.toThrow("ECONNRESET");
    await signer.stop();
    await edge.stop();
  });
});
