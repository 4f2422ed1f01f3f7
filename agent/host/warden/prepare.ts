/**
 * Answers a request for a challenge. Minting is no permission: every rule is asked again when the command comes. It is
 * refused early all the same, so that nobody reads a dialog in vain and no stranger fills the table.
 */
import { fromBase64url, toBase64url } from "../../../protocol/bytes.ts";
import { actorName, preparedCodec, type Expect, type Signed } from "../../../protocol/messages.ts";
import { operations, type Operation, type OperationName } from "../../../protocol/operations.ts";
import type { RefusalCode } from "../../../protocol/refusals.ts";
import { digestOf, type Digest } from "../../../protocol/signing.ts";
import type { TrustState } from "../../../protocol/trust/state.ts";
import type { InwardFrame, OutwardFrame } from "../../../protocol/tunnel.ts";
import { verifyPrepare } from "../../../protocol/verify.ts";
import { makeSealKey } from "../../shared/seal.ts";
import { admissionOf } from "./admission.ts";
import { readAsserted } from "./asserted.ts";
import { holderOf } from "./challenges.ts";
import { wallSeconds } from "./clock.ts";
import type { WardenContext } from "./deps.ts";
import { observeConfiguration, observeGateway } from "./executor.ts";

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
  const operation: Operation = operations[verdict.prepare.operation as OperationName]; // judged to be one
  const challenge = context.challenges.mint({
    actor: actorName(verdict.prepare.actor),
    operation: verdict.prepare.operation,
    holder: holderOf(verdict.author),
    prepare: subject,
    // Lives and dies with the challenge: what is sealed to it cannot be opened later.
    sealKey: operation.sealed === undefined ? undefined : await makeSealKey(),
  });
  if (challenge === undefined) return refuse("busy");
  const signed = await signPrepared({ subject, challenge, trust, operation }, context);
  context.log({ step: "prepared", prepare: subject });
  return { kind: "prepared", signed };
}

interface Answer {
  readonly subject: Digest;
  readonly challenge: string;
  readonly trust: TrustState;
  readonly operation: Operation;
}

async function signPrepared(answer: Answer, context: WardenContext): Promise<Signed> {
  const { subject, challenge, trust, operation } = answer;
  const [{ gatewayBoot, configHash }, activeSessions] = await Promise.all([
    factsFor(operation, context),
    context.activeSessions(),
  ]);
  const agent = operation.tellsAgent === true ? context.updates?.standing() : undefined;
  const sealKey = context.challenges.sealKeyOf(challenge)?.publicKey;
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
      ...(configHash === undefined ? {} : { configHash }),
      ...(activeSessions === undefined ? {} : { activeSessions }),
      ...(agent === undefined ? {} : { agent }),
    },
    ...(sealKey === undefined ? {} : { sealKey }),
  });
  return { body: toBase64url(body), signature: await context.keys.hostKey.sign("prepared", body) };
}

/** The gateway may take a moment to say each, so only what an intent can pin is asked, and at once. */
async function factsFor({ expects }: Operation, context: WardenContext): Promise<Expect> {
  const [{ gatewayBoot }, { configHash }] = await Promise.all([
    observeGateway(context),
    expects.includes("configHash") ? observeConfiguration(context) : Promise.resolve<Expect>({}),
  ]);
  return {
    ...(gatewayBoot === undefined ? {} : { gatewayBoot }),
    ...(configHash === undefined ? {} : { configHash }),
  };
}
