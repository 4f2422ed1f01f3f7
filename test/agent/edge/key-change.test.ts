import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { EdgeEvent } from "../../../agent/edge/edge-log.ts";
import {
  addNextSeed,
  dropFormerSeeds,
  hasNextSeed,
  settleKeys,
  type NamedKeys,
} from "../../../agent/edge/key-change.ts";
import { deriveSettingsKey, loadKeys, type EdgeKeys } from "../../../agent/edge/keys.ts";
import { signerOf } from "../../../agent/shared/signer.ts";
import { acquireLock } from "../../../agent/shared/lock.ts";
import { run } from "../cli/terminal.ts";
import { makeDirectory } from "./fixtures/harness.ts";

let place: ReturnType<typeof makeDirectory>;
let keys: string;
beforeEach(() => {
  place = makeDirectory();
  keys = join(place.path, "keys");
  mkdirSync(keys);
  writeFileSync(join(place.path, "version"), "1\n");
});
afterEach(() => place.remove());

const load = (): Promise<EdgeKeys> => loadKeys({ directory: keys, hasState: false }, new Date());
const publicOf = (seed: string): string => signerOf(Buffer.from(seed, "base64url")).publicKey;
const namesOf = ({ dispatchSeed, ledgerSeed }: EdgeKeys): NamedKeys => ({
  dispatch: publicOf(dispatchSeed),
  ledger: publicOf(ledgerSeed),
});

describe("a key that waits", () => {
  it("is written beside the present one, for its owner only", async () => {
    const before = await load();
    const publicKey = addNextSeed(keys, "dispatch");
    const after = await load();
    expect(after).toEqual({ ...before, nextDispatchSeed: after.nextDispatchSeed });
    expect(publicOf(after.nextDispatchSeed ?? "")).toBe(publicKey);
    expect(statSync(join(keys, "edge.json")).mode & 0o777).toBe(0o600);
    expect([hasNextSeed(before), hasNextSeed(after)]).toEqual([false, true]);
  });

  it("is not replaced by another: the log may name it already", async () => {
    await load();
    const first = addNextSeed(keys, "ledger");
    const before = readFileSync(join(keys, "edge.json"), "utf8");
    expect(() => addNextSeed(keys, "ledger")).toThrow(expect.objectContaining({ code: "key_waiting" }));
    expect(() => addNextSeed(keys, "ledger")).toThrow(first);
    expect(readFileSync(join(keys, "edge.json"), "utf8")).toBe(before);
    expect(addNextSeed(keys, "dispatch")).not.toBe(first);
  });

  it("is not made where there are no keys, or where others may read them", async () => {
    expect(() => addNextSeed(keys, "dispatch")).toThrow(expect.objectContaining({ code: "keys_damaged" }));
    await load();
    chmodSync(join(keys, "edge.json"), 0o644);
    expect(() => addNextSeed(keys, "dispatch")).toThrow(expect.objectContaining({ code: "data_permissions" }));
  });
});

describe("the key before", () => {
  it("stays while the log names it", async () => {
    const before = await load();
    addNextSeed(keys, "dispatch");
    addNextSeed(keys, "ledger");
    expect(dropFormerSeeds(keys, namesOf(before))).toEqual([]);
    expect(hasNextSeed(await load())).toBe(true);
  });

  it("stays where the log names neither: this is not the moment to lose one", async () => {
    await load();
    addNextSeed(keys, "dispatch");
    const elsewhere = publicOf(Buffer.alloc(32, 9).toString("base64url"));
    expect(dropFormerSeeds(keys, { dispatch: elsewhere, ledger: elsewhere })).toEqual([]);
    expect(hasNextSeed(await load())).toBe(true);
  });

  it("goes once the log names the one that waited, each for itself", async () => {
    const before = await load();
    const dispatch = addNextSeed(keys, "dispatch");
    addNextSeed(keys, "ledger");
    expect(dropFormerSeeds(keys, { ...namesOf(before), dispatch })).toEqual(["dispatch"]);
    const after = await load();
    expect(publicOf(after.dispatchSeed)).toBe(dispatch);
    expect(after.nextDispatchSeed).toBeUndefined();
    expect(after.ledgerSeed).toBe(before.ledgerSeed);
    expect(after.nextLedgerSeed).toBeDefined();
    expect(readFileSync(join(keys, "edge.json"), "utf8")).not.toContain(before.dispatchSeed);
  });

  it("leaves the key that seals settings as it was, although that came from the ledger's seed", async () => {
    const before = await load();
    for (let i = 0; i < 2; i += 1) {
      const ledger = addNextSeed(keys, "ledger");
      expect(dropFormerSeeds(keys, { ...namesOf(before), ledger })).toEqual(["ledger"]);
    }
    const after = await load();
    expect(after.ledgerSeed).not.toBe(before.ledgerSeed);
    expect(deriveSettingsKey(after)).toBe(deriveSettingsKey(before));
  });

  it("goes at a start, which says so, and stays where the edge cannot be asked", async () => {
    const before = await load();
    const dispatch = addNextSeed(keys, "dispatch");
    const events: EdgeEvent[] = [];
    const log = (event: EdgeEvent): void => void events.push(event);
    await settleKeys(keys, { named: () => Promise.reject(new Error("gone")), log });
    await settleKeys(keys, { named: () => Promise.resolve(undefined), log });
    expect((await load()).dispatchSeed).toBe(before.dispatchSeed);
    await settleKeys(keys, { named: () => Promise.resolve({ ...namesOf(before), dispatch }), log });
    expect(publicOf((await load()).dispatchSeed)).toBe(dispatch);
    expect(events.map(({ code }) => code)).toEqual(["keys_unsettled", "key_changed"]);
  });
});

describe("clawhold up new-key", () => {
  it("makes one for an edge that does not run, and shows its public half and no secret", async () => {
    await load();
    const { exit, out } = await run(["up", "new-key", "dispatch", "--data", place.path]);
    const { nextDispatchSeed = "" } = await load();
    expect(exit).toBe(0);
    expect(out.join("\n")).toContain(publicOf(nextDispatchSeed));
    expect(out.join("\n")).not.toContain(nextDispatchSeed);
    const again = await run(["up", "new-key", "dispatch", "--data", place.path, "--json"]);
    expect(again).toMatchObject({ exit: 1, err: [] });
    expect(JSON.parse(again.out[0] ?? "")).toMatchObject({ event: "error", code: "key_waiting" });
  });

  it.each([
    [["up", "new-key"], 2],
    [["up", "new-key", "root"], 2],
    [["up", "new-key", "dispatch", "ledger"], 2],
    [["up", "new-key", "ledger", "--data", "/nowhere/at/all"], 2],
  ] as const)("refuses %j", async (argv, exit) => {
    expect(await run(argv)).toMatchObject({ exit, out: [] });
  });

  it("says so where another program holds the directory and no edge answers", async () => {
    await load();
    const lock = acquireLock(join(place.path, "lock"), () => new Date());
    const { exit, err } = await run(["up", "new-key", "ledger", "--data", place.path]);
    lock.release();
    expect(exit).toBe(3);
    expect(err[0]).toContain("Another program uses");
    expect(hasNextSeed(await load())).toBe(false);
  });
});
