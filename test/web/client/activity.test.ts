import { beforeAll, describe, expect, it } from "vitest";
import { fromBase64url, toBase64url, utf8 } from "../../../protocol/bytes.ts";
import type { ActivityRow } from "../../../protocol/contracts.ts";
import { digestOf } from "../../../protocol/signing.ts";
import { Activity } from "../../../web/client/activity.ts";
import { TrustKeeper } from "../../../web/client/trust.ts";
import type { LedgerEntry, Seal } from "../../../web/state/backend.ts";
import { flipBase64url, nonceOf } from "../../fixtures/keys.ts";
import { LedgerMaker } from "../../fixtures/ledger.ts";
import { makeWorld, type Fields, type World } from "../../fixtures/workspace.ts";
import { FarEnd } from "./far-end.ts";

const OPERATION = "gateway.restart@1";
const intentOf = (number: number): string => nonceOf(`intent ${String(number)}`);

let world: World;
let rows: readonly ActivityRow[];

beforeAll(async () => {
  world = await makeWorld();
  rows = (await history()).rows;
});

/** Two commands by two people: entries 2 and 3, 4 and 5. */
async function history(bend?: (receipt: Fields) => Fields): Promise<LedgerMaker> {
  const ledger = new LedgerMaker(world);
  ledger.add({ action: "workspace.created", detail: {}, sourceIp: "127.0.0.1" });
  for (const [number, person] of [
    [1, "p-ada"],
    [2, "p-otto"],
  ] as const) {
    const intent = intentOf(number);
    const actor = { kind: "person", id: person } as const;
    ledger.add({ actor, action: "command.accepted", target: world.host, detail: { intent, operation: OPERATION } });
    await ledger.addReceipt(intent, number, bend);
  }
  return ledger;
}

function at(far: FarEnd): Activity {
  const deps = far.deps();
  return new Activity({ ...deps, trust: new TrustKeeper(deps) });
}

async function walked(shown: readonly ActivityRow[]): Promise<Activity> {
  const activity = at(new FarEnd(world, shown));
  await activity.refresh();
  return activity;
}

function entriesOf(activity: Activity): readonly LedgerEntry[] {
  const entries = activity.entries.value;
  if (entries.state !== "ready") throw new Error(entries.state);
  return entries.value;
}

function sealOf(activity: Activity, index: number): Seal | undefined {
  return entriesOf(activity).find((entry) => entry.index === index)?.seal;
}

function changed(index: number, members: Partial<ActivityRow>): readonly ActivityRow[] {
  return rows.map((row) => (row.index === index ? { ...row, ...members } : row));
}

function receiptAt(index: number): NonNullable<ActivityRow["receipt"]> {
  const receipt = rows[index - 1]?.receipt;
  if (receipt === undefined) throw new TypeError(`entry ${String(index)} has no receipt`);
  return receipt;
}

function digestOfReceipt({ body }: NonNullable<ActivityRow["receipt"]>): string {
  return digestOf("receipt", fromBase64url(body));
}

describe("an honest ledger", () => {
  it("is verified to its end, newest first, each receipt beside its command", async () => {
    const activity = await walked(rows);
    expect(activity.status.value).toMatchObject({ size: 5, verified: 5, head: rows[4]?.hash, checking: false });
    expect(activity.status.value.failure).toBeUndefined();
    const entries = entriesOf(activity);
    expect(entries.map(({ index }) => index)).toEqual([5, 4, 3, 2, 1]);
    expect(entries.map(({ seal }) => seal.state)).toEqual(Array.from({ length: 5 }, () => "verified"));
    expect(entries.map(({ partner }) => partner)).toEqual([4, 5, 2, 3, undefined]);
    expect(entries.map(({ requester }) => requester?.id)).toEqual(["p-otto", undefined, "p-ada", undefined, undefined]);
    expect(entries.at(-1)?.source).toBe("127.0.0.1");
  });

  it("grows", async () => {
    const far = new FarEnd(world, rows.slice(0, 2));
    const activity = at(far);
    await activity.refresh();
    expect(sealOf(activity, 2)).toEqual({ state: "no-receipt" });
    far.rows = rows;
    await activity.refresh();
    expect(activity.status.value.verified).toBe(5);
    expect(sealOf(activity, 2)).toEqual({ state: "verified" });
  });
});

