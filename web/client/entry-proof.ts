/**
 * One entry and all that vouches for it, fetched and checked alone: its bytes, its place in the signed log, who cosigned
 * that log, what was signed for its command. And the same as a file that `clawhold verify` checks without us.
 */
import { utf8Text } from "../../protocol/bytes.ts";
import { coversTime, cosignedBy, type OpenedCheckpoint } from "../../protocol/checkpoint.ts";
import { ledgerLineCodec, type LedgerLine } from "../../protocol/ledger-file.ts";
import type { LedgerAction, LedgerEntry as ProtocolEntry } from "../../protocol/ledger.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { TrustPage } from "../../protocol/trust/statements.ts";
import type { EntryProof, Loadable, ProofCheck } from "../state/backend.ts";
import { checkRow, faultOf, readRow, type CheckedRow } from "./checked-row.ts";
import { isIncluded } from "./checkpoints.ts";
import { entryView } from "./entry-view.ts";
import type { EdgeClient } from "./http.ts";
import type { LogKeeper } from "./log-keeper.ts";
import { LogSearch, type SearchDeps } from "./log-search.ts";
import type { ProofAnswer } from "./ledger-source.ts";
import { proveCommand, sealBy, type Evidence } from "./proof.ts";
import type { TrustKeeper } from "./trust.ts";

/** A host that answers at all answers within the life of a command. */
const ANSWERED_WITHIN_SECONDS = 3_600;

export interface EntryProofDeps extends SearchDeps {
  readonly client: EdgeClient;
  readonly keeper: LogKeeper;
  readonly trust: TrustKeeper;
  /** Index of the newest entry before that moment. */
  readonly indexBefore: (at: number) => Promise<number>;
}

/** A row, where it stands, and the note that covers it. */
interface Placed {
  readonly checked: CheckedRow;
  readonly answer?: ProofAnswer;
  readonly checkpoint?: OpenedCheckpoint | undefined;
}

/** @throws {TroubleError} when the edge does not answer. */
export async function proveEntryAt(index: number, deps: EntryProofDeps): Promise<Loadable<EntryProof>> {
  const state = deps.trust.state.value ?? (await deps.trust.refresh());
  const signed = deps.checkpoints.signed; // by now: what is asked for after this comes with its proof
  const placed = await place(index, deps);
  if (typeof placed === "string") return missing(placed);
  const partner = await partnerOf(placed.checked, deps);
  const { checked, checkpoint } = placed;
  const linked = deps.linkedHash(index) === checked.row.hash;
  const command = await proveCommand(
    { client: deps.client, state, nameOf: (person) => deps.trust.nameOf(person) },
    { checked, partner },
  );
  const standing = { placed, linked, signed, base: deps.checkpoints.signed };
  const belongs =
    placed.answer !== undefined && (await deps.checkpoints.belonging(placed.answer.checkpoint)) !== undefined;
  const cosigners = checkpoint === undefined ? [] : await cosignersOf(checkpoint, checked.entry, state);
  const checks = [
    ...placeChecks({ ...standing, belongs }),
    ...(checkpoint === undefined ? [] : [witnessCheck(cosigners, state)]),
    ...openingChecks(checked),
    ...command.checks,
  ];
  const isPlaced = linked || checks.slice(0, 4).every(({ state: one }) => one === "passed");
  const entry = entryView(deps.trust, checked, { partner, linked: isPlaced, isAtEnd: true });
  const file = await fileOf(placed, { deps, partner, evidence: command.evidence, workspace: state.workspace });
  return {
    state: "ready",
    value: {
      entry: { ...entry, seal: sealBy(checks, entry.seal) },
      ...(command.approval === undefined ? {} : { approval: command.approval }),
      ...(command.receipt === undefined ? {} : { receipt: command.receipt }),
      chainSize: checkpoint?.size ?? deps.keeper.head.index,
      cosigners: cosigners.map(({ label }) => label),
      checks,
      ...(file === undefined ? {} : { file }),
    },
  };
}

