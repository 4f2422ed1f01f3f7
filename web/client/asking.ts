/**
 * Asks a host for a one-time challenge: the first half of every command. What comes back counts only with the host's
 * own signature over this very question; nothing runs by asking.
 */
import { toBase64url } from "../../protocol/bytes.ts";
import { preparedCodec, prepareCodec, type Prepared, type Signed } from "../../protocol/messages.ts";
import type { OperationName } from "../../protocol/operations.ts";
import { digestOf, verifySignature, type Signer } from "../../protocol/signing.ts";
import { sameHead, type TrustState } from "../../protocol/trust/state.ts";
import { monotonicMs } from "./clock.ts";
import type { Hosts } from "./hosts.ts";
import { bytesOf, type EdgeClient } from "./http.ts";
import { randomNonce } from "./random.ts";
import type { SessionKeys } from "./session-keys.ts";
import { sessionSigner } from "./signer.ts";
import { refusalTrouble, TroubleError } from "./trouble.ts";
import type { TrustKeeper } from "./trust.ts";
import type { StoredSession } from "./vault.ts";

export interface CommandDeps {
  readonly client: EdgeClient;
  readonly trust: TrustKeeper;
  readonly hosts: Hosts;
  readonly keys: SessionKeys;
  /** Edge seconds. */
  readonly now: () => number;
}

/** Who asks, and what they go by. Key and sign-in are taken once, so that both belong together to the end. */
export interface Asking {
  readonly deps: CommandDeps;
  readonly state: TrustState;
  readonly session: StoredSession;
  readonly signer: Signer;
}

export interface Answer {
  readonly prepared: Prepared;
  /** Monotonic time of the answer: the host's `now` is as old as this. */
  readonly answeredMs: number;
}

/** @throws {TroubleError} when signed out, or when the log of keys cannot be read. */
export async function startAsking(deps: CommandDeps): Promise<Asking> {
  if (deps.keys.session.value === undefined) throw new TroubleError(SIGNED_OUT);
  const state = await deps.trust.refresh();
  const session = deps.keys.session.value;
  if (session === undefined) throw new TroubleError(SIGNED_OUT);
  return { deps, state, session, signer: sessionSigner(session.keys, session.publicKey) };
}

interface Asked {
  readonly operation: OperationName;
  readonly hostId: string;
}

/** @throws {TroubleError} when host or edge refuse, or when the answer does not verify. */
export async function askHost(asking: Asking, asked: Asked): Promise<Answer> {
  return (await askHostSigned(asking, asked)).answer;
}

/** With the very bytes that the host signed, for whoever shows them to another host. @throws {TroubleError} as `askHost` */
export async function askHostSigned(
  { deps, state, session, signer }: Asking,
  { operation, hostId }: Asked,
): Promise<{ readonly answer: Answer; readonly signed: Signed }> {
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
  const { prepared } = await deps.client.call("prepare", {
    params: { host: hostId },
    body: {
      prepare: { body: toBase64url(body), signature: await signer.sign("prepare", body) },
      ...(session.successor === undefined ? {} : { successor: session.successor }),
    },
  });
  const answer = bytesOf(prepared.body);
  const { signature } = prepared;
  const genuine = await verifySignature({ kind: "prepared", body: answer, signature, publicKey: host.hostKey });
  if (!genuine) throw new TroubleError(NOT_THE_HOST);
  const parsed = preparedCodec.decode(answer);
  const fits =
    parsed.workspace === state.workspace && parsed.host === hostId && parsed.prepare === digestOf("prepare", body);
  if (!fits) throw new TroubleError(NOT_THE_HOST);
  if (!sameHead(parsed.trustHead, state.head)) throw new TroubleError(refusalTrouble("trust_behind", host.label));
  return { answer: { prepared: parsed, answeredMs: monotonicMs() }, signed: prepared };
}

const SIGNED_OUT = { code: "signed_out", what: "You are signed out.", next: "Sign in." } as const;
export const NOT_ADMITTED = {
  code: "not_admitted",
  what: "This host is not admitted, so it obeys nobody here.",
  next: "Compare its six words with its terminal, then admit it.",
} as const;
export const NOT_THE_HOST = {
  code: "not_the_host",
  what: "The answer was not signed by this host.",
  why: "Something between this page and the host answered in its place.",
  next: "Nothing was sent. Look at the machine that runs the control plane.",
} as const;