describe("between two visits", () => {
  it("what an earlier visit verified may not be gone, nor be another thing", async () => {
    const far = new FarEnd(world, rows);
    await at(far).refresh();
    expect(far.kept.get("ledger")).toEqual({ index: 5, hash: rows[4]?.hash });
    far.rows = rows.slice(0, 4);
    const shorter = at(far);
    await shorter.refresh();
    expect(shorter.status.value.failure).toEqual({
      index: 5,
      reason: "This browser saw a log of 5 entries, and what is shown now has 4: it was cut.",
      of: "log",
    });
    const other = new LedgerMaker(world);
    for (let i = 0; i < 6; i += 1) other.add({ action: "session.ended", detail: {} });
    far.rows = other.rows;
    const rewritten = at(far);
    await rewritten.refresh();
    expect(rewritten.status.value).toMatchObject({ verified: 0, failure: { index: 5, of: "entry" } });
    expect(far.kept.get("ledger")).toEqual({ index: 5, hash: rows[4]?.hash });
  });
});

describe("a statement in the ledger", () => {
  it("is not called verified unless the trust log holds it", async () => {
    const stated = new LedgerMaker(world);
    stated.add({ action: "trust.stated", detail: { statement: nonceOf("invented"), statementKind: "role.assign" } });
    const activity = await walked(stated.rows);
    expect(sealOf(activity, 1)).toMatchObject({ state: "failed" });
    expect(entriesOf(activity)[0]?.word).toBe("signed");
  });

  it("counts when this browser applied it", async () => {
    const bytes = world.statements[0]?.statement ?? "";
    const statement = digestOf("statement", fromBase64url(bytes));
    const stated = new LedgerMaker(world);
    stated.add({ action: "trust.stated", detail: { statement, statementKind: "person.add" } });
    stated.add({ action: "session.started", detail: {} });
    const activity = await walked(stated.rows);
    expect(sealOf(activity, 1)).toEqual({ state: "verified" });
    expect(entriesOf(activity).map(({ word }) => word)).toEqual(["edge", "signed"]);
  });
});

describe("a ledger that somebody changed", () => {
  it.each<readonly [string, readonly [number, string], () => readonly ActivityRow[]]>([
    ["the entry before exchanged", [3, "does not follow from the entry before it"], () => exchangedBefore(3)],
    ["an entry's digest", [2, "was changed after it was written"], () => changed(2, { hash: nonceOf("other") })],
    ["an entry that is none", [4, "is not a well-formed entry"], () => changed(4, { body: toBase64url(utf8("{}")) })],
    ["an entry left out", [3, "is missing, or out of place"], () => rows.filter(({ index }) => index !== 3)],
    ["the first entry left out", [1, "is missing, or out of place"], () => rows.slice(1)],
  ])("%s: what follows is not called verified", async (_, [index, reason], bend) => {
    const activity = await walked(bend());
    const { failure, verified, size } = activity.status.value;
    expect(failure).toEqual({ index, reason: expect.stringContaining(reason) as unknown, of: "entry" });
    expect({ verified, size }).toEqual({ verified: 0, size: 5 });
    const sealed = entriesOf(activity).filter(({ seal }) => seal.state === "verified");
    expect(sealed.every((entry) => entry.index < index)).toBe(true);
    // Nothing is hidden: where no entry stands, the list says what does.
    expect(activity.rows.item(index)).toBeDefined();
    await activity.refresh();
    expect(activity.status.value.failure).toEqual(failure); // asking again heals nothing
  });

  /** The entry before `index` exchanged for another whole one: its own digest fits, the next link does not. */
  function exchangedBefore(index: number): readonly ActivityRow[] {
    const other = new LedgerMaker(world);
    other.add({ action: "workspace.created", detail: {}, sourceIp: "127.0.0.1" });
    other.add({ action: "session.ended", detail: {} });
    const [, second] = other.rows;
    return second === undefined ? [] : rows.with(index - 2, second);
  }

  it("of another workspace", async () => {
    const far = new FarEnd(world, rows);
    far.kept.set("workspace", nonceOf("elsewhere"));
    const activity = at(far);
    await activity.refresh();
    expect(activity.entries.value).toMatchObject({ state: "failed", trouble: { code: "two_pasts" } });
    expect(activity.status.value.verified).toBe(0);
  });

  it("cut off behind what this page saw, or ended another way", async () => {
    const far = new FarEnd(world, rows);
    const activity = at(far);
    await activity.refresh();
    far.rows = rows.slice(0, 3);
    await activity.refresh();
    expect(activity.status.value.failure).toEqual({
      index: 4,
      reason: "This browser saw a log of 5 entries, and what is shown now has 3: it was cut.",
      of: "log",
    });
    const bent = new FarEnd(world, rows);
    bent.head = { index: 5, hash: nonceOf("other end") };
    const ended = at(bent);
    await ended.refresh();
    expect(ended.status.value.failure?.reason).toBe("The log ends in another entry than the one shown.");
  });
});

