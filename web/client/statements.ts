/**
 * The one place where this page makes statements of the trust log: builds the bytes directly after the verified head,
 * judges them, asks for one touch over exactly those bytes, and hands them to the edge, or leaves them with it for the
 * next person. May not: change what somebody else signed, or believe a waiting statement's touches unverified.
 */
import { computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { fromBase64url, toBase64url, utf8Text } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import type { ProposalRow } from "../../protocol/contracts/proposals.ts";
import { MAX_PROPOSAL_SECONDS } from "../../protocol/limits.ts";
import { approvalCodec, type Asserted } from "../../protocol/messages.ts";
import { digestOf } from "../../protocol/signing.ts";
import { verifyTouch } from "../../protocol/trust/approvals.ts";
import { countPeople, type TrustState } from "../../protocol/trust/state.ts";
import {
  isRevocation,
  signedRootCodec,
  signedStatementCodec,
  statementCodec,
  type SignedStatement,
  type Statement,
} from "../../protocol/trust/statements.ts";
import type { Loadable, Result, Stop, Trouble } from "../state/backend.ts";
import type {
  LogFile,
  Outcome,
  PreparedStatement,
  StatementDesk,
  StatementDraft,
  StatementStep,
  WaitingStatement,
} from "../state/statements.ts";
import { judge, newlyKnown } from "./judgement.ts";
import { touch } from "./passkey.ts";
import { randomPersonId } from "./random.ts";
import type { SessionDeps } from "./session.ts";
import { CANCELLED, resultOf, TroubleError, troubleOf } from "./trouble.ts";
import type { TrustKeeper } from "./trust.ts";
import { refusedTrouble, trustTrouble } from "./trust-trouble.ts";

/** A change waits for up to a day: half a minute more is nothing. */
const LOOK_EVERY_MS = 30_000;

/** Clocks of an ordinary computer and an ordinary edge differ by seconds. */
const MAX_CLOCK_DIFFERENCE_SECONDS = 3_600;
const MAX_WAITING_SECONDS = MAX_PROPOSAL_SECONDS + MAX_CLOCK_DIFFERENCE_SECONDS;

export interface StatementsDeps extends SessionDeps {
  readonly trust: TrustKeeper;
  readonly person: () => string | undefined;
  /** Seconds, of this computer. */
  readonly wallClock?: () => number;
  /** Replaced in tests, which have no authenticator window. */
  readonly touch?: typeof touch;
  readonly rpId?: string;
}

/** Bytes with the touches over them, all verified here. */
interface Draft {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly statement: Statement;
  readonly digest: string;
  readonly approvals: readonly Asserted[];
  readonly approvers: readonly string[];
  readonly knew: readonly string[];
  /** It lies with the edge already. */
  readonly waits: boolean;
}

export class Statements implements StatementDesk {
  readonly #deps: StatementsDeps;
  readonly #waiting: Signal<Loadable<readonly WaitingStatement[]>> = signal({ state: "loading" });
  #drafts: ReadonlyMap<string, Draft> = new Map();

  constructor(deps: StatementsDeps) {
    this.#deps = deps;
  }

  readonly forMe = computed(() => {
    const waiting = this.#waiting.value;
    const person = this.#deps.person();
    const state = this.#deps.trust.state.value;
    if (waiting.state !== "ready" || state === undefined || person === undefined) return 0;
    const isFor = ({ statement, mine, trouble }: WaitingStatement): boolean =>
      !mine && trouble === undefined && judge(state, statement, person).ok;
    return waiting.value.filter(isFor).length;
  });

  get waiting(): ReadonlySignal<Loadable<readonly WaitingStatement[]>> {
    return this.#waiting;
  }

  watch(): Stop {
    void this.loadWaiting();
    const timer = setInterval(() => void this.loadWaiting(), LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }

  forget(): void {
    this.#waiting.value = { state: "loading" };
    this.#drafts = new Map();
  }

  prepare(draft: StatementDraft): Promise<Result<PreparedStatement>> {
    return resultOf(async () => {
      const state = await this.#deps.trust.refresh();
      return this.#prepared(state, this.#build(state, draft));
    });
  }

  review(digest: string): Promise<Result<PreparedStatement>> {
    return resultOf(async () => {
      await this.#readWaiting();
      const draft = this.#drafts.get(digest);
      if (draft === undefined) throw new TroubleError(NO_LONGER_WAITING);
      return this.#prepared(this.#state(), draft);
    });
  }

  logFile(): LogFile | undefined {
    const { page, state } = this.#deps.trust;
    if (page.root === undefined || state.value === undefined) return undefined;
    const items = [
      signedRootCodec.encode(page.root),
      ...page.statements.map((one) => signedStatementCodec.encode(one)),
    ];
    const text = items.map((bytes) => `${utf8Text(bytes)}\n`).join("");
    return { name: `trust-${state.value.head.n}.jsonl`, text };
  }

  freshPersonId(): string {
    return randomPersonId();
  }

  withdraw(digest: string): Promise<Result<undefined>> {
    return resultOf(async () => {
      await this.#deps.client.call("withdrawProposal", { params: { digest }, body: {} });
      await this.loadWaiting();
      return undefined;
    });
  }

  async loadWaiting(): Promise<void> {
    try {
      await this.#readWaiting();
    } catch (error) {
      const trouble = troubleOf(error);
      if (this.#waiting.value.state !== "ready") this.#waiting.value = { state: "failed", trouble };
    }
  }

  /** One statement that one person may make, without a dialog in between: admission, one's own second passkey. */
  async state(draft: StatementDraft): Promise<void> {
    const state = await this.#deps.trust.refresh();
    const made = this.#build(state, draft);
    await this.#press(state, made, () => undefined);
  }

  // ---- building ----

  #build(state: TrustState, draft: StatementDraft): Draft {
    const at = this.#now();
    const { head, workspace } = state;
    const common = { v: 1, workspace, prev: { n: head.n, hash: head.hash }, revoked: head.revoked, at };
    const bytes = statementCodec.encode({ ...common, ...draft } as Statement); // kind and body fit: StatementDraft
    const statement = statementCodec.decode(bytes);
    const knew = isRevocation(statement) ? [] : newlyKnown(state);
    return { bytes, statement, digest: digestOf("statement", bytes), approvals: [], approvers: [], knew, waits: false };
  }

  /** The end of every grant is counted from it, so the edge alone must not choose it. */
  #now(): number {
    const edge = this.#deps.clock.now();
    if (Math.abs(edge - this.#ownNow()) > MAX_CLOCK_DIFFERENCE_SECONDS) throw new TroubleError(CLOCKS_DIFFER);
    return edge;
  }

  #ownNow(): number {
    return this.#deps.wallClock?.() ?? Math.floor(Date.now() / 1000);
  }

  /** Nor may whoever wrote it, even together with the edge: "90 days from now" is shown as counted from today. */
  #isTimely({ statement: { at }, waits }: Draft): boolean {
    const age = this.#ownNow() - at;
    return !waits || (age >= -MAX_CLOCK_DIFFERENCE_SECONDS && age <= MAX_WAITING_SECONDS);
  }

  #prepared(state: TrustState, draft: Draft): PreparedStatement {
    const judgement = judge(state, draft.statement, this.#person());
    if (!judgement.ok) throw new TroubleError(refusedTrouble(state, judgement.code));
    if (draft.approvers.includes(this.#person())) throw new TroubleError(APPROVED_ALREADY);
    if (!this.#isTimely(draft)) throw new TroubleError(OTHER_TIME);
    return {
      statement: draft.statement,
      exact: utf8Text(draft.bytes),
      digest: draft.digest,
      people: judgement.people,
      approvedBy: draft.approvers,
      outcome: this.#outcome(state, draft, judgement.people),
      ...(judgement.leaves === undefined ? {} : { leaves: judgement.leaves }),
      approve: () => this.#approve(draft),
    };
  }

  #outcome(state: TrustState, draft: Draft, people: number): Outcome {
    const approvers = [...draft.approvers, this.#person()];
    if (countPeople(state, approvers, draft.statement.at) >= people) return "stated";
    return draft.waits ? "joined" : "proposed";
  }

  // ---- approving ----

  async *#approve(draft: Draft): AsyncGenerator<StatementStep> {
    const steps: StatementStep[] = [];
    try {
      yield { kind: "touch" };
      const outcome = await this.#press(this.#state(), draft, (step) => steps.push(step));
      yield* steps;
      yield { kind: "done", outcome };
    } catch (error) {
      const trouble = troubleOf(error);
      yield trouble === CANCELLED ? { kind: "cancelled" } : { kind: "failed", trouble };
    }
  }

  async #press(state: TrustState, draft: Draft, say: (step: StatementStep) => void): Promise<Outcome> {
    const judgement = judge(state, draft.statement, this.#person());
    if (!judgement.ok) throw new TroubleError(trustTrouble(judgement.code));
    this.#deps.trust.requireKnownPast();
    const approval = approvalCodec.encode({
      v: 1,
      workspace: state.workspace,
      kind: "statement",
      subject: draft.digest,
      decision: "approve",
      at: this.#now(),
    });
    const approved = await (this.#deps.touch ?? touch)({
      kind: "approval",
      body: approval,
      allow: this.#allowed(state),
    });
    say({ kind: "sending" });
    const outcome = this.#outcome(state, draft, judgement.people);
    await this.#send(draft, approved, outcome);
    await this.#deps.trust.refresh();
    if (outcome !== "stated" || draft.waits) await this.loadWaiting();
    return outcome;
  }

  async #send({ bytes, approvals, knew, digest }: Draft, approved: Asserted, outcome: Outcome): Promise<void> {
    const { client } = this.#deps;
    const known = knew.length === 0 ? {} : { knew: [...knew] };
    const body = toBase64url(bytes);
    switch (outcome) {
      case "stated": {
        const signed: SignedStatement = { statement: body, approvals: [...approvals, approved], ...known };
        await client.call("trustState", { body: signed });
        return;
      }
      case "proposed":
        await client.call("propose", { body: { kind: "statement", body, approval: approved, ...known } });
        return;
      case "joined":
        await client.call("joinProposal", { params: { digest }, body: { approval: approved } });
    }
  }

  /** Every passkey of this person that this page's name has. */
  #allowed({ credentials }: TrustState): readonly string[] {
    const rpId = this.#deps.rpId ?? location.hostname;
    const person = this.#person();
    return [...credentials.values()]
      .filter((credential) => credential.person === person && credential.rpId === rpId)
      .map(({ credentialId }) => credentialId);
  }

  // ---- waiting for the next person ----

  async #readWaiting(): Promise<void> {
    const state = await this.#deps.trust.refresh();
    const { proposals, now } = await this.#deps.client.call("proposals");
    this.#deps.clock.set(now);
    const rows = proposals.filter(({ kind }) => kind === "statement");
    const read = await Promise.all(rows.map(async (row) => ({ row, draft: await readProposal(state, row) })));
    this.#drafts = new Map(read.flatMap(({ row, draft }) => (draft === undefined ? [] : [[row.digest, draft]])));
    const value = read.flatMap(({ row, draft }) => (draft === undefined ? [] : [this.#shown(state, row, draft)]));
    this.#waiting.value = { state: "ready", value };
  }

  #shown(state: TrustState, row: ProposalRow, draft: Draft): WaitingStatement {
    const person = this.#person();
    const judgement = judge(state, draft.statement, draft.approvers[0] ?? "");
    return {
      digest: row.digest,
      statement: draft.statement,
      people: judgement.ok ? judgement.people : 0,
      approvedBy: draft.approvers,
      by: row.by,
      madeAt: row.madeAt,
      expires: row.expires,
      mine: draft.approvers.includes(person),
      ...(judgement.ok ? {} : { trouble: trustTrouble(judgement.code) }),
      ...(this.#isTimely(draft) ? {} : { trouble: OTHER_TIME }),
    };
  }

  #state(): TrustState {
    const state = this.#deps.trust.state.value;
    if (state === undefined) throw new TroubleError(SIGNED_OUT);
    return state;
  }

  #person(): string {
    const person = this.#deps.person();
    if (person === undefined) throw new TroubleError(SIGNED_OUT);
    return person;
  }
}

