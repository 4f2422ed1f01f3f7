/**
 * A change of the edge itself, approved by a touch: over exactly this change, for this endpoint, from this session,
 * once. Hosts refuse such an approval, so nothing that is signed here can become a command.
 */
import { computed, type ReadonlySignal } from "@preact/signals";
import { toBase64url } from "../../protocol/bytes.ts";
import type { EndpointName } from "../../protocol/contracts.ts";
import { changeDigest } from "../../protocol/contracts/edge-action.ts";
import { approvalCodec, edgeActionCodec, type Asserted } from "../../protocol/messages.ts";
import type { Permission } from "../../protocol/roles.ts";
import { digestOf } from "../../protocol/signing.ts";
import { hasPermission } from "../../protocol/trust/state.ts";
import type { EdgeClock } from "./clock.ts";
import { touch } from "./passkey.ts";
import { randomNonce } from "./random.ts";
import { TroubleError } from "./trouble.ts";
import type { TrustKeeper } from "./trust.ts";
import type { StoredSession } from "./vault.ts";

export interface EdgeActionDeps {
  readonly clock: EdgeClock;
  readonly trust: TrustKeeper;
  readonly session: () => StoredSession | undefined;
  /** Replaced in tests, which have no authenticator window. */
  readonly touch?: typeof touch;
  readonly rpId?: string;
}

/** Whether this person holds a permission now, by the trust log that this browser verified. The edge judges it again. */
export function mayNow(
  { trust, session, clock }: Pick<EdgeActionDeps, "trust" | "session" | "clock">,
  permission: Permission,
): ReadonlySignal<boolean> {
  return computed(() => {
    const state = trust.state.value;
    const person = session()?.person;
    return (
      state !== undefined && person !== undefined && hasPermission(state, person, { permission, now: clock.now() })
    );
  });
}

export interface ApprovedChange<C> {
  readonly change: C;
  readonly action: string;
  readonly approval: Asserted;
}

/** Opens the authenticator. @throws {TroubleError} when nobody is signed in; NotAllowedError when it was closed. */
export async function approveChange<C extends object>(
  deps: EdgeActionDeps,
  endpoint: EndpointName,
  change: C,
): Promise<ApprovedChange<C>> {
  const state = deps.trust.state.value;
  const session = deps.session();
  if (state === undefined || session === undefined) throw new TroubleError(SIGNED_OUT);
  deps.trust.requireKnownPast();
  const at = deps.clock.now();
  const { workspace } = state;
  const action = edgeActionCodec.encode({
    v: 1,
    workspace,
    session: session.digest,
    endpoint,
    change: changeDigest(change),
    nonce: randomNonce(),
    at,
  });
  const subject = digestOf("edge-action", action);
  const body = approvalCodec.encode({ v: 1, workspace, kind: "edge-action", subject, decision: "approve", at });
  const rpId = deps.rpId ?? location.hostname;
  const allow = [...state.credentials.values()]
    .filter((credential) => credential.person === session.person && credential.rpId === rpId)
    .map(({ credentialId }) => credentialId);
  const approval = await (deps.touch ?? touch)({ kind: "approval", body, allow });
  return { change, action: toBase64url(action), approval };
}

const SIGNED_OUT = { code: "signed_out", what: "You are signed out.", next: "Sign in." } as const;