/** The row with its proof; where nothing is signed yet, the row as this page holds it. */
async function place(index: number, deps: EntryProofDeps): Promise<Placed | string> {
  const state = deps.trust.state.value ?? (await deps.trust.refresh());
  const answer = await deps.source.proof(index);
  if (answer === undefined) {
    const held = deps.keeper.held(index);
    if (held?.kind === "row") return { checked: held.checked };
    return held?.reason ?? `There is no entry ${index}, or the control plane does not give it out.`;
  }
  const read = readRow(answer.row, index, state.workspace);
  if (typeof read === "string") return faultOf(index, read);
  const known = await deps.trust.refreshIfUnknown(read.entry);
  return { checked: await checkRow(read, known), answer, checkpoint: await deps.checkpoints.open(answer.checkpoint) };
}

function missing(what: string): Loadable<never> {
  return {
    state: "failed",
    trouble: { code: "no_entry", what, next: "Look at the top of this page for the reason." },
  };
}

interface Standing {
  readonly placed: Placed;
  /** The page linked it to a proven row before. */
  readonly linked: boolean;
  readonly belongs: boolean;
  /** So many entries were signed before the proof was asked for. */
  readonly signed: number;
  readonly base: number;
}

/** The first four, in the order in which each stands on the one before. */
function placeChecks({ placed, linked, belongs, signed, base }: Standing): readonly ProofCheck[] {
  const { checked, answer, checkpoint } = placed;
  const hashed: ProofCheck = { name: "Entry hash recomputed from its bytes", state: "passed" };
  if (answer === undefined) {
    const before = checked.entry.index - 1;
    return [
      hashed,
      {
        name: `Linked to entry ${before}, and so to every entry before`,
        state: linked ? "passed" : "unchecked",
      },
      checked.entry.index <= signed
        ? { name: "In a signed log", state: "failed", detail: "a checkpoint covers it, and no proof was given" }
        : { name: "In a signed log", state: "unchecked", detail: "no checkpoint covers it yet" },
    ];
  }
  const { index } = checked.entry;
  const { inclusion } = answer;
  const isIn = checkpoint !== undefined && isIncluded(checkpoint, { index, hash: checked.row.hash, inclusion });
  return [
    hashed,
    {
      name: `Its place is proven in the log of ${checkpoint?.size ?? "unknown"} entries`,
      state: isIn ? "passed" : "failed",
      detail: `${inclusion.length} hashes`,
    },
    {
      name: "That log is signed by the ledger key that the trust log names",
      state: checkpoint === undefined ? "failed" : "passed",
    },
    {
      name: "It is the same log that this browser saw before",
      state: belongs ? "passed" : "failed",
      ...(base === 0 ? {} : { detail: `up to entry ${base}` }),
    },
  ];
}

interface Cosigner {
  readonly label: string;
  readonly counts: boolean;
}

/** Nobody has seen what had not happened yet, whatever the control plane had them cosign. */
async function cosignersOf(
  checkpoint: OpenedCheckpoint,
  entry: ProtocolEntry,
  state: TrustState,
): Promise<readonly Cosigner[]> {
  const found: Cosigner[] = [];
  for (const { host, cosignKey, label, colocated } of state.hosts.values()) {
    const at = await cosignedBy(checkpoint, { host, cosignKey });
    if (at !== undefined && coversTime(at, entry.at)) found.push({ label, counts: !colocated });
  }
  return found;
}

/** Of this very checkpoint: hosts that cosigned a longer one have seen it too, which the page counts and a file cannot. */
function witnessCheck(cosigners: readonly Cosigner[], state: TrustState): ProofCheck {
  const eligible = [...state.hosts.values()].filter(({ colocated }) => !colocated).length;
  const counted = cosigners.filter(({ counts }) => counts).length;
  const needed = Math.floor(eligible / 2) + 1;
  const name = "That very checkpoint is cosigned by more than half of the hosts that are not beside the edge";
  const detail = eligible === 0 ? "there is no such host" : `${counted} of ${eligible}, ${needed} needed`;
  return { name, state: eligible > 0 && counted >= needed ? "passed" : "unchecked", detail };
}

const OPENINGS = { source: "Source address", country: "Country", device: "Device" } as const;

function openingChecks({ opened, misfit }: CheckedRow): readonly ProofCheck[] {
  return (["source", "country", "device"] as const).flatMap((field): readonly ProofCheck[] => {
    const name = `${OPENINGS[field]} fits the commitment in the entry`;
    if (misfit === field) return [{ name, state: "failed" }];
    return opened[field] === undefined ? [] : [{ name, state: "passed" }];
  });
}

