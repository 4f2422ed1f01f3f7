/** audit show, check and reset over a state directory that a witness left. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openDoor } from "../../../agent/host/door.ts";
import { openHostState, type HostState } from "../../../agent/host/state.ts";
import { writeStatus, type AgentStatus } from "../../../agent/host/status-file.ts";
import { forgetWitness, type WitnessRecord } from "../../../agent/host/witness/witness-file.ts";
import { utf8Text } from "../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import { chainLines, chainOf, fileOf, makeTown, noteOf, type LogTown } from "../../fixtures/log-file.ts";
import { NOW } from "../../fixtures/workspace.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { run, type Ran } from "./terminal.ts";

let town: LogTown;
let rows: ReturnType<typeof chainOf>;
let data: string;
let state: HostState;

beforeAll(async () => {
  town = await makeTown();
  rows = chainOf(town.world.workspace, town.drafts);
});
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "clawhold-audit-"));
  state = openHostState(join(data, "host"));
  saveJoined({});
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

function saveJoined(change: { readonly colocated?: boolean }): void {
  const { workspace, host } = town.world;
  state.saveHost({
    v: 1,
    edge: "wss://127.0.0.1:1",
    workspace,
    host,
    label: "vps-1",
    colocated: false,
    gateway: { kind: "none" },
    ...change,
  });
  state.saveTls({ v: 1, key: "-----BEGIN PRIVATE KEY-----\n", certificate: "-----BEGIN CERTIFICATE-----\n" });
}

async function seen(size: number, change: Partial<WitnessRecord> = {}): Promise<string> {
  const note = await noteOf(town, { rows: rows.slice(0, size) });
  const record: WitnessRecord = {
    v: 1,
    held: { note, at: NOW },
    cosigned: { size, note, at: NOW + 1 },
    provenTo: 2,
    conflicts: [],
    ...change,
  };
  writeFileSync(state.files.witness, JSON.stringify(record), { mode: 0o600 });
  return note;
}

const audit = (...words: readonly string[]): Promise<Ran> => run(["audit", ...words, "--data", data]);
const record = (): WitnessRecord => JSON.parse(readFileSync(state.files.witness, "utf8")) as WitnessRecord;

describe("audit show", () => {
  it("says that nothing was seen yet", async () => {
    const { exit, out } = await audit("show");
    expect(exit).toBe(0);
    expect(out[0]).toContain("nothing of the activity log yet");
  });

  it("says what is held, since when, when it was cosigned, and how far its receipts are in it", async () => {
    await seen(6);
    const { exit, out } = await audit("show");
    expect(exit).toBe(0);
    expect(out.join("\n")).toMatch(
      /Seen +the activity log up to entry 6\nRoot +[\w-]{43}\nSince +2027-01-15 08:00:00 UTC\nCosigned +up to entry 6, 2027-01-15 08:00:01 UTC\nReceipts .* up to number 2$/,
    );
    expect(JSON.parse((await audit("show", "--json")).out[0] ?? "")).toMatchObject({
      colocated: false,
      seen: { held: { size: 6, since: NOW }, cosigned: { size: 6, at: NOW + 1 }, provenTo: 2, conflicts: [] },
    });
  });

  it("says that a host beside the edge does not count", async () => {
    saveJoined({ colocated: true });
    await seen(6);
    expect((await audit("show")).out.at(-1)).toContain("does not count as a witness");
  });

  it("shows every past that contradicts what was seen, with both views, and exits 4", async () => {
    const held = await seen(6);
    const shown = await noteOf(town, { rows: rows.slice(0, 4) });
    const forged = { reason: "signature", shown: "nothing", at: NOW } as const;
    await seen(6, { conflicts: [{ reason: "smaller", held, shown, at: NOW }, forged] });
    const { exit, out } = await audit("show");
    expect(exit).toBe(4);
    expect(out.join("\n")).toMatch(
      /Refused .*: it is shorter than what this host had seen\n {2}held +6 entries, root .*\n {2}shown +4 entries, root /,
    );
    expect(out.join("\n")).toContain("shown       no checkpoint");
    expect(out.join("\n")).not.toContain("nothing\n");
    const { seen: told } = JSON.parse((await audit("show", "--json")).out[0] ?? "") as {
      readonly seen: { readonly conflicts: readonly unknown[] };
    };
    expect(told.conflicts[0]).toMatchObject({
      reason: "smaller",
      held: { size: 6, note: held },
      shown: { size: 4, note: shown },
    });
  });

  it("names the receipt that is missing, and exits 4", async () => {
    await seen(6, { withheld: 3 });
    const { exit, out } = await audit("show");
    expect(exit).toBe(4);
    expect(out.join("\n")).toContain("receipt 3 of this host was not shown to be in it");
  });

  it("names a file that is damaged, and the way out", async () => {
    writeFileSync(state.files.witness, "{", { mode: 0o600 });
    const { exit, err } = await audit("show");
    expect(exit).toBe(1);
    expect(err[0]).toContain("clawhold audit reset");
  });
});

describe("audit check", () => {
  const file = async (name: string, size = rows.length): Promise<string> => {
    const path = join(data, name);
    writeFileSync(path, fileOf(await chainLines(town, { rows: rows.slice(0, size) })));
    return path;
  };

  it("finds that a copy contains what this host has seen", async () => {
    await seen(6);
    const { exit, out } = await audit("check", await file("whole.jsonl"));
    expect(out[0]).toBe("The log in this file contains what this host has seen (6 entries).");
    expect(exit).toBe(0);
  });

  it("finds a past that was made anew, with the log's own key", async () => {
    const path = await file("whole.jsonl");
    const other = chainOf(town.world.workspace, town.drafts.toSpliced(2, 1));
    const note = await noteOf(town, { rows: other.slice(0, 6) });
    await seen(6, { held: { note, at: NOW } });
    const { exit, out } = await audit("check", path);
    expect(exit).toBe(1);
    expect(out[0]).toContain("is not the one that this host has seen");
  });

  it("finds a copy whose trust log is older than this host's", async () => {
    await seen(6);
    const { root, statements } = town.world;
    const items = (count: number): string =>
      [root, ...statements.slice(0, count)].map((item) => `${utf8Text(encodeCanonical(item))}\n`).join("");
    writeFileSync(state.files.trust, items(statements.length), { mode: 0o600 });
    const held = await audit("check", await file("whole.jsonl"));
    expect([held.exit, held.out.join("\n")]).toEqual([0, expect.stringContaining("holds everything of the one")]);
    const trust = [{ kind: "trust" as const, page: { root, statements: statements.slice(0, -1) } }];
    const path = join(data, "older.jsonl");
    writeFileSync(path, fileOf(await chainLines(town, { trust, evidence: false })));
    const { exit, out } = await audit("check", path);
    expect(exit).toBe(1);
    expect(out.join("\n")).toContain("lacks statements of the one that you compare it with");
    // A host may know less than the edge: that is no fault of the copy.
    writeFileSync(state.files.trust, items(1), { mode: 0o600 });
    expect((await audit("check", await file("again.jsonl"))).exit).toBe(0);
  });

  it("says that a copy ends before it", async () => {
    await seen(16);
    const { exit, out } = await audit("check", await file("earlier.jsonl", 14));
    expect(exit).toBe(1);
    expect(out[0]).toContain("ends before what this host has seen (16 entries)");
  });

  it("has nothing to compare with before anything was seen, or without a file", async () => {
    expect((await audit("check", await file("whole.jsonl"))).err[0]).toContain("nothing to compare with");
    expect((await audit("check")).exit).toBe(2);
  });
});

describe("audit reset", () => {
  it("forgets, and leaves word for the edge", async () => {
    const note = await seen(6, { withheld: 3 });
    const { exit, out, err } = await audit("reset", `--workspace=${town.world.workspace}`);
    expect(exit).toBe(0);
    expect(out[0]).toContain("when the agent runs again");
    expect(err).toEqual([JSON.stringify({ event: "witness_reset" })]);
    expect(record()).toEqual({
      v: 1,
      provenTo: 0,
      conflicts: [],
      forgives: true,
      reset: { at: expect.any(Number), note },
    });
  });

  it("works on a damaged file, and keeps the word of an earlier one", async () => {
    const note = await seen(6);
    forgetWitness(state.files.witness, NOW);
    await audit("reset", `--workspace=${town.world.workspace}`);
    expect(record().reset?.note).toBe(note);
    writeFileSync(state.files.witness, "{", { mode: 0o600 });
    expect((await audit("reset", `--workspace=${town.world.workspace}`)).exit).toBe(0);
    expect(record()).not.toHaveProperty("reset.note");
  });

  it("changes nothing for another id, or where nobody can be asked", async () => {
    await seen(6);
    expect((await audit("reset", `--workspace=${nonceOf("other")}`)).exit).toBe(4);
    expect((await audit("reset")).exit).toBe(2);
    const asked = await run(["audit", "reset", "--data", data], { ask: () => Promise.resolve("no") });
    expect(asked.exit).toBe(4);
    expect(asked.err[0]).toContain("will forget what it has seen");
    expect(record().held).toBeDefined();
  });

  it("is done by the running agent, and not behind its back", async () => {
    await seen(6);
    const lock = state.lock(() => new Date());
    const id = `--workspace=${town.world.workspace}`;
    expect(await audit("reset", id)).toMatchObject({ exit: 3 });
    const asked: string[] = [];
    const close = await openDoor(state.files.door, (request) => {
      asked.push(request.kind);
      return Promise.resolve({ kind: "forgotten" });
    });
    expect((await audit("reset", id)).out[0]).toContain("is told now");
    expect(asked).toEqual(["forget"]);
    expect(record().held).toBeDefined();
    await close();
    lock.release();
  });
});

describe("status and doctor", () => {
  const status = (witness: AgentStatus["witness"]): AgentStatus => ({
    v: 1,
    pid: process.pid,
    host: town.world.host,
    workspace: town.world.workspace,
    edge: "wss://127.0.0.1:1",
    started: 1,
    written: 2,
    tunnel: "connected",
    admitted: true,
    lastReceipt: 0,
    unsignedRefusals: 0,
    certificateEnds: 1_900_000_000,
    ...(witness === undefined ? {} : { witness }),
  });

  it.each([
    [{ provenTo: 0, conflicts: 0 }, "has not been shown the activity log yet"],
    [{ size: 6, provenTo: 0, conflicts: 0 }, "has seen the activity log up to entry 6"],
    [{ size: 6, cosigned: { size: 6, at: 1 }, provenTo: 0, conflicts: 0 }, "witnesses the activity log up to entry 6"],
    [{ size: 6, provenTo: 0, conflicts: 0, stalled: 3 }, "Receipt 3 of this host was not shown"],
    [{ size: 6, provenTo: 0, conflicts: 1 }, "does not follow from what it saw before"],
  ])("say how it stands: %j", async (witness, sentence) => {
    const lock = state.lock(() => new Date());
    writeStatus(state.files.status, status(witness));
    expect((await run(["status", "--data", data])).out.join("\n")).toContain(sentence);
    lock.release();
    expect(existsSync(state.files.status)).toBe(true);
  });
});
