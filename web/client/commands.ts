/**
 * One command from question to receipt. What the dialog shows is parsed back from the exact bytes that will be
 * signed; the session key signs them, one touch approves them, and nothing is ever signed again by itself.
 */
import { toBase64url, toHex, utf8Text } from "../../protocol/bytes.ts";
import type { CommandStatus } from "../../protocol/contracts.ts";
import { APPROVAL_SECONDS, CHALLENGE_SECONDS, MAX_INTENT_TTL_SECONDS } from "../../protocol/limits.ts";
import {
  approvalCodec,
  intentCodec,
  preparedCodec,
  prepareCodec,
  submissionCodec,
  type Intent,
  type Prepared,
} from "../../protocol/messages.ts";
import { operations, type OperationName } from "../../protocol/operations.ts";
import { digestBytes, digestOf, verifySignature, type Signer } from "../../protocol/signing.ts";
import { rolesOf, sameHead, type TrustState } from "../../protocol/trust/state.ts";
import { hostWords } from "../../protocol/words.ts";
import type { CommandStep, IntentFacts, OperationId, PreparedCommand, Scalar } from "../state/backend.ts";
import { monotonicMs } from "./clock.ts";
import type { Hosts } from "./hosts.ts";
import { bytesOf, type EdgeClient } from "./http.ts";
import type { MachineMemory } from "./machine-memory.ts";
import { touch } from "./passkey.ts";
import { randomNonce } from "./random.ts";
import { checkReceipt, receiptView } from "./receipts.ts";
import { sessionSigner } from "./signer.ts";
import { CANCELLED, refusalTrouble, TroubleError, troubleOf, UNREACHABLE } from "./trouble.ts";
import type { TrustKeeper } from "./trust.ts";
import type { StoredSession } from "./vault.ts";

/** After this long without a word the dialog says so; the receipt may still come. */
const SILENT_AFTER_MS = 30_000;
/** The live socket pushes; this asks in case it was down at the wrong moment. */
const ASK_EVERY_MS = 2_000;
/** A restart is allowed to take this long before we stop asking by ourselves. */
const GIVE_UP_AFTER_MS = 150_000;
/** The request may or may not have arrived: no answer at all, or the front's word that the edge behind it went away. */
const LOST_ANSWERS: ReadonlySet<string> = new Set([UNREACHABLE.code, "edge_restarting"]);
/** An edge that came back and does not know the command this often in a row never got it. */
const UNKNOWN_TIMES = 3;

export interface CommandDeps {
  readonly client: EdgeClient;
  readonly memory: MachineMemory;
  readonly trust: TrustKeeper;
  readonly hosts: Hosts;
  readonly session: () => StoredSession | undefined;
  /** Edge seconds. */
  readonly now: () => number;
}

interface Built {
  readonly deps: CommandDeps;
  readonly state: TrustState;
  readonly session: StoredSession;
  readonly hostId: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly digest: string;
  /** Monotonic time at which the intent was built: `after` counts from here. */
  readonly builtMs: number;
}

/** @throws {TroubleError} when host or edge refuse, or when the answer does not verify. */
export async function prepareCommand(
  deps: CommandDeps,
  operation: OperationId,
  hostId: string,
): Promise<PreparedCommand> {
  const session = deps.session();
  if (session === undefined)
    throw new TroubleError({ code: "signed_out", what: "You are signed out.", next: "Sign in." });
  const state = await deps.trust.refresh();
  const signer = sessionSigner(session.keys, session.publicKey);
  const prepared = await askHost({ deps, state, session, signer }, operation, hostId);
  const builtMs = monotonicMs();
  const bytes = intentCodec.encode(buildIntent(prepared, { operation, session, state }));
  const built: Built = { deps, state, session, hostId, bytes, digest: digestOf("intent", bytes), builtMs };
  return preparedCommand(built, prepared, signer);
}

interface Asking {
  readonly deps: CommandDeps;
  readonly state: TrustState;
  readonly session: StoredSession;
  readonly signer: Signer;
}

