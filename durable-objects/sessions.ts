/**
 * The sessions of one workspace. A session is usable only with two things at once: the cookie, and a request signed
 * by the session key. Knows nothing of roles; whoever asks judges those against the trust log.
 * What survives an eviction: sessions, what ended them, and the jtis of writes (SQLite). What does not: jtis of reads (a replayed read
 * tells its thief what they read already, and needs the cookie too) and tickets (the page asks for another).
 */
import { DurableObject } from "cloudflare:workers";
import { fromBase64url } from "../protocol/bytes.ts";
import { MalformedError } from "../protocol/canonical.ts";
import type { OriginUse } from "../protocol/contracts/sessions.ts";
import type { LedgerDraft } from "../protocol/ledger.ts";
import {
  MAX_SESSIONS_PER_PERSON,
  REQUEST_SKEW_SECONDS,
  SESSION_SKEW_SECONDS,
  TICKET_SECONDS,
} from "../protocol/limits.ts";
import { requestCodec, type ApiRequest } from "../protocol/messages.ts";
import { verifySignature } from "../protocol/signing.ts";
import type { EndingSession } from "../protocol/verify/session-end.ts";
import { CallCounts, type Caller } from "./call-counts.ts";
import { edgeSeconds, randomNonce } from "./clock.ts";
import { openDatabase } from "./db/database.ts";
import { listHosts } from "./db/host-rows.ts";
import { hostOf, type Env } from "./env.ts";
import { LedgerUnavailable, ledgerOf } from "./ledger-client.ts";
import { OriginUseTable } from "./origin-use.ts";
import { RefusalRoom } from "./refusal-room.ts";
import { SessionTable, type PersonTerm, type SessionRecord, type StoredSession } from "./session-table.ts";
import { SessionRates, type NamedRate } from "./session-rates.ts";
import type { Standing } from "../protocol/rates.ts";

/** The idle clock is kept this coarse, so that a busy page costs one write a minute and not one a request. */
const TOUCH_SECONDS = 60;
/** A jti is remembered for as long as its request's time could still be accepted. */
const JTI_SECONDS = 2 * REQUEST_SKEW_SECONDS;
/** Requests under way when the key changes took longer than this only on a line that is down. */
const PREVIOUS_KEY_SECONDS = 30;
/** How soon the end of a session is recorded again after the ledger could not take it. */
const RETRY_SECONDS = 60;
/** Whoever asked for something within this time is looking. */
const LOOKING_SECONDS = 60;
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
  | "flood"
  | "rate";
export type Authentication =
  | { readonly ok: true; readonly record: SessionRecord; readonly standings: readonly Standing[] }
  | { readonly ok: false; readonly why: Exclude<RequestRefusal, "rate"> }
  /** Whose session it is is beyond doubt; it asks too often. */
  | { readonly ok: false; readonly why: "rate"; readonly standings: readonly Standing[] };

/** By which rates a call is counted. */
export interface SessionAllowance {
  readonly everybody: NamedRate;
  /** Instead of everybody's, for these people. */
  readonly administrator: NamedRate;
  readonly administrators: readonly string[];
  /** Of what is asked for, beside those. */
  readonly own?: NamedRate;
}

export interface NewSession {
  readonly workspace: string;
  readonly record: Omit<SessionRecord, "startedAt" | "lastSeen">;
  readonly cookieHash: string;
  readonly rolesEnd: number | undefined;
}

/** A step-up named the key that follows. */
export interface Succession {
  readonly session: string;
  readonly key: string;
}

interface Ticket {
  readonly session: string;
  readonly host: string;
  readonly until: number;
}

