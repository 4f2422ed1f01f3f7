/** The offline check of an exported activity log. Pure: text in, findings out; believes nothing but signatures. */
import * as v from "valibot";
import { fromBase64url, utf8 } from "../../protocol/bytes.ts";
import { decodeCanonical, MalformedError } from "../../protocol/canonical.ts";
import { activityRowSchema, type ActivityRow } from "../../protocol/contracts.ts";
import {
  CHAIN_START,
  checkEntry,
  commit,
  type ChainFault,
  type ChainPosition,
  type LedgerEntry,
} from "../../protocol/ledger.ts";
import { receiptCodec, ZERO_DIGEST, type Receipt, type Signed } from "../../protocol/messages.ts";
import { digestOf, verifySignature } from "../../protocol/signing.ts";
import { applyRoot, applyStatement } from "../../protocol/trust/apply.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import { trustPageCodec, type TrustPage } from "../../protocol/trust/statements.ts";

export interface Finding {
  /** From 1. */
  readonly line: number;
  readonly what: string;
}

export interface ExportResult {
  readonly workspace: string | undefined;
  readonly entries: number;
  readonly receipts: number;
  readonly findings: readonly Finding[];
}

const FAULTS = {
  malformed: "the entry is not well formed",
  workspace: "the entry belongs to another workspace",
  gap: "an entry is missing before this one, or the order is wrong",
  previous: "it does not follow the entry before it: one of the two was replaced",
  hash: "its content was changed: the digest does not fit",
} as const satisfies Record<ChainFault, string>;

export async function verifyExport(text: string, pin: string | undefined): Promise<ExportResult> {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const [first = "", ...rest] = lines;
  const findings: Finding[] = [];
  const trust = await readTrust(first, pin);
  if (typeof trust === "string")
    return { workspace: undefined, entries: 0, receipts: 0, findings: [{ line: 1, what: trust }] };
  const check = new Check(trust);
  for (const [i, line] of rest.entries()) {
    for (const what of await check.row(line)) findings.push({ line: i + 2, what });
  }
  return { workspace: trust.workspace, entries: check.entries, receipts: check.receipts, findings };
}

interface TrustFacts {
  readonly workspace: string;
  /** Every host that was ever admitted: receipts outlive their host. */
  readonly hostKeys: ReadonlyMap<string, string>;
}

async function readTrust(line: string, pin: string | undefined): Promise<TrustFacts | string> {
  let page: TrustPage;
  try {
    page = trustPageCodec.decode(utf8(line));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return "this is not a trust log in canonical form, so nothing can be checked";
  }
  if (page.root === undefined) return "the trust log lacks its root, so nothing can be checked";
  const workspace = pin ?? digestOf("root", fromBase64url(page.root.root));
  const first = await applyRoot(page.root, { workspace });
  if (!first.ok && first.code === "workspace" && pin !== undefined)
    return "the root makes another workspace than the one you gave with --workspace, or was changed";
  if (!first.ok) return `the root does not verify (${first.code})`;
  const hostKeys = new Map<string, string>();
  let state: TrustState = first.state;
  for (const [i, signed] of page.statements.entries()) {
    const next = await applyStatement(state, signed);
    if (!next.ok) return `statement ${String(i + 1)} does not verify (${next.code})`;
    state = next.state;
    for (const [host, body] of state.hosts) hostKeys.set(host, body.hostKey);
  }
  return { workspace, hostKeys };
}

class Check {
  entries = 0;
  receipts = 0;
  readonly #trust: TrustFacts;
  #position: ChainPosition = CHAIN_START;
  readonly #chains = new Map<string, { readonly number: number; readonly hash: string }>();

  constructor(trust: TrustFacts) {
    this.#trust = trust;
  }

  /** What is wrong with one row. After a fault in the chain the next row is held against what this row claims to be. */
  async row(line: string): Promise<readonly string[]> {
    const row = readRow(line);
    if (row === undefined) return ["this is not a row of an activity log"];
    this.entries += 1;
    const bytes = fromBase64url(row.body);
    const step = checkEntry(bytes, row.hash, { workspace: this.#trust.workspace, position: this.#position });
    if (!step.ok) {
      this.#position = { index: row.index, hash: row.hash };
      return [`entry ${String(row.index)}: ${FAULTS[step.fault]}`];
    }
    this.#position = step.position;
    const named = (what: string): string => `entry ${String(step.entry.index)}: ${what}`;
    const wrong = [...judgeRow(row, step.entry), ...(await this.#judgeReceipt(row, step.entry))];
    return wrong.map(named);
  }

  async #judgeReceipt({ receipt: signed }: ActivityRow, entry: LedgerEntry): Promise<readonly string[]> {
    if (entry.action !== "command.receipt")
      return signed === undefined ? [] : ["a receipt stands beside an entry that names none"];
    if (signed === undefined) return ["the host's receipt is missing"];
    this.receipts += 1;
    const receipt = readReceipt(signed);
    if (receipt === undefined) return ["the host's receipt is not well formed"];
    const { detail } = entry;
    const body = fromBase64url(signed.body);
    const fits =
      detail.receipt === digestOf("receipt", body) &&
      detail.intent === receipt.intent &&
      detail.verdict === receipt.verdict &&
      detail.code === receipt.code &&
      entry.target === receipt.host &&
      entry.actor.kind === "host" &&
      entry.actor.id === receipt.host;
    if (!fits) return ["the receipt is not the one that the entry names"];
    const publicKey = this.#trust.hostKeys.get(receipt.host);
    if (publicKey === undefined) return [`the receipt is by ${receipt.host}, which was never admitted`];
    if (receipt.workspace !== this.#trust.workspace) return ["the receipt belongs to another workspace"];
    if (!(await verifySignature({ kind: "receipt", body, signature: signed.signature, publicKey }))) {
      return ["the receipt's signature does not verify"];
    }
    return this.#follow(receipt, digestOf("receipt", body));
  }

  /** The host's own chain: a number that is missing is a receipt that somebody kept back. */
  #follow(receipt: Receipt, hash: string): readonly string[] {
    const before = this.#chains.get(receipt.host) ?? { number: 0, hash: ZERO_DIGEST };
    this.#chains.set(receipt.host, { number: receipt.number, hash });
    if (receipt.number === before.number + 1 && receipt.previous === before.hash) return [];
    if (receipt.number > before.number + 1) {
      return [
        `receipts ${String(before.number + 1)} to ${String(receipt.number - 1)} of ${receipt.host} are missing before this one`,
      ];
    }
    return [
      `receipt ${String(receipt.number)} of ${receipt.host} does not follow the one before: the host's chain has forked`,
    ];
  }
}

function judgeRow(row: ActivityRow, entry: LedgerEntry): readonly string[] {
  if (row.index !== entry.index) return ["the row gives another index than the entry"];
  if (row.source === undefined) return [];
  return commit({ field: "source", ...row.source }) === entry.source
    ? []
    : ["the source address beside it is not the one committed to"];
}

function readRow(line: string): ActivityRow | undefined {
  try {
    const parsed = v.safeParse(activityRowSchema, decodeCanonical(utf8(line)));
    return parsed.success ? parsed.output : undefined;
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

function readReceipt(signed: Signed): Receipt | undefined {
  try {
    return receiptCodec.decode(fromBase64url(signed.body));
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