async function askHost(
  { deps, state, session, signer }: Asking,
  operation: OperationName,
  hostId: string,
): Promise<Prepared> {
  const host = state.hosts.get(hostId);
  if (host === undefined) throw new TroubleError(NOT_ADMITTED);
  const body = prepareCodec.encode({
    v: 1,
    workspace: state.workspace,
    host: hostId,
    actor: { session: session.digest },
    operation,
    jti: randomNonce(),
  });
  const prepare = { body: toBase64url(body), signature: await signer.sign("prepare", body) };
  const { prepared } = await deps.client.call("prepare", { params: { host: hostId }, body: { prepare } });
  const answer = bytesOf(prepared.body);
  const genuine = await verifySignature({
    kind: "prepared",
    body: answer,
    signature: prepared.signature,
    publicKey: host.hostKey,
  });
  if (!genuine) throw new TroubleError(NOT_THE_HOST);
  const parsed = preparedCodec.decode(answer);
  const fits =
    parsed.workspace === state.workspace && parsed.host === hostId && parsed.prepare === digestOf("prepare", body);
  if (!fits) throw new TroubleError(NOT_THE_HOST);
  if (!sameHead(parsed.trustHead, state.head)) throw new TroubleError(refusalTrouble("trust_behind", host.label));
  return parsed;
}

function buildIntent(
  prepared: Prepared,
  {
    operation,
    session,
    state,
  }: { readonly operation: OperationName; readonly session: StoredSession; readonly state: TrustState },
): Intent {
  const wanted: readonly string[] = operations[operation].expects;
  const { gatewayBoot } = prepared.facts;
  const expect = wanted.includes("gatewayBoot") && gatewayBoot !== undefined ? { gatewayBoot } : {};
  if (wanted.length > Object.keys(expect).length) throw new TroubleError(NO_GATEWAY);
  return {
    v: 1,
    workspace: state.workspace,
    actor: { session: session.digest },
    operation,
    args: {},
    targets: [{ host: prepared.host, challenge: prepared.challenge, iat: prepared.now, expect, sealed: [] }],
    trustHead: state.head,
    ttl: MAX_INTENT_TTL_SECONDS,
    id: randomNonce(),
  };
}

function preparedCommand(built: Built, prepared: Prepared, signer: Signer): PreparedCommand {
  const { state, session, bytes, deps } = built;
  const host = state.hosts.get(built.hostId);
  const { activeSessions } = prepared.facts;
  return {
    facts: factsOf(bytes),
    host: {
      label: host?.label ?? built.hostId,
      words: hostWords({ hostKey: host?.hostKey ?? "", workspace: state.workspace }),
    },
    actor: {
      name: deps.trust.nameOf(session.person) ?? session.person,
      role: rolesOf(state, session.person, deps.now())
        .map((role) => role.id)
        .join(", "),
    },
    hostSays: activeSessions === undefined ? {} : { activeSessions },
    exactIntent: utf8Text(bytes),
    digest: toHex(digestBytes("intent", bytes)),
    challengeSecondsLeft: () => Math.max(0, CHALLENGE_SECONDS - Math.ceil((monotonicMs() - built.builtMs) / 1000)),
    approve: (abort) => approve(built, signer, abort),
    askReceipt: () => askOnce(built, monotonicMs()),
  };
}

/** Everything here is read back from the bytes, not from the object they were made of. */
function factsOf(bytes: Uint8Array): IntentFacts {
  const intent = intentCodec.decode(bytes);
  const operation = intent.operation as OperationName; // written by buildIntent from the table's own keys
  const [target] = intent.targets;
  return {
    operation,
    class: operations[operation].class,
    hostId: target?.host ?? "",
    args: intent.args as Readonly<Record<string, Scalar>>,
    expect: Object.fromEntries(
      Object.entries(target?.expect ?? {}).filter((entry) => entry[1] !== undefined),
    ) as Record<string, Scalar>,
    workspace: intent.workspace,
    ttlSeconds: intent.ttl,
  };
}

