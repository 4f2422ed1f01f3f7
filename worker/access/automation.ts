/**
 * Makes an `AutomationHolder` out of a request that an automation key of the trust log signed. There is no cookie and no
 * page: the signature over method, path, body and time is all. Every failure looks the same from outside.
 */
import { edgeSeconds } from "../../durable-objects/clock.ts";
import { judgeSignedRequest } from "../../durable-objects/sessions.ts";
import { REQUEST_SKEW_SECONDS } from "../../protocol/limits.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { AutomationKey } from "../../protocol/trust/statements.ts";
import { saveNonce } from "../db/nonces.ts";
import type { Deps } from "../deps.ts";
import type { Arrival } from "../http/arrival.ts";
import { problem } from "../http/problems.ts";
import { currentTrust } from "../workspace.ts";

declare const authenticated: unique symbol;

export interface AutomationHolder {
  readonly [authenticated]: true;
  readonly workspace: string;
  /** The state this request is judged by. */
  readonly trust: TrustState;
  readonly key: AutomationKey;
}

/** @throws {ProblemError} `automation_refused` */
export async function authenticateAutomation(arrival: Arrival, deps: Deps): Promise<AutomationHolder> {
  const { automationKey, signed, method, path, bodyDigest } = arrival;
  if (automationKey === undefined || signed === undefined) throw problem("automation_refused", "no automation key");
  const trust = await currentTrust(deps);
  const key = trust?.automationKeys.get(automationKey);
  if (trust === undefined || key === undefined) throw problem("automation_refused", "automation key unknown");
  const request = await judgeSignedRequest({ ...signed, method, path, bodyDigest }, key.publicKey);
  if (typeof request === "string") throw problem("automation_refused", request);
  const now = edgeSeconds();
  if (now > key.until) throw problem("automation_refused", "automation key ended");
  const isFirst = await saveNonce(deps.db, {
    nonce: request.jti,
    workspace: trust.workspace,
    purpose: "automation-request",
    ceremony: key.id,
    expires: now + 2 * REQUEST_SKEW_SECONDS,
  });
  if (!isFirst) throw problem("automation_refused", "replay");
  const facts: Omit<AutomationHolder, typeof authenticated> = { workspace: trust.workspace, trust, key };
  return facts as AutomationHolder;
}
