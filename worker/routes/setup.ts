/**
 * First run: the holder of the setup link makes the first passkey and the root, once. The first sign-in, whose session
 * names digest(root) as its workspace, is the root's approval; the setup key signs the root too.
 */
import { edgeSeconds, randomNonce } from "../../durable-objects/clock.ts";
import { LedgerUnavailable } from "../../durable-objects/ledger-client.ts";
import { fromBase64url, utf8Text } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { commit } from "../../protocol/ledger.ts";
import { SETUP_SECONDS } from "../../protocol/limits.ts";
import { sessionCodec, type Session } from "../../protocol/messages.ts";
import { sessionLimit, type TrustState } from "../../protocol/trust/state.ts";
import { applyRoot } from "../../protocol/trust/apply.ts";
import { rootCodec, signedRootCodec, type Root, type SignedRoot } from "../../protocol/trust/statements.ts";
import type { SetupHolder } from "../access/setup-holder.ts";
import { saveNonce } from "../db/nonces.ts";
import { passkeysOfCeremony } from "../db/passkeys.ts";
import { claimSetup, createWorkspace, releaseSetup } from "../db/setup.ts";
import type { Deps } from "../deps.ts";
import { problem, trustProblem } from "../http/problems.ts";
import type { Call, Handler } from "../mount.ts";
import { registrationOptions } from "../passkeys.ts";
import { registerPasskey } from "../register.ts";
import { openSession } from "../open-session.ts";

export const setupState: Handler<"setupState"> = async ({ authority, deps }) => ({
  body: {
    dispatchKey: await deps.dispatchKey(),
    ledgerKey: await deps.ledgerKey(),
    expires: authority.expires,
    now: edgeSeconds(),
  },
});

export const setupOptions: Handler<"setupOptions"> = async ({ authority, body, deps }) => {
  const challenge = randomNonce();
  const expires = edgeSeconds() + SETUP_SECONDS;
  await saveNonce(deps.db, { nonce: challenge, purpose: "registration", ceremony: authority.setupKey, expires });
  const rpId = new URL(authority.signerOrigin).hostname;
  return { body: { options: await registrationOptions({ rpId, name: body.name, challenge, exclude: [] }) } };
};

export const setupPasskey: Handler<"setupPasskey"> = async ({ authority, body, deps }) => {
  const origin = authority.signerOrigin;
  const place = { ceremony: authority.setupKey, origin, rpId: new URL(origin).hostname };
  return { body: await registerPasskey({ response: body.response, ...place }, deps) };
};

export const setupRoot: Handler<"setupRoot"> = async (call) => {
  const { authority, body, deps } = call;
  const { root, state } = await judgeRoot(call);
  const { workspace } = state;
  const session = judgeFirstSession(body.signed, state);
  if (commit({ field: "name", ...body.name }) !== root.person.name) throw problem("malformed_request", "name opening");
  if (!(await claimSetup(deps.db, authority.setupKey, workspace))) throw problem("setup_busy");
  const person = root.person.id;
  await recordCreation(call, { workspace, person });
  await createWorkspace(deps.db, {
    workspace,
    setupKey: authority.setupKey,
    signed: utf8Text(signedRootCodec.encode(body.signed)),
    person,
    name: body.name,
    at: edgeSeconds(),
  });
  return openSession({ certificate: body.signed.session, session, person, trust: state, arrival: call.arrival }, deps);
};

interface JudgedRoot {
  readonly root: Root;
  readonly state: TrustState;
}

async function judgeRoot({ authority, body, deps }: Call<"setupRoot">): Promise<JudgedRoot> {
  const applied = await applyRoot(body.signed, { setupKey: authority.setupKey });
  if (!applied.ok) throw trustProblem(applied.code);
  const root = rootCodec.decode(fromBase64url(body.signed.root));
  if (root.dispatchKey !== (await deps.dispatchKey()) || root.ledgerKey !== (await deps.ledgerKey()))
    throw problem("root_keys");
  if (!namesSigner(root, authority)) throw problem("root_origin");
  await requireRegistered(root, authority, deps);
  return { root, state: applied.state };
}

/** This page must be its signer: an origin of another class here would let an edge-served page approve critical things. */
function namesSigner(root: Root, { signerOrigin }: SetupHolder): boolean {
  const rpId = new URL(signerOrigin).hostname;
  return root.origins.some(
    (listed) => listed.origin === signerOrigin && listed.rpId === rpId && listed.class === "signer",
  );
}

async function requireRegistered(root: Root, { setupKey }: SetupHolder, deps: Deps): Promise<void> {
  const registered = new Set((await passkeysOfCeremony(deps.db, setupKey)).map(({ credential }) => credential));
  for (const credential of root.credentials) {
    if (!registered.has(utf8Text(encodeCanonical(credential)))) throw problem("root_passkey");
  }
}

/** The touch itself was verified by applyRoot; here the times, which only the edge's clock can judge. */
function judgeFirstSession(signed: SignedRoot, state: TrustState): Session {
  const session = sessionCodec.decode(fromBase64url(signed.session.body));
  const person = state.credentials.get(signed.session.assertion.credentialId)?.person ?? "";
  const lifetime = session.exp - session.iat;
  if (lifetime <= 0 || lifetime > sessionLimit(state, person, edgeSeconds()))
    throw problem("sign_in_refused", "lifetime");
  if (Math.abs(edgeSeconds() - session.iat) > SETUP_SECONDS) throw problem("sign_in_refused", "clock");
  return session;
}

/** Recorded before anything exists. If it cannot be, the claim is given back so that the page can press again. */
async function recordCreation(
  { authority, arrival, deps }: Call<"setupRoot">,
  { workspace, person }: { readonly workspace: string; readonly person: string },
): Promise<void> {
  const { sourceIp } = arrival;
  try {
    await deps.ledger(workspace)({
      actor: { kind: "person", id: person },
      action: "workspace.created",
      detail: { statement: workspace, statementKind: "root" },
      subject: workspace,
      ...(sourceIp === undefined ? {} : { sourceIp }),
    });
  } catch (error) {
    if (error instanceof LedgerUnavailable) await releaseSetup(deps.db, authority.setupKey);
    throw error;
  }
}
