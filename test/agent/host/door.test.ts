/** The door of the running agent: who comes in, what is understood, and what is shown out. */
import { connect } from "node:net";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { askAtDoor, openDoor, type DoorRequest } from "../../../agent/host/door.ts";
import { MAX_FRAME_BYTES } from "../../../protocol/limits.ts";
import { nonceOf } from "../../fixtures/keys.ts";

let directory: string;
let path: string;
let heard: DoorRequest[];
let close: (() => Promise<void>) | undefined;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "clawhold-door-"));
  path = join(directory, "agent.sock");
  heard = [];
});
afterEach(async () => {
  await close?.();
  close = undefined;
  rmSync(directory, { recursive: true, force: true });
});

async function open(at = path): Promise<void> {
  close = await openDoor(at, (request) => {
    heard.push(request);
    return Promise.resolve({ kind: "taken", added: heard.length });
  });
}
const reset: DoorRequest = { kind: "reset", workspace: nonceOf("w") };

/** Sends raw bytes and gives what came back until the connection ended. */
function talk(bytes: string | Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(path, () => socket.end(bytes));
    socket.on("data", (chunk) => (text += chunk.toString("utf8")));
    socket.on("error", () => resolve(text));
    socket.on("close", () => resolve(text));
  });
}

describe("the door", () => {
  it("answers one line with one line, in order", async () => {
    await open();
    const trust: DoorRequest = { kind: "trust", page: { statements: [] } };
    expect(await askAtDoor(path, [reset, trust])).toEqual([
      { kind: "taken", added: 1 },
      { kind: "taken", added: 2 },
    ]);
    expect(heard).toEqual([reset, trust]);
  });

  it("is its user's alone, and gone when it was closed", async () => {
    await open();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await close?.();
    close = undefined;
    expect(existsSync(path)).toBe(false);
    expect(await askAtDoor(path, [reset])).toBeUndefined();
  });

  it("opens over what a killed agent left, however long the path is", async () => {
    const deep = join(directory, "d".repeat(90), "e".repeat(90));
    mkdirSync(deep, { recursive: true });
    writeFileSync(join(deep, "agent.sock"), "left over");
    await open(join(deep, "agent.sock"));
    expect(await askAtDoor(join(deep, "agent.sock"), [reset])).toHaveLength(1);
  });

  it.each(["", "{}", '{"kind":"exec"}', '{"kind":"reset","workspace":"x"}', '{"kind": "reset"}'])(
    "does not understand %j",
    async (line) => {
      await open();
      expect(await talk(`${line}\n`)).toBe('{"code":"malformed","kind":"refused"}\n');
      expect(heard).toEqual([]);
    },
  );

  it("takes no line longer than an honest one", async () => {
    await open();
    // It does not hang up by itself: it is shown out.
    const socket = connect(path, () => socket.write("x".repeat(MAX_FRAME_BYTES + 1)));
    socket.on("error", () => undefined);
    await new Promise<void>((resolve) => socket.once("close", () => resolve()));
    expect(heard).toEqual([]);
  });

  it("closes although somebody stays", async () => {
    await open();
    const socket = connect(path);
    await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
    const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    await close?.();
    close = undefined;
    await ended;
  });
});
