/** Entries that stand alone: each is proven to be in the log that the checkpoint signed, none to be the neighbour of another. */
import { fromBase64url } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import { entryLeaf, type Checkpoint } from "../../protocol/checkpoint.ts";
import type { ProvenRow } from "../../protocol/contracts/ledger.ts";
import { entryCodec, entryDigest, type LedgerEntry } from "../../protocol/ledger.ts";
import { verifyInclusion } from "../../protocol/merkle.ts";
import type { EntryReaders } from "./chain.ts";
import type { FileCode, Report } from "./report.ts";

export class ProvenReader {
  readonly #workspace: string;
  readonly #report: Report;
  readonly #readers: EntryReaders;
  #entries = 0;
  #last = 0;
  #first = 0;
  #at = 0;

  constructor(workspace: string, report: Report, readers: EntryReaders) {
    this.#workspace = workspace;
    this.#report = report;
    this.#readers = readers;
  }

  get entries(): number {
    return this.#entries;
  }

  get first(): number {
    return this.#first;
  }

  get last(): number {
    return this.#last;
  }

  get at(): number {
    return this.#at;
  }

  /** `checkpoint`: undefined where the file has none that holds; then nothing is proven, and that was said already. */
  read({ row, inclusion }: ProvenRow, line: number, checkpoint: Checkpoint | undefined): void {
    this.#entries += 1;
    const { index } = row;
    const bytes = fromBase64url(row.body);
    const entry = decoded(bytes);
    const fail = (code: FileCode): void => this.#report.file(code, { line, index });
    if (entry === undefined) return fail("entry_malformed");
    if (entry.workspace !== this.#workspace) fail("entry_workspace");
    if (entry.index !== index) fail("row_index");
    if (entry.index <= this.#last) fail("proven_order");
    const digest = entryDigest(bytes);
    if (digest !== row.hash) fail("entry_hash");
    if (checkpoint !== undefined) {
      const { size, root } = checkpoint;
      const proof = inclusion.map(fromBase64url);
      if (!verifyInclusion({ index: entry.index - 1, size, leaf: entryLeaf(digest), proof, root })) fail("inclusion");
    }
    if (this.#first === 0) this.#first = entry.index;
    this.#last = entry.index;
    this.#at = Math.max(this.#at, entry.at);
    this.#readers.times.entry(entry.index, entry.at, line);
    this.#readers.onEntry({ line, entry, openings: row, receipt: row.receipt });
  }
}

function decoded(bytes: Uint8Array): LedgerEntry | undefined {
  try {
    return entryCodec.decode(bytes);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
