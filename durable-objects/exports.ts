/**
 * Copies of the log that somebody is taking: who asked, from which session, for what, and until when. Holds no entry of
 * the log and writes none; whoever hands one in has judged the touch and written it to the ledger.
 */
import { DurableObject } from "cloudflare:workers";
import * as v from "valibot";
import { ledgerFilterSchema, type LedgerFilter } from "../protocol/contracts/ledger.ts";
import { exportFormats, type ExportFormat } from "../protocol/ledger.ts";
import { TICKET_SECONDS } from "../protocol/limits.ts";
import { edgeSeconds, randomNonce } from "./clock.ts";
import type { Env } from "./env.ts";
import { CopyDigest, type CopyPart } from "./export/copy-digest.ts";

/** What a copy holds never changes while it is taken. */
export interface ExportOrder {
  readonly export: string;
  readonly session: string;
  readonly person: string;
  readonly format: ExportFormat;
  readonly filter: LedgerFilter;
  /** Number of the sealed segment, where only that was asked for. */
  readonly segment?: number;
  /** Indices, both included. */
  readonly first: number;
  readonly last: number;
  /** The checkpoint that covers it: its size and its encoded note. Absent: the writer does not sign at present. */
  readonly checkpoint?: { readonly size: number; readonly note: string };
  /** Edge clock, seconds. */
  readonly expires: number;
}

interface Ticket {
  readonly export: string;
  readonly until: number;
}

type Row = Record<string, SqlStorageValue> & {
  readonly export: string;
  readonly session: string;
  readonly expires: number;
  readonly wanted: string;
};

const SCHEMA = `
CREATE TABLE IF NOT EXISTS exports (
  export TEXT PRIMARY KEY NOT NULL,
  session TEXT NOT NULL,
  expires INTEGER NOT NULL,
  wanted TEXT NOT NULL
);`;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const wantedSchema = v.strictObject({
  person: v.string(),
  format: v.picklist(exportFormats),
  filter: ledgerFilterSchema,
  segment: v.optional(count),
  first: count,
  last: count,
  checkpoint: v.optional(v.strictObject({ size: count, note: v.string() })),
});

export class Exports extends DurableObject<Env> {
  /** Durable. */
  readonly #sql: SqlStorage;
  /** In memory only: a lost ticket is asked for again. */
  readonly #tickets = new Map<string, Ticket>();
  /** In memory only, by export: a copy whose parts stopped coming for a while has no digest, and is taken again. */
  readonly #digests = new Map<string, CopyDigest>();

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#sql = state.storage.sql;
    this.#sql.exec(SCHEMA);
  }

  start({ export: id, session, expires, ...wanted }: ExportOrder): void {
    for (const known of this.#digests.keys()) if (this.#read(known) === undefined) this.#digests.delete(known);
    this.#sql.exec("DELETE FROM exports WHERE expires <= ?", edgeSeconds());
    this.#sql.exec("INSERT INTO exports VALUES (?, ?, ?, ?)", id, session, expires, JSON.stringify(wanted));
  }

  /** Only for the session that asked, and while it lasts. */
  find(id: string, session: string): ExportOrder | undefined {
    const order = this.#read(id);
    return order?.session === session ? order : undefined;
  }

  /** A part was made. SHA-256 of the whole copy with its last part, if they came one after the other. */
  follow(id: string, part: CopyPart): string | undefined {
    const digest = this.#digests.get(id) ?? new CopyDigest();
    this.#digests.set(id, digest);
    return digest.add(part);
  }

  /** Undefined: no such export of this session. */
  issueTicket(id: string, session: string): string | undefined {
    if (this.find(id, session) === undefined) return undefined;
    const now = edgeSeconds();
    for (const [ticket, { until }] of this.#tickets) if (until < now) this.#tickets.delete(ticket);
    const ticket = randomNonce();
    this.#tickets.set(ticket, { export: id, until: now + TICKET_SECONDS });
    return ticket;
  }

  /** Once. */
  redeemTicket(ticket: string): ExportOrder | undefined {
    const held = this.#tickets.get(ticket);
    this.#tickets.delete(ticket);
    return held === undefined || held.until < edgeSeconds() ? undefined : this.#read(held.export);
  }

  #read(id: string): ExportOrder | undefined {
    const [row] = this.#sql.exec<Row>("SELECT * FROM exports WHERE export = ?", id).toArray();
    if (row === undefined || row.expires <= edgeSeconds()) return undefined;
    const { segment, checkpoint, ...wanted } = v.parse(wantedSchema, JSON.parse(row.wanted));
    return {
      export: row.export,
      session: row.session,
      expires: row.expires,
      ...wanted,
      ...(segment === undefined ? {} : { segment }),
      ...(checkpoint === undefined ? {} : { checkpoint }),
    };
  }
}
