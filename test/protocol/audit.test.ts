import { beforeAll, describe, expect, it } from "vitest";
import { ANSWER_MILLISECONDS, Audit, type AuditRange } from "../../protocol/audit.ts";
import { judgeEvidence } from "../../protocol/audit/evidence.ts";
import { auditRules, explainFinding, type AuditFinding } from "../../protocol/audit/findings.ts";
import { hostsEverAdmitted, ledgerKeysEver, stateAtHead } from "../../protocol/audit/once-known.ts";
import { judgeReceipt, type ReceiptVerdict } from "../../protocol/audit/receipts.ts";
import { fromBase64url } from "../../protocol/bytes.ts";
import type { ActivityRow } from "../../protocol/contracts/ledger.ts";
import { entryCodec, type LedgerEntry } from "../../protocol/ledger.ts";
import { flipBase64url, nonceOf } from "../fixtures/keys.ts";
import { chainOf, commandOn, makeTown, ReceiptMaker, type EntryDraft, type LogTown } from "../fixtures/log-file.ts";
import { applied, NOW, stated } from "../fixtures/workspace.ts";

let town: LogTown;
beforeAll(async () => {
  town = await makeTown();
});

const room = () => ({
  workspace: town.world.workspace,
  hostKey: (host: string) => hostsEverAdmitted(town.world.state).get(host)?.hostKey,
});
const decoded = ({ body }: ActivityRow): LedgerEntry => entryCodec.decode(fromBase64url(body));

interface Audited {
  readonly findings: readonly AuditFinding[];
  readonly summary: ReturnType<Audit["summary"]>;
}

async function audited(
  drafts: readonly EntryDraft[],
  { first = 1, whole = true, isNewest = true }: Partial<AuditRange> & { readonly isNewest?: boolean } = {},
): Promise<Audited> {
  const audit = new Audit({ first, whole });
  const findings: AuditFinding[] = [];
  let at = 0;
  for (const row of chainOf(town.world.workspace, drafts).slice(first - 1)) {
    const entry = decoded(row);
    const { judged, fault } = await judgeReceipt(entry, row.receipt, room());
    if (fault !== undefined) findings.push({ ...fault, index: row.index });
    findings.push(...audit.add({ entry, openings: row, receipt: judged }));
    ({ at } = entry);
  }
  findings.push(...audit.end({ at, isNewest }));
  return { findings, summary: audit.summary() };
}

const codes = ({ findings }: Audited): readonly string[] =>
  findings.map(({ code, index }) => `${code} ${String(index)}`);

describe("an honest log", () => {
  it("has nothing to find, and is summed up", async () => {
    const { findings, summary } = await audited(town.drafts);
    expect(findings).toEqual([]);
    expect(summary).toMatchObject({ accepted: 5, answered: 4, erased: 1, unjudged: 0 });
    expect(summary.hosts.get(town.hosts[0]?.id ?? "")).toEqual({ last: 3, seen: 3 });
  });

  it("from any place on: what stands before is not missed", async () => {
    for (let first = 2; first <= town.drafts.length; first++) {
      const { findings } = await audited(town.drafts, { first });
      expect(findings).toEqual([]);
    }
  });

  it("read entry by entry, in no order", async () => {
    const audit = new Audit({ first: 1, whole: false });
    for (const row of chainOf(town.world.workspace, town.drafts).toReversed()) {
      const { judged } = await judgeReceipt(decoded(row), row.receipt, room());
      expect(audit.add({ entry: decoded(row), openings: row, receipt: judged })).toEqual([]);
    }
    expect([...audit.end({ at: Number.MAX_SAFE_INTEGER, isNewest: true })].map(({ code }) => code)).toEqual([
      "unopened",
    ]);
  });
});

