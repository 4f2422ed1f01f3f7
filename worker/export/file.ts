/**
 * A copy of the log, written step by step: each step reads one page and says where the next begins, so that a file of any
 * size needs the memory of one page. Reads only; who may have it was judged before.
 */
import { toBase64url } from "../../protocol/bytes.ts";
import type { ActivityRow } from "../../protocol/contracts/ledger.ts";
import type { LedgerLine } from "../../protocol/ledger-file.ts";
import { MAX_ENTRIES_SCANNED } from "../../protocol/limits.ts";
import { noteToWire } from "../../protocol/note.ts";
import type { TrustPage } from "../../protocol/trust/statements.ts";
import type { StoredCheckpoint } from "../../durable-objects/db/checkpoint-table.ts";
import type { LedgerRecord } from "../../durable-objects/db/ledger-reader.ts";
import type { LogPage } from "../../durable-objects/db/trust-log.ts";
import { formats } from "../../durable-objects/export/formats.ts";
import { entryLine, fileLine, provenLine } from "../../durable-objects/export/jsonl.ts";
import type { ExportOrder } from "../../durable-objects/exports.ts";
import type { LedgerBooks } from "../ledger-books.ts";
import { coveringCheckpoint, type CoveringInput } from "./covering.ts";
import type { Cursor } from "./cursor.ts";
import { earlierCheckpoints } from "./earlier.ts";
import { evidenceLine, type ReadSubmission } from "./evidence.ts";
import { splitTrustPage } from "./trust-lines.ts";

export interface ExportSource {
  readonly workspace: string;
  readonly books: LedgerBooks;
  /** Of the trust log. */
  readonly hosts: CoveringInput["hosts"];
  readonly trustPage: (after: number | undefined) => Promise<LogPage>;
  /** What a person signed, where whoever asked may read it. */
  readonly submission: ReadSubmission;
}

export interface Step {
  readonly text: string;
  /** Undefined: the file is whole. */
  readonly next: Cursor | undefined;
}

export class ExportFile {
  readonly #order: ExportOrder;
  readonly #source: ExportSource;

  constructor(order: ExportOrder, source: ExportSource) {
    this.#order = order;
    this.#source = source;
  }

  /** `rows`: entries of one page. */
  async step(cursor: Cursor, rows: number): Promise<Step> {
    if (this.#order.format !== "jsonl") return this.#plainStep(cursor, rows);
    switch (cursor.stage) {
      case "head":
        return this.#lines(cursor, [this.#logLine()], { stage: "trust", after: 0 });
      case "trust":
        return this.#trustStep(cursor);
      case "notes":
        return this.#lines(cursor, await this.#notes(), { stage: "rows", after: this.#order.first - 1 });
      case "rows":
        return this.#rowsStep(cursor, rows);
      case "tail":
        return { text: await this.#tail(cursor.lines), next: undefined };
    }
  }

  // ---- our own format ----

  #logLine(): string {
    const { filter, segment } = this.#order;
    return fileLine({
      kind: "log",
      v: 1,
      workspace: this.#source.workspace,
      form: this.#isFiltered() ? "proven" : "chain",
      ...(this.#isFiltered() ? { filter } : {}),
      ...(segment === undefined ? {} : { segment }),
    });
  }

  async #trustStep(cursor: Cursor): Promise<Step> {
    const { page, next } = await this.#source.trustPage(cursor.after === 0 ? undefined : cursor.after - 1);
    const lines = splitTrustPage(page).map((part: TrustPage) => fileLine({ kind: "trust", page: part }));
    return this.#lines(
      cursor,
      lines,
      next === undefined ? { stage: "notes", after: 0 } : { stage: "trust", after: next + 1 },
    );
  }

