/** The ledger and the receipts as a stranger would check them: from the first entry, by digest and signature. */
import { fromBase64url } from "../../../protocol/bytes.ts";
import type { ActivityRow, HostRow } from "../../../protocol/contracts.ts";
import { CHAIN_START, checkEntry, type ChainPosition, type LedgerEntry } from "../../../protocol/ledger.ts";
import { MAX_ENTRIES_PER_PAGE } from "../../../protocol/limits.ts";
import { receiptCodec, ZERO_DIGEST, type Receipt } from "../../../protocol/messages.ts";
import { digestOf, verifySignature } from "../../../protocol/signing.ts";
import type { HeadlessOperator } from "../operator.ts";

interface SeenReceipt {
  readonly receipt: Receipt;
  readonly digest: string;
}

/** What was verified so far; each reading goes on where the last one ended. */
export class Record {
  readonly #operator: HeadlessOperator;
  readonly #host: string;
  readonly entries: LedgerEntry[] = [];
  readonly receipts: SeenReceipt[] = [];
  #position: ChainPosition = CHAIN_START;
  #hostKey: string | undefined;

  constructor(operator: HeadlessOperator, host: string) {
    this.#operator = operator;
    this.#host = host;
  }

  /** Reads what is new. Throws at the first entry or receipt that does not verify. */
  async read(): Promise<void> {
    for (;;) {
      const { rows } = (await this.#operator.call("activity", {
        path: `/api/activity?after=${String(this.#position.index)}&limit=${String(MAX_ENTRIES_PER_PAGE)}`,
      })) as { rows: ActivityRow[] };
      if (rows.length === 0) return;
      for (const row of rows) await this.#take(row);
    }
  }

  async #take(row: ActivityRow): Promise<void> {
    const workspace = this.#operator.state?.workspace ?? "";
    const step = checkEntry(fromBase64url(row.body), row.hash, { workspace, position: this.#position });
    if (!step.ok) throw new Error(`ledger entry ${String(step.index)}: ${step.fault}`);
    this.#position = step.position;
    this.entries.push(step.entry);
    if (step.entry.action !== "command.receipt") return;
    if (row.receipt === undefined) throw new Error(`ledger entry ${String(row.index)}: its receipt is missing`);
    const body = fromBase64url(row.receipt.body);
    const { signature } = row.receipt;
    const digest = digestOf("receipt", body);
    if (digest !== step.entry.detail.receipt) throw new Error(`ledger entry ${String(row.index)}: another receipt`);
    const publicKey = (this.#hostKey ??= await this.#readHostKey());
    if (!(await verifySignature({ kind: "receipt", body, signature, publicKey })))
      throw new Error(`ledger entry ${String(row.index)}: the receipt is not signed by the host`);
    this.receipts.push({ receipt: receiptCodec.decode(body), digest });
  }

  async #readHostKey(): Promise<string> {
    const { host } = (await this.#operator.call("host", { path: `/api/hosts/${this.#host}` })) as { host: HostRow };
    return host.hostKey;
  }

  /** Entries of this action about this intent. */
  about(intent: string, action: LedgerEntry["action"]): readonly LedgerEntry[] {
    return this.entries.filter((entry) => entry.action === action && entry.detail.intent === intent);
  }

  /** Numbers from 1 without gap or double, each naming the one before; undefined, or what is wrong. */
  chainFault(): string | undefined {
    let previous: string = ZERO_DIGEST;
    const ordered = this.receipts.toSorted((a, b) => a.receipt.number - b.receipt.number);
    for (const [i, { receipt, digest }] of ordered.entries()) {
      if (receipt.number !== i + 1) return `receipt ${String(receipt.number)} stands at place ${String(i + 1)}`;
      if (receipt.previous !== previous) return `receipt ${String(receipt.number)} does not follow the one before`;
      previous = digest;
    }
    return undefined;
  }
}