describe("receipts of a host", () => {
  it("missing: which, and before which entry", async () => {
    const { findings } = await audited(town.drafts.toSpliced(4, 3));
    expect(findings).toEqual([
      { code: "unreported", index: 13, host: town.hosts[0]?.id, receipts: { first: 1, last: 2 } },
    ]);
    expect(explainFinding(findings[0] as AuditFinding).what).toContain("receipts 1 to 2 of h-");
  });

  it("that begin anew after the last word of the host's key", async () => {
    const [host] = town.hosts;
    if (host === undefined) throw new RangeError("a host");
    const { id } = host;
    const receipt = town.drafts[15]?.detail.receipt ?? "";
    const farewell: EntryDraft = { actor: { kind: "host", id }, action: "host.reset", target: id, detail: { receipt } };
    const accepted = await commandOn(town.world, id, "anew");
    const anew = await new ReceiptMaker(town.world, host).next(accepted.detail.intent ?? "");
    expect(codes(await audited([...town.drafts, farewell, accepted, anew]))).toEqual([]);
    expect(codes(await audited([...town.drafts, accepted, anew]))).toEqual(["forked 19"]);
    const short = { ...farewell, detail: { receipt: nonceOf("later") } };
    expect(codes(await audited([...town.drafts, short]))).toEqual(["farewell_short 18"]);
    expect(codes(await audited([...town.drafts, { ...farewell, detail: {} }]))).toEqual(["farewell_short 18"]);
    // In the middle of a log only a host that was seen can be judged.
    expect(codes(await audited([...town.drafts, short], { first: 17 }))).toEqual([]);
  });

  it("for a command that nobody accepted, or again for one", async () => {
    expect(codes(await audited(town.drafts.toSpliced(14, 1)))).toEqual(["unasked 15"]);
    const [host] = town.hosts;
    if (host === undefined) throw new RangeError("a host");
    const again = await new ReceiptMaker(town.world, host).next(town.drafts[3]?.detail.intent ?? "");
    expect(codes(await audited([...town.drafts, again]))).toEqual(["unasked 18", "forked 18"]);
  });

  it("after a no that nobody signed are no surprise", async () => {
    const [, , , , , , , unsigned, refused] = town.drafts;
    const [, host] = town.hosts;
    if (unsigned === undefined || refused === undefined || host === undefined) throw new RangeError("the story");
    const late = await new ReceiptMaker(town.world, host).next(unsigned.detail.intent ?? "");
    expect(codes(await audited([unsigned, refused, late]))).toEqual([]);
  });
});

describe("commands without an answer", () => {
  it("are open until no host would obey them any more", async () => {
    const at = NOW * 1_000;
    const accepted = { ...(await commandOn(town.world, town.hosts[0]?.id ?? "", "open")), at };
    const later = (ms: number): EntryDraft => ({
      actor: { kind: "edge" },
      action: "session.ended",
      detail: {},
      at: at + ms,
    });
    expect(codes(await audited([accepted, later(ANSWER_MILLISECONDS)]))).toEqual([]);
    const { findings } = await audited([accepted, later(ANSWER_MILLISECONDS + 1)]);
    expect(findings).toEqual([{ code: "unanswered", index: 1, host: town.hosts[0]?.id }]);
    expect(explainFinding(findings[0] as AuditFinding).weight).toBe("open");
  });
});

describe("values that are not there", () => {
  const gone: EntryDraft = {
    actor: { kind: "edge" },
    action: "session.refused",
    detail: {},
    values: { source: "192.0.2.1", country: "DE" },
    isErased: true,
  };
  const erased = (field: "source" | "country", index: number): EntryDraft => ({
    actor: { kind: "edge" },
    action: "ledger.erased",
    detail: { erased: { field, index } },
  });

  it("are withheld, unless a later entry names exactly them", async () => {
    expect(codes(await audited([gone]))).toEqual(["withheld 1", "withheld 1"]);
    expect(codes(await audited([gone, erased("source", 1)]))).toEqual(["withheld 1"]);
    expect(codes(await audited([gone, erased("source", 1), erased("country", 1)]))).toEqual([]);
    expect(codes(await audited([erased("source", 2), erased("country", 2), gone]))).toEqual([
      "withheld 3",
      "withheld 3",
    ]);
    expect(codes(await audited([gone, erased("source", 2)]))).toEqual(["withheld 1", "withheld 1"]);
  });

  it("in a part of the log may have been erased later", async () => {
    expect(codes(await audited([gone], { isNewest: false }))).toEqual(["unopened 1", "unopened 1"]);
  });
});