export class Sessions extends DurableObject<Env> {
  /** Durable. */
  readonly #table: SessionTable;
  readonly #originUse: OriginUseTable;
  readonly #refusals: RefusalRoom;
  /** In memory only: see above. jti -> until. */
  readonly #reads = new Map<string, number>();
  /** In memory only: a lost ticket is asked for again. */
  readonly #tickets = new Map<string, Ticket>();
  /** In memory only: whoever still looks asks again soon. Session -> its person, and when it last asked. */
  readonly #recent = new Map<string, { readonly person: string; readonly lastSeen: number }>();
  readonly #calls: CallCounts;
  readonly #rates = new SessionRates();

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#table = new SessionTable(state.storage.sql);
    this.#originUse = new OriginUseTable(state.storage.sql);
    this.#refusals = new RefusalRoom(state.storage.sql);
    this.#calls = new CallCounts(state.storage.sql, () => state.waitUntil(this.#plan()));
  }

  /** Returns the sessions that had to end to make room. */
  async create({ workspace, record, cookieHash, rolesEnd }: NewSession): Promise<readonly string[]> {
    this.#table.identify(workspace);
    const now = edgeSeconds();
    this.#table.forget(now);
    const held = this.#table.ofPerson(record.person);
    const ended = held.slice(0, Math.max(0, held.length - MAX_SESSIONS_PER_PERSON + 1)).map(({ session }) => session);
    for (const session of ended) this.#table.delete(session);
    this.#table.insert({ ...record, startedAt: now, lastSeen: now }, cookieHash);
    this.#originUse.note(record.origin, now);
    const { person, idleSeconds } = record;
    this.#table.setTerm({ person, idleSeconds, rolesEnd });
    await this.#plan();
    return ended;
  }

  /** After a change of the trust log: how long the people who are signed in may rest, and when their roles end. */
  async setTerms(terms: readonly PersonTerm[]): Promise<void> {
    for (const term of terms) this.#table.setTerm(term);
    await this.#plan();
  }

  async authenticate(observed: ObservedRequest, allowance: SessionAllowance): Promise<Authentication> {
    const stored = this.#table.byCookie(observed.cookieHash);
    if (stored === undefined) return refuse("cookie");
    const now = edgeSeconds();
    const request = await judgeByKeys(observed, stored, now);
    if (typeof request === "string") return refuse(request);
    const over = judgeLife(stored, now);
    if (over !== undefined) return refuse(over);
    const used = this.#useOnce(request, now);
    if (used !== undefined) return refuse(used);
    const standings = this.#rates.take(stored.session, ratesOf(stored.person, allowance), Date.now());
    if (standings.some(({ isAllowed }) => !isAllowed)) return { ok: false, why: "rate", standings };
    if (now - stored.lastSeen >= TOUCH_SECONDS) this.#table.touch(stored.session, now);
    const { previous: _previous, ...record } = stored;
    this.#recent.set(record.session, { person: record.person, lastSeen: now });
    this.#calls.add({ kind: "person", id: record.person }, now);
    return { ok: true, record, standings };
  }

  /** A call that brought no session. It counts as one whether or not there was any left. */
  countCall(workspace: string, caller: Caller, rate: NamedRate): readonly Standing[] {
    this.#table.identify(workspace);
    this.#calls.add(caller, edgeSeconds());
    return this.#rates.take(`${caller.kind} ${caller.id}`, [rate], Date.now());
  }

  /** Makes durable what was counted so far. */
  flushCalls(): void {
    this.#calls.flush();
  }

  /** Sessions that asked for something within the last minute. */
  recent(): readonly { readonly person: string; readonly lastSeen: number }[] {
    const oldest = edgeSeconds() - LOOKING_SECONDS;
    for (const [session, { lastSeen }] of this.#recent) if (lastSeen < oldest) this.#recent.delete(session);
    return [...this.#recent.values()];
  }

  /** From now on requests are signed by this key; the present one is good for those under way. */
  succeed({ session, key }: Succession): void {
    if (this.#table.bySession(session) === undefined || !this.#table.useKey(session, key)) return;
    this.#table.succeed(session, key, edgeSeconds() + PREVIOUS_KEY_SECONDS);
  }

  /** Whether one more refusal of what this session signed becomes an entry; true is counted. */
  takeRefusal(session: string): boolean {
    return this.#refusals.take(session, edgeSeconds());
  }

  isOpen(session: string): boolean {
    const stored = this.#table.bySession(session);
    return stored !== undefined && judgeLife(stored, edgeSeconds()) === undefined;
  }

  /** Oldest first. */
  list(): readonly SessionRecord[] {
    return this.#table.live(edgeSeconds());
  }

  /** Outlives the sessions. */
  originUse(): OriginUse | undefined {
    return this.#originUse.read();
  }

  end(session: string): boolean {
    this.#recent.delete(session);
    return this.#table.delete(session);
  }

  /** Ended by a signed word, which hosts that are not connected now must hear later. `signed`: its JSON. */
  revoke(ended: readonly EndingSession[], signed: string): void {
    for (const { session, until } of ended) {
      this.#table.addEnd(session, signed, until + SESSION_SKEW_SECONDS);
      this.#table.delete(session);
    }
  }

  /** JSON of every signed session-end that still matters to a host. */
  ends(): readonly string[] {
    return this.#table.ends(edgeSeconds());
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
    const stored = this.#table.bySession(held.session);
    if (stored === undefined || judgeLife(stored, now) !== undefined) return undefined;
    const { previous: _previous, ...record } = stored;
    return record;
  }

  counters(): { readonly sessions: number; readonly people: number } {
    return this.#table.count(edgeSeconds());
  }

  /** Sessions that nobody ended are over by themselves: recorded, and what they still watch is closed. */
  override async alarm(): Promise<void> {
    const workspace = this.#table.workspace();
    if (workspace === undefined) return;
    const over = this.#table.over(edgeSeconds());
    try {
      for (const { session, person } of over) {
        await ledgerOf(this.env, workspace)(endedByEdge(session, person));
        this.#table.delete(session);
        await closeSockets(this.env, workspace, session);
      }
      for (const count of this.#calls.due(edgeSeconds())) {
        await ledgerOf(this.env, workspace)(count.draft);
        this.#calls.written(count, edgeSeconds());
      }
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error;
      await this.ctx.storage.setAlarm(Date.now() + RETRY_SECONDS * 1_000);
      return;
    }
    await this.#plan();
  }

  /** A request moves the end of its session away; then the alarm finds nothing and is planned anew. */
  async #plan(): Promise<void> {
    const next = Math.min(this.#table.nextEnd() ?? Infinity, this.#calls.nextDue() ?? Infinity);
    if (next === Infinity) return;
    const planned = await this.ctx.storage.getAlarm();
    const due = (next + 1) * 1_000;
    if (planned === null || planned > due) await this.ctx.storage.setAlarm(due);
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

function judgeLife(record: SessionRecord, now: number): "ended" | "idle" | undefined {
  if (now >= record.expires) return "ended";
  return now - record.lastSeen > record.idleSeconds ? "idle" : undefined;
}

export function endedByEdge(session: string, person: string): LedgerDraft {
  return {
    actor: { kind: "edge" },
    action: "session.ended",
    target: person,
    detail: { session },
    subject: session,
  };
}

async function closeSockets(env: Env, workspace: string, session: string): Promise<void> {
  const rows = await listHosts(openDatabase(env.DB), workspace);
  await Promise.all(rows.map(({ host }) => hostOf(env, workspace, host).endSession({ workspace, host }, session)));
}

function ratesOf(
  person: string,
  { everybody, administrator, administrators, own }: SessionAllowance,
): readonly NamedRate[] {
  const general = administrators.includes(person) ? administrator : everybody;
  return own === undefined ? [general] : [general, own];
}

function refuse(why: Exclude<RequestRefusal, "rate">): Authentication {
  return { ok: false, why };
}

/** By the present key; or, for a moment, by the one before it. */
async function judgeByKeys(
  observed: ObservedRequest,
  { sessionKey, previous }: StoredSession,
  now: number,
): ReturnType<typeof judgeSignedRequest> {
  const request = await judgeSignedRequest(observed, sessionKey);
  if (request !== "signature" || previous === undefined || previous.until < now) return request;
  return judgeSignedRequest(observed, previous.key);
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
