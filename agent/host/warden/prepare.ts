/**
 * Answers a request for a challenge. Minting is no permission: every rule is asked again when the command comes. It is
 * refused early all the same, so that nobody reads a dialog in vain and no stranger fills the table.
 */
import { fromBase64url, toBase64url } from "../../../protocol/bytes.ts";
import { MalformedError } from "../../../protocol/canonical.ts";
import { actorName, assertedCodec, preparedCodec, type Asserted, type Signed } from "../../../protocol/messages.ts";
import type { RefusalCode } from "../../../protocol/refusals.ts";
import { digestOf, type Digest } from "../../../protocol/signing.ts";
import type { TrustState } from "../../../protocol/trust/state.ts";
import type { InwardFrame, OutwardFrame } from "../../../protocol/tunnel.ts";
import { verifyPrepare } from "../../../protocol/verify.ts";
import { admissionOf } from "./admission.ts";
import { holderOf } from "./challenges.ts";
import { wallSeconds } from "./clock.ts";
import type { WardenContext } from "./deps.ts";
import { observeGateway } from "./executor.ts";

export type PrepareFrame = Extract<InwardFrame, { kind: "prepare" }>;

export async function answerPrepare(frame: PrepareFrame, context: WardenContext): Promise<OutwardFrame> {
  const subject = digestOf("prepare", fromBase64url(frame.prepare.body));
  const refuse = (code: RefusalCode): OutwardFrame => {
    context.log({ step: "refused", prepare: subject, code });
    return { kind: "refused", subject, code };
  };
  const trust = context.trust.state;
  // Not admitted, removed, or admitted with a key that is not ours: this host takes part in nothing.
  if (trust === undefined || admissionOf(trust, context.keys) !== "admitted") return refuse("target");
  const session = readAsserted(frame.session);
  const successor = readAsserted(frame.successor);
  if (session === "malformed" || successor === "malformed") return refuse("session_malformed");
  const view = {
    trust,
    now: wallSeconds(context.clock),
    host: context.keys.host,
    isSessionEnded: (digest: Digest, person: string) => context.sessionEnds.has(digest, person),
  };
  const verdict = await verifyPrepare({ signed: frame.prepare, session, successor }, view);
  if (verdict.kind === "refused") return refuse(verdict.code);
  const challenge = context.challenges.mint({
    actor: actorName(verdict.prepare.actor),
    operation: verdict.prepare.operation,
    holder: holderOf(verdict.author),
    prepare: subject,
  });
  if (challenge === undefined) return refuse("busy");
  const signed = await signPrepared({ subject, challenge, trust }, context);
  context.log({ step: "prepared", prepare: subject });
  return { kind: "prepared", signed };
}

function readAsserted(text: string | undefined): Asserted | "malformed" | undefined {
  if (text === undefined) return undefined;
  try {
    return assertedCodec.decode(fromBase64url(text));
  } catch (error) {
    if (error instanceof MalformedError) return "malformed";
    throw error;
  }
}

interface Answer {
  readonly subject: Digest;
  readonly challenge: string;
  readonly trust: TrustState;
}

async function signPrepared({ subject, challenge, trust }: Answer, context: WardenContext): Promise<Signed> {
  const { gatewayBoot } = await observeGateway(context);
  const activeSessions = context.activeSessions();
  const body = preparedCodec.encode({
    v: 1,
    workspace: trust.workspace,
    host: context.keys.host,
    prepare: subject,
    challenge,
    hostBoot: context.hostBoot,
    // Read after the gateway was asked: the person's minute starts when the answer leaves.
    now: wallSeconds(context.clock),
    trustHead: trust.head,
    facts: {
      ...(gatewayBoot === undefined ? {} : { gatewayBoot }),
      ...(activeSessions === undefined ? {} : { activeSessions }),
    },
  });
  return { body: toBase64url(body), signature: await context.keys.hostKey.sign("prepared", body) };
}