async function* approve(built: Built, signer: Signer, abort: AbortSignal): AsyncGenerator<CommandStep> {
  const pressedMs = monotonicMs();
  const afterMs = () => Math.round(monotonicMs() - pressedMs);
  yield { kind: "authenticator", secondsLeft: APPROVAL_SECONDS };
  let submission: Uint8Array;
  try {
    submission = await sign(built, signer, abort);
  } catch (error) {
    const trouble = troubleOf(error);
    if (trouble === CANCELLED) yield { kind: "cancelled" };
    else yield { kind: "refused", by: "page", trouble, retry: "prepare" };
    return;
  }
  yield { kind: "approved", afterMs: afterMs() };
  const states = new StatusFeed(built);
  try {
    const first = await submit(built, submission);
    if (first?.ledgerIndex !== undefined) yield { kind: "ledgered", afterMs: afterMs(), index: first.ledgerIndex };
    if (first !== undefined) states.put(first);
    yield* follow(built, states, { abort, pressedMs });
  } catch (error) {
    yield { kind: "refused", by: "edge", trouble: troubleOf(error), retry: "prepare" };
  } finally {
    states.stop();
  }
}

/** Undefined when the answer was lost: the command may be running, so the page asks by digest and signs nothing again. */
async function submit(built: Built, submission: Uint8Array): Promise<CommandStatus | undefined> {
  try {
    const { statuses } = await built.deps.client.call("command", { body: { submission: toBase64url(submission) } });
    return statuses[0];
  } catch (error) {
    if (error instanceof TroubleError && LOST_ANSWERS.has(error.trouble.code)) return undefined;
    throw error;
  }
}

async function sign(built: Built, signer: Signer, abort: AbortSignal): Promise<Uint8Array> {
  // Prepared before, perhaps, the page found out that the edge hides something.
  built.deps.memory.requireUntroubled();
  const approval = approvalCodec.encode({
    v: 1,
    workspace: built.state.workspace,
    kind: "intent",
    subject: built.digest,
    decision: "approve",
    after: Math.floor((monotonicMs() - built.builtMs) / 1000),
  });
  const approved = await touch({ kind: "approval", body: approval, allow: credentialsHere(built), signal: abort });
  return submissionCodec.encode({
    intent: toBase64url(built.bytes),
    sessionSignature: await signer.sign("intent", built.bytes),
    session: built.session.certificate,
    approvals: [approved],
    sealed: [],
  });
}

/** This person's passkeys for this page's name. */
function credentialsHere({ state, session }: Built): readonly string[] {
  return [...state.credentials.values()]
    .filter((credential) => credential.person === session.person && credential.rpId === location.hostname)
    .map((credential) => credential.credentialId);
}

/** Command states from the live socket and, in case it was down, from asking. Ends with the command. */
class StatusFeed {
  readonly #built: Built;
  readonly #queue: CommandStatus[] = [];
  readonly #stopListening: () => void;
  readonly #timer: ReturnType<typeof setInterval>;
  /** How often in a row the edge said that it knows no such command. */
  unknown = 0;
  #wake: (() => void) | undefined;

