/**
 * Makes a `SetupHolder` out of a request: somebody who holds the seed in the setup link, before there is anybody to sign
 * in. The link is good for 15 minutes and one root.
 */
import { judgeSignedRequest } from "../../durable-objects/sessions.ts";
import { edgeSeconds } from "../../durable-objects/clock.ts";
import { REQUEST_SKEW_SECONDS } from "../../protocol/limits.ts";
import { saveNonce } from "../db/nonces.ts";
import { pendingSetup } from "../db/setup.ts";
import type { Deps } from "../deps.ts";
import type { Arrival } from "../http/arrival.ts";
import { problem } from "../http/problems.ts";
import { currentWorkspace } from "../workspace.ts";
import { requireSameOrigin } from "./same-origin.ts";

declare const authenticated: unique symbol;

export interface SetupHolder {
  readonly [authenticated]: true;
  readonly setupKey: string;
  /** Edge clock, seconds. */
  readonly expires: number;
  readonly signerOrigin: string;
}

/** @throws {ProblemError} */
export async function authenticateSetup(arrival: Arrival, deps: Deps): Promise<SetupHolder> {
  const signerOrigin = deps.signerOrigin ?? signerElsewhere(arrival);
  if ((await currentWorkspace(deps)) !== undefined) throw problem("setup_used");
  const pending = await pendingSetup(deps.db);
  if (pending === undefined || signerOrigin === undefined || arrival.signed === undefined) throw problem("setup_wrong");
  const { method, path, bodyDigest, signed } = arrival;
  const request = await judgeSignedRequest({ ...signed, method, path, bodyDigest }, pending.setupKey);
  if (typeof request === "string") throw problem("setup_wrong", request);
  const now = edgeSeconds();
  if (pending.expires <= now) throw problem("setup_expired");
  requireSameOrigin(arrival, [signerOrigin]);
  const isFirst = await saveNonce(deps.db, {
    nonce: request.jti,
    purpose: "setup-request",
    ceremony: pending.setupKey,
    expires: now + 2 * REQUEST_SKEW_SECONDS,
  });
  if (!isFirst) throw problem("setup_wrong", "replay");
  const facts: Omit<SetupHolder, typeof authenticated> = {
    setupKey: pending.setupKey,
    expires: pending.expires,
    signerOrigin,
  };
  return facts as SetupHolder;
}

/** `clawhold ui`, on whatever port: a name that browsers look up nowhere, so that only the person's own machine has it. */
const SIGNER = /^http:\/\/clawhold\.localhost(:[1-9]\d{0,4})?$/;
/** For reads, with which browsers send no origin. No root can be made with them. */
const SOME_SIGNER = "http://clawhold.localhost";

/** Where the edge serves no signer itself. What counts is the request's signature by the setup key; a page is a page of it. */
function signerElsewhere({ origin, method }: Arrival): string | undefined {
  if (origin === undefined) return method === "GET" ? SOME_SIGNER : undefined;
  return SIGNER.test(origin) ? origin : undefined;
}
