/**
 * Open sign-ins: listed by the edge, each believed only as far as its own sign-in proves whose it is; ended by a word
 * that hosts verify too. May not: end a session by the edge's say-so.
 */
import { signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { toBase64url } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import type { SessionRow } from "../../protocol/contracts/sessions.ts";
import { MAX_SESSIONS_PER_END } from "../../protocol/limits.ts";
import { approvalCodec, assertedCodec, sessionCodec, sessionEndCodec, type Asserted } from "../../protocol/messages.ts";
import { digestOf } from "../../protocol/signing.ts";
import { verifyTouch } from "../../protocol/trust/approvals.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { Loadable } from "../state/backend.ts";
import type { SessionDesk, SessionStep, SessionView } from "../state/sessions.ts";
import { bytesOf } from "./http.ts";
import { touch } from "./passkey.ts";
import type { SessionDeps } from "./session.ts";
import { sessionSigner } from "./signer.ts";
import { CANCELLED, TroubleError, troubleOf } from "./trouble.ts";
import type { TrustKeeper } from "./trust.ts";
import type { StoredSession } from "./vault.ts";

export interface SessionsDeps extends SessionDeps {
  readonly trust: TrustKeeper;
  readonly session: () => StoredSession | undefined;
  /** This page's own session has ended. */
  readonly onEnded: () => Promise<void>;
  /** Replaced in tests, which have no authenticator window. */
  readonly touch?: typeof touch;
  readonly rpId?: string;
}

interface Proven {
  readonly row: SessionRow;
  readonly certificate: Asserted;
  readonly person: string;
}

export class Sessions implements SessionDesk {
  readonly #deps: SessionsDeps;
  readonly #list: Signal<Loadable<readonly SessionView[]>> = signal({ state: "loading" });
  #proven: ReadonlyMap<string, Proven> = new Map();

  constructor(deps: SessionsDeps) {
    this.#deps = deps;
  }

  get list(): ReadonlySignal<Loadable<readonly SessionView[]>> {
    return this.#list;
  }

  forget(): void {
    this.#list.value = { state: "loading" };
    this.#proven = new Map();
  }

  async load(): Promise<void> {
    try {
      const state = await this.#deps.trust.refresh();
      const { sessions, now } = await this.#deps.client.call("sessions");
      this.#deps.clock.set(now);
      const proven = await Promise.all(sessions.map((row) => proveSession(state, row)));
      this.#proven = new Map(proven.flatMap((one) => (one === undefined ? [] : [[one.row.session, one]])));
      this.#list.value = { state: "ready", value: sessions.map((row) => this.#view(state, row)) };
    } catch (error) {
      const trouble = troubleOf(error);
      if (this.#list.value.state !== "ready") this.#list.value = { state: "failed", trouble };
    }
  }

  #view(state: TrustState, row: SessionRow): SessionView {
    const proven = this.#proven.get(row.session);
    const listed = state.origins.find(({ origin }) => origin === row.origin);
    return {
      id: row.session,
      ...(proven === undefined
        ? {}
        : { proof: { person: proven.person, originClass: listed?.class ?? ("daily" as const) } }),
      device: row.device,
      origin: row.origin,
      ...(row.source === undefined ? {} : { place: row.source.value }),
      startedAt: row.startedAt,
      lastSeenAt: row.lastSeenAt,
      endsAt: row.expires,
      // Which one is ours is known here, whatever the edge says.
      current: row.session === this.#deps.session()?.digest,
    };
  }

  async *end(ids: readonly string[]): AsyncGenerator<SessionStep> {
    try {
      const own = this.#deps.session();
      const isOwn = own !== undefined && ids.includes(own.digest);
      if (isOwn && ids.length === 1) {
        yield { kind: "sending" };
        await this.#endOwn(own);
      } else {
        yield { kind: "touch" };
        await this.#endByTouch(ids);
        if (!isOwn) await this.load();
      }
      yield { kind: "done" };
      if (isOwn) await this.#deps.onEnded();
    } catch (error) {
      const trouble = troubleOf(error);
      yield trouble === CANCELLED ? { kind: "cancelled" } : { kind: "failed", trouble };
    }
  }

  /** Signed by the key that ends with it, so that hosts stop obeying it as well. */
  async #endOwn(own: StoredSession): Promise<void> {
    const body = this.#endOf([own.digest], own.person);
    const signature = await sessionSigner(own.keys, own.publicKey).sign("session-end", body);
    const successor = own.successor === undefined ? {} : { successor: own.successor };
    await this.#deps.client.call("sessionEnd", {
      body: { body: toBase64url(body), session: own.certificate, by: { kind: "session", signature, ...successor } },
    });
  }

  /** One touch over exactly these, of one person. */
  async #endByTouch(ids: readonly string[]): Promise<void> {
    const named = [...new Set(ids)].toSorted().slice(0, MAX_SESSIONS_PER_END);
    const proven = named.flatMap((id) => this.#proven.get(id) ?? []);
    const [first, ...rest] = proven;
    const state = this.#deps.trust.state.value;
    const isWhole = first !== undefined && proven.length === named.length;
    if (!isWhole || state === undefined) throw new TroubleError(NOT_PROVEN);
    if (rest.some(({ person }) => person !== first.person)) throw new TypeError("sessions of several people");
    this.#deps.trust.requireKnownPast();
    const body = this.#endOf(named, first.person);
    const approval = approvalCodec.encode({
      v: 1,
      workspace: state.workspace,
      kind: "session-end",
      subject: digestOf("session-end", body),
      decision: "approve",
      at: this.#deps.clock.now(),
    });
    const approved = await (this.#deps.touch ?? touch)({
      kind: "approval",
      body: approval,
      allow: this.#allowed(state),
    });
    const others = rest.length === 0 ? {} : { others: rest.map(({ certificate }) => certificate) };
    await this.#deps.client.call("sessionEnd", {
      body: {
        body: toBase64url(body),
        session: first.certificate,
        ...others,
        by: { kind: "person", approval: approved },
      },
    });
  }

  #endOf(named: readonly string[], person: string): Uint8Array<ArrayBuffer> {
    const workspace = this.#deps.trust.state.value?.workspace ?? "";
    const [session] = named;
    const which = named.length === 1 && session !== undefined ? { session } : { sessions: [...named] };
    return sessionEndCodec.encode({ v: 1, workspace, ...which, person, at: this.#deps.clock.now() });
  }

  #allowed({ credentials }: TrustState): readonly string[] {
    const rpId = this.#deps.rpId ?? location.hostname;
    const person = this.#deps.session()?.person;
    return [...credentials.values()]
      .filter((credential) => credential.person === person && credential.rpId === rpId)
      .map(({ credentialId }) => credentialId);
  }
}

/** Whose session it is, by its own sign-in. Undefined: the edge names somebody whose passkey did not make it. */
async function proveSession(state: TrustState, row: SessionRow): Promise<Proven | undefined> {
  try {
    const certificate = assertedCodec.decode(bytesOf(row.certificate));
    const body = bytesOf(certificate.body);
    const session = sessionCodec.decode(body);
    if (digestOf("session", body) !== row.session || session.workspace !== state.workspace) return undefined;
    const verdict = await verifyTouch(state, certificate, "session");
    if (!verdict.ok || verdict.origin.origin !== session.origin || session.origin !== row.origin) return undefined;
    const person = state.credentials.get(certificate.assertion.credentialId)?.person;
    return person === undefined || person !== row.person ? undefined : { row, certificate, person };
  } catch (error) {
    if (error instanceof MalformedError || error instanceof TroubleError) return undefined; // shown as not proven
    throw error;
  }
}

const NOT_PROVEN = {
  code: "session_unproven",
  what: "The control plane does not show the sign-in of a session, so nothing can be signed that ends it.",
  why: "Its passkey may be revoked already, which ended the session on every host that heard of it.",
  next: "Reload the list. If it stays, revoke the passkey on the page People.",
} as const;