  /** The checkpoint that covers the file, smaller ones that hosts have cosigned, and what stands before the first entry. */
  async #notes(): Promise<readonly string[]> {
    const { checkpoint } = this.#order;
    if (checkpoint === undefined) throw new TypeError("export: nothing covers this file");
    const { checkpoints } = this.#source.books;
    const { hosts, workspace } = this.#source;
    const { first } = this.#order;
    const { size } = checkpoint;
    const { note: covering, listed } = await coveringCheckpoint(checkpoints, { checkpoint, hosts });
    const candidates = [...listed, ...(await checkpoints.witnesses())];
    const earlier = earlierCheckpoints(candidates, { workspace, hosts, first, size });
    return [
      fileLine({ kind: "checkpoint", note: noteToWire(covering) }),
      ...(await Promise.all(earlier.map((one) => this.#earlierLine(one, size)))),
      ...(this.#isFiltered() ? [] : await this.#before()),
    ];
  }

  /** Between single entries its root cannot be computed: it is proven to be the beginning of the covering one. */
  async #earlierLine({ size, note }: Pick<StoredCheckpoint, "size" | "note">, covering: number): Promise<string> {
    const line = { kind: "checkpoint", note: noteToWire(note) } as const;
    if (!this.#isFiltered()) return fileLine(line);
    const consistency = await this.#source.books.tree.consistency(size, covering);
    return fileLine({ ...line, consistency: consistency.map(toBase64url) });
  }

  async #before(): Promise<readonly string[]> {
    const { first, segment } = this.#order;
    if (first === 1) return [];
    const { reader, tree } = this.#source.books;
    const record = await reader.entry(first);
    const hash = record === undefined ? undefined : /"previous":"([A-Za-z0-9_-]{43})"/.exec(record.body)?.[1];
    if (hash === undefined) return [];
    const frontier = (await tree.frontier(first - 1)).map(toBase64url);
    return [fileLine({ kind: "before", index: first - 1, hash, frontier, dropped: segment === undefined })];
  }

  async #rowsStep(cursor: Cursor, rows: number): Promise<Step> {
    const { records, next } = await this.#read(cursor.after, rows);
    const described = await this.#source.books.reader.describe(records);
    const lines = this.#isFiltered() ? this.#provenLines(described) : Promise.resolve(described.map(entryLine));
    const [entries, evidence] = await Promise.all([
      lines,
      Promise.all(records.map((record) => evidenceLine(record, this.#source.submission))),
    ]);
    const all = entries.flatMap((line, i) => [line, ...(evidence[i] ?? [])]);
    return this.#lines(cursor, all, next === undefined ? { stage: "tail", after: 0 } : { stage: "rows", after: next });
  }

  #provenLines(rows: readonly ActivityRow[]): Promise<readonly string[]> {
    const size = this.#order.checkpoint?.size ?? 0;
    const { tree } = this.#source.books;
    return Promise.all(
      rows.map(async (row) => provenLine(row, (await tree.inclusion(row.index, size)).map(toBase64url))),
    );
  }

  async #tail(before: number): Promise<string> {
    const lines: LedgerLine[] = [];
    const { last, checkpoint } = this.#order;
    if (!this.#isFiltered() && checkpoint !== undefined && checkpoint.size > last) {
      const consistency = await this.#source.books.tree.consistency(last, checkpoint.size);
      lines.push({ kind: "after", index: last, consistency: consistency.map(toBase64url) });
    }
    lines.push({ kind: "end", lines: before + lines.length });
    return lines.map(fileLine).join("");
  }

  // ---- the others ----

  async #plainStep(cursor: Cursor, rows: number): Promise<Step> {
    const { format, first } = this.#order;
    const { header, row } = formats[format];
    const isHead = cursor.stage === "head";
    const { records, next } = await this.#read(isHead ? first - 1 : cursor.after, rows);
    const described = await this.#source.books.reader.describe(records);
    const lines = [...(isHead && header !== "" ? [header] : []), ...described.map((one) => row(one))];
    return this.#lines(cursor, lines, next === undefined ? undefined : { stage: "rows", after: next });
  }

  // ---- both ----

  async #read(
    after: number,
    limit: number,
  ): Promise<{ readonly records: readonly LedgerRecord[]; readonly next: number | undefined }> {
    const { last, filter } = this.#order;
    const { reader } = this.#source.books;
    if (!this.#isFiltered()) {
      const records = (await reader.oldestAfter(after, limit)).filter(({ idx }) => idx <= last);
      const newest = records.at(-1)?.idx;
      // Where entries are missing the file ends: finding that is the verifier's business.
      return { records, next: newest === undefined || newest >= last ? undefined : newest };
    }
    const before = Math.min(last, after + MAX_ENTRIES_SCANNED) + 1;
    const records = await reader.filtered(filter, { after, before }, { order: "ASC", limit });
    const scanned = records.length === limit ? (records.at(-1)?.idx ?? after) : before - 1;
    return { records, next: scanned >= last ? undefined : scanned };
  }

  #isFiltered(): boolean {
    return Object.keys(this.#order.filter).length > 0;
  }

  #lines({ lines }: Cursor, written: readonly string[], next: Omit<Cursor, "lines"> | undefined): Step {
    return {
      text: written.join(""),
      next: next === undefined ? undefined : { ...next, lines: lines + written.length },
    };
  }
}
