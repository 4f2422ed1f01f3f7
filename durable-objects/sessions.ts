/**
 * The sessions of one workspace. A session is usable only with two things at once: the cookie, and a request signed
 * by the session key. Knows nothing of roles; whoever asks judges those against the trust log.
 * What survives an eviction: sessions and the jtis of writes (SQLite). What does not: jtis of reads (a replayed read
 * tells its thief what they read already, and needs the cookie too) and tickets (the page asks for another).
 */
import { DurableObject } from "cloudflare:workers";
import { fromBase64url } from "../protocol/bytes.ts";
import { MalformedError } from "../protocol/canonical.ts";
import {
  MAX_SESSIONS_PER_PERSON,
  REQUEST_SKEW_SECONDS,
  SESSION_IDLE_SECONDS,
  TICKET_SECONDS,
} from "../protocol/limits.ts";
import { requestCodec, type ApiRequest } from "../protocol/messages.ts";
import { verifySignature } from "../protocol/signing.ts";
import { edgeSeconds, randomNonce } from "./clock.ts";
import type { Env } from "./env.ts";
import { SessionTable, type SessionRecord } from "./session-table.ts";

/** The idle clock is kept this coarse, so that a busy page costs one write a minute and not one a request. */
const TOUCH_SECONDS = 60;
/** A jti is remembered for as long as its request's time could still be accepted. */
const JTI_SECONDS = 2 * REQUEST_SKEW_SECONDS;
/** More reads than this inside the memory's span are one page gone wild, or an attack. */
const MAX_REMEMBERED_READS = 20_000;

/** What arrived, beside what the signature claims. */
export interface ObservedRequest {
  readonly cookieHash: string;
  /** base64url, both unverified. */
  readonly request: string;
  readonly signature: string;
  readonly method: string;
  readonly path: string;
  readonly bodyDigest: string;
}

export type RequestRefusal =
  | "cookie"
  | "malformed"
  | "signature"
  | "mismatch"
  | "clock"
  | "replay"
  | "ended"
  | "idle"
  | "flood";
export type Authentication =
  | { readonly ok: true; readonly record: SessionRecord }
  | { readonly ok: false; readonly why: RequestRefusal };

export interface NewSession {
  readonly record: Omit<SessionRecord, "lastSeen">;
  readonly cookieHash: string;
}

interface Ticket {
  readonly session: string;
  readonly host: string;
  readonly until: number;
}

export class Sessions extends DurableObject<Env> {
  /** Durable. */
  readonly #table: SessionTable;
  /** In memory only: see above. jti -> until. */
  readonly #reads = new Map<string, number>();
  /** In memory only: a lost ticket is asked for again. */
  readonly #tickets = new Map<string, Ticket>();

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#table = new SessionTable(state.storage.sql);
  }

  /** Returns the sessions that had to end to make room. */
  create({ record, cookieHash }: NewSession): readonly string[] {
    const now = edgeSeconds();
    this.#table.deleteExpired(now);
    const held = this.#table.ofPerson(record.person);
    const ended = held.slice(0, Math.max(0, held.length - MAX_SESSIONS_PER_PERSON + 1)).map(({ session }) => session);
    for (const session of ended) this.#table.delete(session);
    this.#table.insert({ ...record, lastSeen: now }, cookieHash);
    return ended;
  }

  async authenticate(observed: ObservedRequest): Promise<Authentication> {
    const record = this.#table.byCookie(observed.cookieHash);
    if (record === undefined) return refuse("cookie");
    const request = await judgeSignedRequest(observed, record.sessionKey);
    if (typeof request === "string") return refuse(request);
    const now = edgeSeconds();
    const over = this.#judgeLife(record, now);
    if (over !== undefined) return refuse(over);
    const used = this.#useOnce(request, now);
    if (used !== undefined) return refuse(used);
    if (now - record.lastSeen >= TOUCH_SECONDS) this.#table.touch(record.session, now);
    return { ok: true, record };
  }

  end(session: string): boolean {
    return this.#table.delete(session);
  }

  issueTicket(session: string, host: string): string {
    const now = edgeSeconds();
    for (const [ticket, { until }] of this.#tickets) if (until < now) this.#tickets.delete(ticket);
    const ticket = randomNonce();
    this.#tickets.set(ticket, { session, host, until: now + TICKET_SECONDS });
    return ticket;
  }

  /** Once, for one host, while its session lives. */
  redeemTicket(ticket: string, host: string): SessionRecord | undefined {
    const held = this.#tickets.get(ticket);
    this.#tickets.delete(ticket);
    const now = edgeSeconds();
    if (held === undefined || held.host !== host || held.until < now) return undefined;
    const record = this.#table.bySession(held.session);
    return record === undefined || this.#judgeLife(record, now) !== undefined ? undefined : record;
  }

  counters(): { readonly sessions: number; readonly people: number } {
    this.#table.deleteExpired(edgeSeconds());
    return this.#table.count();
  }

  #judgeLife(record: SessionRecord, now: number): "ended" | "idle" | undefined {
    const over = now >= record.expires ? "ended" : now - record.lastSeen > SESSION_IDLE_SECONDS ? "idle" : undefined;
    if (over !== undefined) this.#table.delete(record.session);
    return over;
  }

  #useOnce(request: ApiRequest, now: number): "replay" | "flood" | undefined {
    if (request.method === "POST") return this.#table.useOnce(request.jti, now + JTI_SECONDS) ? undefined : "replay";
    for (const [jti, until] of this.#reads) {
      if (until >= now) break; // in order of arrival, so the first live one ends the search
      this.#reads.delete(jti);
    }
    if (this.#reads.has(request.jti)) return "replay";
    if (this.#reads.size >= MAX_REMEMBERED_READS) return "flood";
    this.#reads.set(request.jti, now + JTI_SECONDS);
    return undefined;
  }
}

function refuse(why: RequestRefusal): Authentication {
  return { ok: false, why };
}

/** The signed request, once signature and every stated fact agree with what arrived. Also for the setup key. */
export async function judgeSignedRequest(
  observed: Omit<ObservedRequest, "cookieHash">,
  publicKey: string,
): Promise<ApiRequest | "malformed" | "signature" | "mismatch" | "clock"> {
  let body: Uint8Array<ArrayBuffer>;
  try {
    body = fromBase64url(observed.request);
  } catch {
    return "malformed"; // not base64url: nobody signed that
  }
  if (!(await verifySignature({ kind: "request", body, signature: observed.signature, publicKey }))) return "signature";
  const request = decodeRequest(body);
  if (request === undefined) return "malformed";
  const agrees =
    request.method === observed.method && request.path === observed.path && request.body === observed.bodyDigest;
  if (!agrees) return "mismatch";
  return Math.abs(edgeSeconds() - request.iat) > REQUEST_SKEW_SECONDS ? "clock" : request;
}

function decodeRequest(bytes: Uint8Array): ApiRequest | undefined {
  try {
    return requestCodec.decode(bytes);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