/** The other half of a command: held here, or looked for around it. */
async function partnerOf({ entry }: CheckedRow, deps: EntryProofDeps): Promise<CheckedRow | undefined> {
  const held = deps.keeper.partnerOf(entry.index);
  if (held !== undefined || entry.detail.intent === undefined) return held;
  const wanted = WANTED[entry.action];
  if (wanted === undefined) return undefined;
  const search = await searchAround(entry, wanted, deps);
  while (!search.isDone) {
    for (const { held: one } of await search.next())
      if (one.kind === "row" && isOtherHalf(entry, one.checked.entry)) return one.checked;
  }
  return undefined;
}

const WANTED: Partial<Record<LedgerAction, LedgerAction>> = {
  "command.accepted": "command.receipt",
  "command.receipt": "command.accepted",
};

async function searchAround(entry: ProtocolEntry, wanted: LedgerAction, deps: EntryProofDeps): Promise<LogSearch> {
  const at = Math.floor(entry.at / 1000);
  const isBefore = wanted === "command.accepted";
  const query = {
    actions: [wanted],
    since: isBefore ? at - ANSWERED_WITHIN_SECONDS : at,
    until: isBefore ? at + 1 : at + ANSWERED_WITHIN_SECONDS,
  };
  const head = deps.keeper.head.index;
  const range = isBefore
    ? { before: entry.index, floor: await deps.indexBefore(query.since) }
    : { before: Math.min(head, await deps.indexBefore(query.until)) + 1, floor: entry.index };
  return new LogSearch(deps, query, range);
}

function isOtherHalf(one: ProtocolEntry, other: ProtocolEntry): boolean {
  const sameHost = one.target === other.target || one.target === undefined || other.target === undefined;
  return one.detail.intent === other.detail.intent && sameHost;
}

interface FileParts {
  readonly deps: EntryProofDeps;
  readonly partner: CheckedRow | undefined;
  readonly evidence: Evidence | undefined;
  readonly workspace: string;
}

/** Both halves of a command under one checkpoint, the trust log from its root, and what was signed. */
async function fileOf(placed: Placed, parts: FileParts): Promise<EntryProof["file"]> {
  const { deps, partner, evidence, workspace } = parts;
  const { index } = placed.checked.entry;
  const answers = await underOneNote(index, { deps, partner, first: placed.answer });
  const [first] = answers;
  if (first === undefined) return undefined;
  const lines: LedgerLine[] = [
    { kind: "log", v: 1, workspace, form: "proven" },
    ...trustLines(deps.trust.page),
    { kind: "checkpoint", note: first.checkpoint },
    ...answers.map(({ row, inclusion }): LedgerLine => ({ kind: "proven", row, inclusion: [...inclusion] })),
    ...(evidence === undefined ? [] : [{ kind: "evidence", ...evidence } as const]),
  ];
  const whole: readonly LedgerLine[] = [...lines, { kind: "end", lines: lines.length }];
  const json = whole.map((line) => `${utf8Text(ledgerLineCodec.encode(line))}\n`).join("");
  return { name: `clawhold-proof-${index}.jsonl`, json };
}

/** A new checkpoint may be signed between two answers: then the first is asked for again. */
async function underOneNote(
  index: number,
  {
    deps,
    partner,
    first,
  }: {
    readonly deps: EntryProofDeps;
    readonly partner: CheckedRow | undefined;
    readonly first: ProofAnswer | undefined;
  },
): Promise<readonly ProofAnswer[]> {
  if (first === undefined) return [];
  if (partner === undefined) return [first];
  const indices = [index, partner.entry.index].toSorted((a, b) => a - b);
  for (let tries = 0; tries < 3; tries += 1) {
    const answers: ProofAnswer[] = [];
    for (const one of indices) {
      const answer = await deps.source.proof(one);
      if (answer !== undefined) answers.push(answer);
    }
    if (new Set(answers.map(({ checkpoint }) => checkpoint)).size === 1) return answers;
  }
  return [first];
}

/** Statements of one line, well below the longest line there may be. */
const STATEMENTS_PER_LINE = 16;

function trustLines({ root, statements }: TrustPage): readonly LedgerLine[] {
  const pages: TrustPage[] = [];
  for (let at = 0; at < statements.length || at === 0; at += STATEMENTS_PER_LINE)
    pages.push({ statements: statements.slice(at, at + STATEMENTS_PER_LINE) });
  return pages.map((page, place) => ({
    kind: "trust",
    page: place === 0 && root !== undefined ? { root, ...page } : page,
  }));
}