describe("a receipt", () => {
  it.each<readonly [string, string, () => Partial<ActivityRow>]>([
    ["bent", "this is not the receipt that the entry names", () => ({ receipt: receiptAt(5) })],
    ["that is none", "the host's receipt is missing", () => ({ receipt: { ...receiptAt(3), body: "e30" } })],
    [
      "with another signature",
      "the host's signature does not verify",
      () => ({ receipt: { ...receiptAt(3), signature: flipBase64url(receiptAt(3).signature, 9) } }),
    ],
  ])("%s breaks the seal of its entry and of no other", async (_, reason, members) => {
    const activity = await walked(changed(3, members()));
    expect(sealOf(activity, 3)).toEqual({ state: "failed", reason });
    expect(sealOf(activity, 5)).toEqual({ state: "verified" });
    expect(activity.status.value).toMatchObject({ verified: 5 });
  });

  it("that was kept back breaks it too", async () => {
    const withheld = rows.map(({ receipt, ...row }) =>
      row.index === 3 || receipt === undefined ? row : { ...row, receipt },
    );
    expect(sealOf(await walked(withheld), 3)).toEqual({ state: "failed", reason: "the host's receipt is missing" });
  });

  it.each<readonly [string, { readonly actor?: string; readonly target?: string }]>([
    ["whose entry names another host as its writer", { actor: "h-another" }],
    ["whose entry names another host as its target", { target: "h-another" }],
  ])("%s", async (_, { actor = world.host, target = world.host }) => {
    const ledger = await history();
    const { receipt } = ledger.rows[2] ?? {};
    const detail = { intent: intentOf(1), verdict: "executed", receipt: digestOfReceipt(receiptAt(3)) } as const;
    ledger.add({
      actor: { kind: "host", id: actor },
      action: "command.receipt",
      target,
      detail,
      ...(receipt === undefined ? {} : { receipt }),
    });
    expect(sealOf(await walked(ledger.rows), 6)).toEqual({
      state: "failed",
      reason: "another host signed this receipt",
    });
  });

  it.each<readonly [string, string, Fields]>([
    ["of a host that nobody admitted", "the receipt names a host that was never admitted", { host: "h-other" }],
    ["of another workspace", "the receipt is of another workspace", { workspace: nonceOf("elsewhere") }],
  ])("%s", async (_, reason, members) => {
    const { rows: bent } = await history((receipt) => ({ ...receipt, ...members }));
    expect(sealOf(await walked(bent), 3)).toEqual({ state: "failed", reason });
  });
});

describe("a source address", () => {
  it("that is not the one committed to is not shown", async () => {
    const [first] = rows;
    const source = { salt: first?.source?.salt ?? "", value: "198.51.100.9" };
    const activity = await walked(changed(1, { source }));
    expect(sealOf(activity, 1)).toEqual({
      state: "failed",
      reason: "the source address does not fit its commitment",
    });
    expect(entriesOf(activity).at(-1)?.source).toBeUndefined();
  });
});

describe("an edge that falls silent", () => {
  it("in the middle of new rows loses no entry and exchanges none", async () => {
    const ledger = await history();
    // Names a statement that this page has not seen, so the trust log is asked for again: there the silence begins.
    ledger.add({ action: "trust.stated", detail: { statement: nonceOf("unseen"), statementKind: "person.add" } });
    const far = new FarEnd(world, rows);
    const activity = at(far);
    await activity.refresh();
    far.rows = ledger.rows;
    let asked = 0;
    far.isSilent = (name) => name === "trust" && (asked += 1) === 2;
    await activity.refresh();
    expect(activity.status.value.verified).toBe(5);
    await activity.refresh();
    expect(activity.status.value).toMatchObject({ size: 6, verified: 6 });
    expect(entriesOf(activity).map(({ index }) => index)).toEqual([6, 5, 4, 3, 2, 1]);
    expect(entriesOf(activity).find(({ index }) => index === 5)?.requester?.id).toBe("p-otto");
  });

  it("before anything was read is said as that, and mended by the next look", async () => {
    const far = new FarEnd(world, rows);
    let isDown = true;
    far.isSilent = () => isDown;
    const activity = at(far);
    await activity.refresh();
    expect(activity.entries.value).toMatchObject({ state: "failed", trouble: { code: "unreachable" } });
    isDown = false;
    await activity.refresh();
    expect(entriesOf(activity)).toHaveLength(5);
  });
});

describe("signing out", () => {
  it("forgets, and a look that was under way adds nothing", async () => {
    const far = new FarEnd(world, rows);
    const activity = at(far);
    const underway = activity.refresh();
    activity.forget();
    await underway;
    expect(activity.status.value).toMatchObject({ size: 0, verified: 0 });
    expect(activity.entries.value.state).not.toBe("ready");
    await activity.refresh();
    expect(activity.status.value).toMatchObject({ size: 5, verified: 5 });
    expect(entriesOf(activity)).toHaveLength(5);
  });
});