/** Undefined: not what its name says, or a touch that nobody of this workspace made. Nothing of it is shown. */
async function readProposal(state: TrustState, row: ProposalRow): Promise<Draft | undefined> {
  const read = readStatement(row.body);
  if (read === undefined || read.digest !== row.digest || read.statement.workspace !== state.workspace)
    return undefined;
  const approvers = await Promise.all(row.approvals.map((asserted) => approverOf(state, asserted, row.digest)));
  const known = approvers.filter((one) => one !== undefined);
  if (known.length !== approvers.length) return undefined;
  return { ...read, approvals: row.approvals, approvers: known, knew: row.knew ?? [], waits: true };
}

function readStatement(text: string): Pick<Draft, "bytes" | "statement" | "digest"> | undefined {
  try {
    const bytes = fromBase64url(text);
    return { bytes, statement: statementCodec.decode(bytes), digest: digestOf("statement", bytes) };
  } catch (error) {
    if (error instanceof MalformedError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The person whose passkey touched exactly this, in a signer. */
async function approverOf(state: TrustState, asserted: Asserted, subject: string): Promise<string | undefined> {
  try {
    const approval = approvalCodec.decode(fromBase64url(asserted.body));
    if (approval.kind !== "statement" || approval.subject !== subject) return undefined;
    if (approval.workspace !== state.workspace) return undefined;
  } catch (error) {
    if (error instanceof MalformedError || error instanceof RangeError) return undefined;
    throw error;
  }
  const verdict = await verifyTouch(state, asserted, "approval");
  if (!verdict.ok || verdict.origin.class !== "signer") return undefined;
  return state.credentials.get(asserted.assertion.credentialId)?.person;
}

const CLOCKS_DIFFER: Trouble = {
  code: "clocks_differ",
  what: "This computer's clock and the control plane's differ by more than an hour.",
  why: "The end of every grant is counted from the time in a statement, and the control plane must not choose it alone.",
  next: "Set this computer's clock. If it is right, look at the machine that runs the control plane before you approve anything.",
};

const OTHER_TIME: Trouble = {
  code: "other_time",
  what: "This change says that it was made at another time than now, by more than the day for which a change may wait.",
  why: "The ends of grants are counted from it: what you would approve could last far longer than it seems.",
  next: "Do not approve it. Ask whoever made it, and look at this computer's clock.",
};

const APPROVED_ALREADY: Trouble = {
  code: "approved_already",
  what: "You approved this already.",
  why: "It needs different people, and another passkey of yours adds nobody.",
  next: "Ask another administrator to open this page.",
};

const NO_LONGER_WAITING: Trouble = {
  code: "proposal_gone",
  what: "This change no longer waits.",
  why: "It was completed, withdrawn, or its day is over.",
  next: "Look at the list again. If it is still wanted, make it anew.",
};

const SIGNED_OUT: Trouble = { code: "signed_out", what: "You are signed out.", next: "Sign in." };