  constructor(built: Built) {
    this.#built = built;
    const stopWatching = built.deps.hosts.watchHost(built.hostId);
    const stopHearing = built.deps.hosts.onCommand((host, status) => {
      if (host === built.hostId && status.intent === built.digest) this.put(status);
    });
    this.#stopListening = () => {
      stopHearing();
      stopWatching();
    };
    this.#timer = setInterval(() => void this.#ask(), ASK_EVERY_MS);
  }

  put(status: CommandStatus): void {
    this.#queue.push(status);
    this.#wake?.();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#stopListening();
  }

  /** The next state, or undefined after `ms`. */
  async next(ms: number): Promise<CommandStatus | undefined> {
    if (this.#queue.length === 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
    return this.#queue.shift();
  }

  async #ask(): Promise<void> {
    const params = { intent: this.#built.digest, host: this.#built.hostId };
    try {
      this.put(await this.#built.deps.client.call("commandStatus", { params }));
      this.unknown = 0;
    } catch (error) {
      if (!(error instanceof TroubleError)) throw error; // unreachable for now: the next tick asks again
      if (error.trouble.code === "command_unknown") this.unknown += 1;
    }
  }
}

async function* follow(
  built: Built,
  states: StatusFeed,
  { abort, pressedMs }: { readonly abort: AbortSignal; readonly pressedMs: number },
): AsyncGenerator<CommandStep> {
  const afterMs = () => Math.round(monotonicMs() - pressedMs);
  let saidDelivered = false;
  let saidSilent = false;
  while (!abort.aborted && afterMs() < GIVE_UP_AFTER_MS) {
    const status = await states.next(1_000);
    const end = status === undefined ? undefined : await ending(built, status, pressedMs);
    if (end !== undefined) {
      yield end;
      return;
    }
    if (states.unknown >= UNKNOWN_TIMES) {
      yield { kind: "refused", by: "edge", trouble: NEVER_ARRIVED, retry: "prepare" };
      return;
    }
    if (status?.state === "delivered" && !saidDelivered) {
      saidDelivered = true;
      yield { kind: "dispatched", afterMs: afterMs() };
      yield { kind: "running", afterMs: afterMs() };
    }
    if (afterMs() > SILENT_AFTER_MS && !saidSilent) {
      saidSilent = true;
      yield { kind: "silent", afterMs: afterMs() };
    }
  }
}

/** The step that ends a command, if this state is one. */
async function ending(built: Built, status: CommandStatus, pressedMs: number): Promise<CommandStep | undefined> {
  const afterMs = Math.round(monotonicMs() - pressedMs);
  const label = built.state.hosts.get(built.hostId)?.label ?? built.hostId;
  if (status.state === "refused") {
    return {
      kind: "refused",
      by: "host",
      trouble: refusalTrouble(status.code ?? "malformed", label),
      retry: "prepare",
    };
  }
  if (status.state !== "receipted" || status.receipt === undefined) return undefined;
  const checked = await checkReceipt(status.receipt, built.state);
  if (checked.receipt.intent !== built.digest || checked.receipt.host !== built.hostId) {
    return { kind: "refused", by: "page", trouble: NOT_THE_HOST, retry: "none" };
  }
  const ledger = status.ledgerIndex === undefined ? [] : [status.ledgerIndex];
  const receipt = receiptView(checked, { state: built.state, ledger });
  return { kind: "receipt", afterMs, receipt, retry: receipt.verdict === "executed" ? "none" : "prepare" };
}

async function askOnce(built: Built, pressedMs: number): Promise<CommandStep> {
  const params = { intent: built.digest, host: built.hostId };
  const status = await built.deps.client.call("commandStatus", { params });
  return (await ending(built, status, pressedMs)) ?? { kind: "silent", afterMs: 0 };
}

const NEVER_ARRIVED = {
  code: "never_arrived",
  what: "The command never arrived, so nothing ran.",
  why: "The connection was lost while it was sent.",
  next: "Press again for a fresh command.",
} as const;
const NOT_ADMITTED = {
  code: "not_admitted",
  what: "This host is not admitted, so it obeys nobody here.",
  next: "Compare its six words with its terminal, then admit it.",
} as const;
const NOT_THE_HOST = {
  code: "not_the_host",
  what: "The answer was not signed by this host.",
  why: "Something between this page and the host answered in its place.",
  next: "Nothing was sent. Look at the machine that runs the control plane.",
} as const;
const NO_GATEWAY = {
  code: "no_gateway",
  what: "No gateway answers on this host, so there is nothing to restart.",
  next: "Start OpenClaw on the host; this page notices it within seconds.",
} as const;