describe("a receipt beside its entry", () => {
  const verdictOn = async (change: (row: ActivityRow) => ActivityRow): Promise<ReceiptVerdict> => {
    const row = chainOf(town.world.workspace, town.drafts)[4];
    if (row === undefined) throw new RangeError("the story");
    const bent = change(row);
    return judgeReceipt(decoded(bent), bent.receipt, room());
  };
  const signedWith = (row: ActivityRow) => row.receipt ?? { body: "", signature: "" };

  it.each<[string, (row: ActivityRow) => ActivityRow]>([
    ["receipt_missing", ({ receipt: _gone, ...row }) => row],
    [
      "receipt_forged",
      (row) => ({ ...row, receipt: { ...signedWith(row), signature: flipBase64url(signedWith(row).signature) } }),
    ],
    ["receipt_malformed", (row) => ({ ...row, receipt: { ...signedWith(row), body: "e30" } })],
  ])("%s", async (code, change) => {
    expect((await verdictOn(change)).fault?.code).toBe(code);
  });

  it("that contradicts it still counts in its host's chain", async () => {
    const bent = town.drafts.map((draft, i) =>
      i === 4 ? { ...draft, detail: { ...draft.detail, verdict: "failed" as const } } : draft,
    );
    expect(codes(await audited(bent))).toEqual(["contradiction 5"]);
  });
});

describe("what somebody signed", () => {
  const judged = async (change: (entry: LedgerEntry) => Partial<LedgerEntry> = () => ({})) => {
    const [row, draft] = [chainOf(town.world.workspace, town.drafts)[3], town.drafts[3]];
    if (row === undefined || draft?.submission === undefined) throw new RangeError("the story");
    const entry = decoded(row);
    return judgeEvidence(draft.submission, { ...entry, ...change(entry) }, town.world.state);
  };

  it("allows the command, and the entry tells it", async () => {
    expect(await judged()).toMatchObject({ ok: true, author: { kind: "person", id: "p-ada" } });
  });

  it.each<[string, (entry: LedgerEntry) => Partial<LedgerEntry>]>([
    ["told", ({ detail }) => ({ detail: { ...detail, operation: "host.check@1" } })],
    ["told", ({ detail }) => ({ detail: { ...detail, session: nonceOf("other session") } })],
    ["told", ({ detail }) => ({ detail: { ...detail, proposal: nonceOf("proposal") } })],
    ["told", () => ({ target: town.hosts[1]?.id ?? "" })],
    ["told", () => ({ actor: { kind: "person", id: "p-otto" } })],
    ["other", ({ detail }) => ({ detail: { ...detail, intent: nonceOf("other") } })],
    ["refused", () => ({ at: (NOW + 100_000) * 1_000 })],
  ])("%s", async (fault, change) => {
    expect(await judged(change)).toMatchObject({ ok: false, fault });
  });

  it("is judged by what its author was then, not by what happened since", async () => {
    const { world } = town;
    const by = world.people.vera.passkey;
    const revocation = await stated(
      { state: world.state, by: world.people.ada.passkey },
      { kind: "person.revoke", body: { person: "p-otto" } },
    );
    expect(by).toBeDefined();
    const later = await applied(world.state, revocation);
    const past = stateAtHead(later, world.state.head);
    expect(later.people.has("p-otto")).toBe(false);
    expect(past?.people.has("p-otto")).toBe(true);
    expect(past?.head).toEqual(world.state.head);
    expect(stateAtHead(later, later.head)?.people.has("p-otto")).toBe(false);
    expect(stateAtHead(later, { ...world.state.head, hash: nonceOf("other") })).toBeUndefined();
  });
});

describe("what the trust log once said", () => {
  it("keeps hosts that were removed, and ledger keys that were replaced", async () => {
    const { world } = town;
    const by = world.people.ada.passkey;
    const removed = await applied(
      world.state,
      await stated({ state: world.state, by }, { kind: "host.remove", body: { host: world.host } }),
    );
    expect(removed.hosts.has(world.host)).toBe(false);
    expect(hostsEverAdmitted(removed).get(world.host)?.hostKey).toBe(world.hostBody.hostKey);
    const key = world.keys.stranger.publicKey;
    const rotated = await applied(
      removed,
      await stated({ state: removed, by }, { kind: "ledger-key.rotate", body: { key } }),
    );
    expect(ledgerKeysEver(rotated)).toEqual([key, world.state.ledgerKey]);
  });
});

describe("the table of findings", () => {
  it.each(Object.entries(auditRules))("%s has a sentence and a next step", (code, rule) => {
    const { what, next } = explainFinding({ code: code as AuditFinding["code"], index: 1 });
    expect(what).toMatch(/^[a-z].*[^.]$/);
    expect(next).toMatch(/^[A-Z].*\.$/);
    expect(`${what}${next}${rule.weight}`).not.toMatch(/!|please|oops/i);
  });
});
