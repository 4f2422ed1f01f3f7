/** What a host vouches for, in what order, and what it never does for an edge that lies. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WitnessFile } from "../../../../agent/host/witness/witness-file.ts";
import { RENEW_SECONDS } from "../../../../agent/host/witness/witness.ts";
import { MAX_PROVEN_RECEIPTS, WITNESS_PATIENCE_SECONDS } from "../../../../protocol/limits.ts";
import { encodeNote, decodeNote, noteFromWire, noteToWire } from "../../../../protocol/note.ts";
import { NOW, stated } from "../../../fixtures/workspace.ts";
import { WitnessedLog } from "../../../fixtures/witnessed-log.ts";
import { worldOfForeignKey } from "../warden/rig.ts";
import { Desk, until } from "./desk.ts";

let desk: Desk;
let log: WitnessedLog;

beforeEach(async () => {
  desk = await Desk.open();
  log = new WitnessedLog(desk.rig.world).grow(5);
  await desk.welcome();
});
afterEach(() => desk.close());

const onDisk = (): unknown => JSON.parse(readFileSync(join(desk.rig.directory, "witness.json"), "utf8"));
const refusals = (): readonly unknown[] => desk.said("witness-refused").map(({ reason }) => reason);

describe("a log that only grows", () => {
  it("is trusted at first sight, stored, and cosigned with the host's own key", async () => {
    const said = await desk.show(log);
    expect(await desk.cosignedAt(said, log)).toBe(NOW);
    expect(desk.wants()).toEqual([]);
    expect(desk.witness).toMatchObject({ size: 5, cosigned: { size: 5, at: NOW }, provenTo: 0, conflicts: 0 });
    expect(onDisk()).toMatchObject({ v: 1, held: { note: await log.note() } });
  });

  it("is cosigned again when what follows is proven to begin with what is held", async () => {
    await desk.show(log);
    log.grow(8);
    expect(await desk.cosignedAt(await desk.show(log), log)).toBe(NOW);
    expect(desk.wants()).toEqual([{ kind: "proof-want", from: 5, to: 13, receipts: [] }]);
    expect(desk.witness.size).toBe(13);
  });

  it("is asked for from where this host stands, also after a restart", async () => {
    await desk.show(log);
    await desk.reopen();
    await desk.welcome();
    expect(desk.said("witnessed").map(({ note }) => decodeNote(noteFromWire(note)).signatures.length)).toEqual([2]);
    log.grow(1);
    expect(await desk.cosignedAt(await desk.show(log), log)).toBe(NOW);
  });

  it("is not stored when the question is not answered, and the next checkpoint is looked at", async () => {
    await desk.show(log);
    log.grow(2);
    desk.isImpatient = true;
    expect(await desk.show(log, log.size, () => undefined)).toBeUndefined();
    expect(desk.witness.size).toBe(5);
    desk.isImpatient = false;
    expect(await desk.cosignedAt(await desk.show(log), log)).toBe(NOW);
  });

  it("is given the same cosignature again while it is young, and a new one when it is not", async () => {
    const first = await desk.show(log);
    desk.rig.clock.advance(60);
    expect(await desk.show(log)).toEqual(first);
    desk.rig.clock.advance(RENEW_SECONDS);
    expect(await desk.cosignedAt(await desk.show(log), log)).toBe(NOW + 60 + RENEW_SECONDS);
  });

  it("is cosigned anew by itself before anybody would call this host silent", async () => {
    await desk.show(log);
    desk.rig.warden.tick();
    expect(desk.said("cosignature")).toHaveLength(1);
    desk.rig.clock.advance(RENEW_SECONDS);
    desk.rig.warden.tick();
    await until(() => desk.said("cosignature").length === 2);
    expect(await desk.cosignedAt(desk.said("cosignature")[1], log)).toBe(NOW + RENEW_SECONDS);
  });

  it("is not held by its ballast: lines of nobody are not kept", async () => {
    const { text, signatures } = decodeNote(await log.note());
    const ballast = Array.from({ length: 12 }, (_, i) => ({ name: `n${String(i)}`, bytes: new Uint8Array(72) }));
    const note = encodeNote({ text, signatures: [...ballast, ...signatures] });
    const said = await desk.showFrame({ kind: "checkpoint", note: noteToWire(note) }, log);
    expect(await desk.cosignedAt(said, log)).toBe(NOW);
    expect(onDisk()).toMatchObject({ held: { note: await log.note() } });
  });

  it("is not cosigned from a file that somebody else has changed meanwhile", async () => {
    await desk.show(log);
    log.grow(4);
    const path = join(desk.rig.directory, "witness.json");
    const said = await desk.show(log, log.size, (proof) => {
      writeFileSync(path, JSON.stringify({ v: 1, provenTo: 0, conflicts: [] }), { mode: 0o600 });
      return proof;
    });
    expect(said).toBeUndefined();
    expect(desk.rig.logged).toContainEqual({ event: "witness_file_changed" });
  });

  it("of nothing is nothing to vouch for", async () => {
    const empty = new WitnessedLog(desk.rig.world);
    expect(await desk.show(empty)).toBeUndefined();
    expect(desk.record.held).toBeUndefined();
  });
});

describe("two pasts", () => {
  beforeEach(() => desk.show(log));

  it.each([
    ["smaller", (): WitnessedLog => new WitnessedLog(desk.rig.world).grow(4)],
    ["different", (): WitnessedLog => new WitnessedLog(desk.rig.world).grow(4).grow(1, "changed")],
    ["inconsistent", (): WitnessedLog => new WitnessedLog(desk.rig.world).grow(4).grow(9, "changed")],
  ] as const)("refuses what is %s, with both notes, and keeps them", async (reason, other) => {
    const shown = other();
    expect(await desk.show(shown)).toEqual({
      kind: "witness-refused",
      reason,
      held: noteToWire(await log.note()),
      shown: noteToWire(await shown.note()),
    });
    expect(desk.witness).toMatchObject({ size: 5, conflicts: 1 });
    expect(onDisk()).toMatchObject({ conflicts: [{ reason, held: await log.note(), shown: await shown.note() }] });
    expect(desk.rig.logged).toContainEqual({ event: "witness_refused", code: reason });
  });

  it("refuses a proof that does not compute, whatever the log is", async () => {
    log.grow(3);
    const said = await desk.show(log, log.size, (proof) => ({ ...proof, consistency: proof.consistency.toReversed() }));
    expect(said).toMatchObject({ reason: "inconsistent" });
  });

  it("never forgets them by itself: not by going on, and not by a restart", async () => {
    await desk.show(new WitnessedLog(desk.rig.world).grow(4).grow(1, "changed"));
    log.grow(1);
    expect(await desk.cosignedAt(await desk.show(log), log)).toBe(NOW);
    await desk.reopen();
    expect(desk.witness.conflicts).toBe(1);
  });

  it("says each once an hour and to each edge, however often it is shown, and keeps it once", async () => {
    const other = new WitnessedLog(desk.rig.world).grow(4).grow(1, "changed");
    await desk.show(other);
    expect(await desk.show(other)).toBeUndefined();
    await desk.welcome();
    expect(await desk.show(other)).toMatchObject({ reason: "different" });
    expect(await desk.show(other)).toBeUndefined();
    desk.rig.clock.advance(3_601);
    expect(await desk.show(other)).toMatchObject({ reason: "different" });
    expect(desk.witness.conflicts).toBe(1);
  });

  it("keeps a few of many, and goes on refusing", async () => {
    for (let i = 0; i < 10; i += 1) {
      desk.rig.clock.advance(3_601);
      const other = new WitnessedLog(desk.rig.world).grow(4).grow(1, `changed.${"abcdefghij".charAt(i)}`);
      expect(await desk.show(other)).toMatchObject({ reason: "different" });
    }
    expect(desk.witness.conflicts).toBe(2);
  });

  it("keeps the one that shows another past, however many old notes came before", async () => {
    for (const size of [1, 2, 3, 4]) {
      desk.rig.clock.advance(3_601);
      await desk.show(new WitnessedLog(desk.rig.world).grow(size));
    }
    const other = new WitnessedLog(desk.rig.world).grow(4).grow(1, "changed");
    await desk.show(other);
    const { conflicts } = onDisk() as { conflicts: readonly { reason: string; shown: string }[] };
    expect(conflicts.map(({ reason }) => reason)).toEqual(["smaller", "smaller", "different"]);
    expect(conflicts.at(-1)?.shown).toBe(await other.note());
  });
});

describe("a signature that is not the log's", () => {
  it.each(["dispatch", "stranger"])("of the %s key counts for nothing", async (key) => {
    const said = await desk.showFrame(await log.frame(log.size, key), log);
    expect(said).toMatchObject({ kind: "witness-refused", reason: "signature" });
    expect(desk.record).not.toHaveProperty("held");
    expect(desk.witness.conflicts).toBe(1);
  });

  it("is forgotten when the host cosigns again: anybody can write a note that nobody signed", async () => {
    await desk.showFrame(await log.frame(log.size, "stranger"), log);
    await desk.show(log);
    expect(desk.witness.conflicts).toBe(0);
  });

  it("is the old one, once the trust log names another key: what was held stays held", async () => {
    await desk.show(log);
    const { state, people, keys } = desk.rig.world;
    const rotated = await stated(
      { state, by: people.ada.passkey },
      { kind: "ledger-key.rotate", body: { key: keys.stranger.publicKey } },
    );
    await desk.rig.receive({ kind: "trust", page: { statements: [rotated] } });
    log.grow(2);
    expect(await desk.show(log)).toMatchObject({ reason: "signature" });
    expect(await desk.showFrame(await log.frame(log.size, "stranger"), log)).toMatchObject({ kind: "cosignature" });
    expect(desk.witness).toMatchObject({ size: 7, conflicts: 0 });
  });

  it("is the same for what is no note, or of another workspace", async () => {
    const text = `clawhold/${"A".repeat(43)}\n5\n${"A".repeat(43)}=\n`;
    const foreign = encodeNote({ text, signatures: decodeNote(await log.note()).signatures });
    for (const note of ["nothing", foreign]) {
      desk.rig.clock.advance(3_601);
      const said = await desk.showFrame({ kind: "checkpoint", note: noteToWire(note) }, log);
      expect(said).toMatchObject({ reason: "signature" });
    }
  });
});

describe("receipts of this host", () => {
  it("must be in the first checkpoint too", async () => {
    log.receipt(1, await desk.receipt());
    expect(await desk.cosignedAt(await desk.show(log), log)).toBe(NOW);
    expect(desk.wants()).toEqual([{ kind: "proof-want", from: 0, to: 6, receipts: [1] }]);
    expect(desk.witness.provenTo).toBe(1);
  });

  it("are asked for until they are proven, and not again", async () => {
    const digest = await desk.receipt();
    await desk.show(log);
    expect(desk.witness).toMatchObject({ provenTo: 0, cosigned: { size: 5 } });
    log.receipt(1, digest);
    await desk.show(log);
    log.grow(1);
    await desk.show(log);
    expect(desk.wants().map(({ receipts }) => receipts)).toEqual([[1], [1], []]);
  });

  it("are proven in several exchanges when they are many", async () => {
    const many = 2 * MAX_PROVEN_RECEIPTS + 3;
    for (let number = 1; number <= many; number += 1) log.receipt(number, await desk.receipt());
    expect(await desk.cosignedAt(await desk.show(log), log)).toBe(NOW);
    expect(desk.wants().map(({ from, receipts }) => [from, receipts.length])).toEqual([
      [0, 32],
      [log.size, 32],
      [log.size, 3],
    ]);
    expect(desk.witness.provenTo).toBe(many);
  });

  it("that are missing for too long stop it cosigning; it says so once an hour, and heals", async () => {
    const digest = await desk.receipt();
    await desk.welcome();
    desk.rig.clock.advance(WITNESS_PATIENCE_SECONDS);
    expect(await desk.cosignedAt(await desk.show(log), log)).toBeDefined();
    desk.rig.clock.advance(1);
    await desk.welcome(); // a new tunnel changes nothing
    log.grow(1);
    expect(await desk.show(log)).toMatchObject({
      kind: "witness-refused",
      reason: "receipt_missing",
      receipt: 1,
      shown: noteToWire(await log.note()),
    });
    expect(desk.witness).toMatchObject({ stalled: 1, cosigned: { size: 5 } });
    log.grow(1);
    expect(await desk.show(log)).toBeUndefined();
    desk.rig.clock.advance(3_600);
    expect(await desk.show(log)).toMatchObject({ reason: "receipt_missing" });
    log.receipt(1, digest);
    expect(await desk.cosignedAt(await desk.show(log), log)).toBeDefined();
    expect(desk.witness).not.toHaveProperty("stalled");
  });

  it("that were found missing stay so over a restart", async () => {
    await desk.receipt();
    await desk.welcome();
    desk.rig.clock.advance(WITNESS_PATIENCE_SECONDS + 1);
    await desk.show(log);
    await desk.reopen();
    await desk.welcome();
    log.grow(1);
    expect(await desk.show(log)).toMatchObject({ reason: "receipt_missing", receipt: 1 });
  });

  it("that are missing are said in the log also when the edge shows nothing", async () => {
    await desk.receipt();
    await desk.welcome();
    desk.rig.clock.advance(WITNESS_PATIENCE_SECONDS + 1);
    desk.rig.warden.tick();
    desk.rig.warden.tick();
    const missing = { event: "witness_refused", code: "receipt_missing", receipt: 1 };
    expect(desk.rig.logged.filter(({ event }) => event === "witness_refused")).toEqual([missing]);
    expect(refusals()).toEqual([]);
  });

  it("start their patience when they are first offered, also a new one on a standing tunnel", async () => {
    const command = await desk.rig.command();
    await desk.rig.deliver(command.bytes);
    desk.rig.clock.advance(WITNESS_PATIENCE_SECONDS + 1);
    expect(await desk.show(log)).toMatchObject({ reason: "receipt_missing", receipt: 1 });
  });

  it("are not believed by another host's entry, another digest or another action", async () => {
    const digest = await desk.receipt();
    await desk.welcome();
    desk.rig.clock.advance(WITNESS_PATIENCE_SECONDS + 1);
    log.receipt(1, digest, { host: "h-other" });
    expect(await desk.show(log)).toMatchObject({ reason: "receipt_missing" });
    desk.rig.clock.advance(3_600);
    log.receipt(1, await desk.receipt());
    expect(await desk.show(log)).toMatchObject({ reason: "receipt_missing" });
    desk.rig.clock.advance(3_600);
    log.maker.add({ action: "command.refused", target: log.world.host, detail: { receipt: digest } });
    log.receipts.set(1, log.size);
    expect(await desk.show(log)).toMatchObject({ reason: "receipt_missing" });
  });

  it("are insisted on anew when the journal was restored from a copy that ends earlier", async () => {
    const record = { v: 1, provenTo: 9, conflicts: [] };
    writeFileSync(join(desk.rig.directory, "witness.json"), JSON.stringify(record), { mode: 0o600 });
    await desk.reopen();
    await desk.welcome();
    expect(desk.witness.provenTo).toBe(0);
  });
});

describe("who may", () => {
  it("is an admitted host, and no other", async () => {
    const other = await Desk.open({ world: await worldOfForeignKey() });
    const its = new WitnessedLog(other.rig.world).grow(5);
    await other.rig.welcome();
    await other.rig.receive(await its.frame());
    await other.rig.idle();
    expect(other.record.held).toBeUndefined();
    await other.close();
  });

  it("is nobody before the edge has proven itself", async () => {
    desk.rig.tunnel = desk.rig.warden.connect(() => undefined, desk.rig.certFingerprint);
    await expect(desk.rig.receive(await log.frame())).rejects.toMatchObject({ code: "out_of_order" });
    await expect(desk.rig.receive(await log.proof({ from: 0, to: 5, receipts: [] }))).rejects.toMatchObject({
      code: "out_of_order",
    });
  });

  it("is left alone by proofs that nobody asked for", async () => {
    await desk.rig.receive(await log.proof({ from: 0, to: 5, receipts: [] }));
    expect(desk.record.held).toBeUndefined();
  });
});

describe("the owner", () => {
  it("lets it forget: the edge is told, and it witnesses anew", async () => {
    log.receipt(1, await desk.receipt());
    await desk.show(log);
    await desk.show(new WitnessedLog(desk.rig.world).grow(1));
    expect(desk.rig.warden.forgetWitness()?.conflicts).toHaveLength(1);
    const [reset] = desk.said("witness-reset");
    expect(decodeNote(noteFromWire(reset?.note ?? "")).signatures).toHaveLength(2);
    expect(desk.rig.logged).toContainEqual({ event: "witness_reset" });
    expect(desk.witness).toEqual({ provenTo: 1, conflicts: 0 });
    const other = new WitnessedLog(desk.rig.world).grow(2, "restored");
    expect(await desk.cosignedAt(await desk.show(other), other)).toBe(NOW);
  });

  it("has it told again at every tunnel until a checkpoint came", async () => {
    await desk.show(log);
    desk.rig.warden.forgetWitness();
    await desk.reopen();
    await desk.welcome();
    expect(desk.said("witness-reset")).toHaveLength(1);
    await desk.show(log);
    await desk.welcome();
    expect(desk.said("witness-reset")).toHaveLength(1);
  });
});

describe("a full disk", () => {
  it("is said; nothing is cosigned that is not stored, and it goes on when there is room", async () => {
    await desk.show(log);
    log.grow(1);
    const replace = vi.spyOn(WitnessFile.prototype, "replace").mockImplementationOnce(() => {
      throw Object.assign(new Error("no space"), { code: "ENOSPC" });
    });
    expect(await desk.show(log)).toBeUndefined();
    expect(desk.rig.logged).toContainEqual({ event: "witness_write_failed" });
    replace.mockRestore();
    expect(await desk.cosignedAt(await desk.show(log), log)).toBe(NOW);
  });
});

describe("the file", () => {
  it("stops the start when it is damaged, with the way out", async () => {
    const path = join(desk.rig.directory, "witness.json");
    const honest = { v: 1, provenTo: 0, conflicts: [] };
    for (const text of ["{", "{}", JSON.stringify({ ...honest, held: { note: "no note", at: 1 } })]) {
      writeFileSync(path, text, { mode: 0o600 });
      expect(() => WitnessFile.open(path)).toThrow(/clawhold audit reset/);
    }
  });
});
