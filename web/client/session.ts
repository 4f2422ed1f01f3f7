/**
 * Signing in and staying signed in: one touch certifies a fresh, non-extractable session key. The workspace this
 * address once showed is pinned; another one is refused, whatever the edge says. How long the session lasts stands in what
 * the touch signs, so it is asked for before anybody can know whose touch it will be: this browser remembers what whoever
 * signed in here last may have.
 */
import type { Me } from "../../protocol/contracts.ts";
import type { TrustHead } from "../../protocol/fields.ts";
import { MAX_SESSION_SECONDS } from "../../protocol/limits.ts";
import { sessionCodec, type Asserted, type Session } from "../../protocol/messages.ts";
import { digestOf } from "../../protocol/signing.ts";
import type { EdgeClock } from "./clock.ts";
import type { Answer, EdgeClient } from "./http.ts";
import type { MachineMemory } from "./machine-memory.ts";
import { touch } from "./passkey.ts";
import { makeSessionKeys, sessionSigner } from "./signer.ts";
import { SessionLongError, TroubleError } from "./trouble.ts";
import type { StoredSession, Vault } from "./vault.ts";

export interface SessionDeps {
  readonly client: EdgeClient;
  readonly vault: Vault;
  readonly memory: MachineMemory;
  readonly clock: EdgeClock;
}

export interface FreshSession {
  readonly keys: CryptoKeyPair;
  readonly publicKey: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A session body around a new key; the caller gets it certified by a touch. */
export async function freshSession(fields: Omit<Session, "v" | "sessionKey" | "origin">): Promise<FreshSession> {
  const { keys, publicKey } = await makeSessionKeys();
  const bytes = sessionCodec.encode({ v: 1, sessionKey: publicKey, origin: location.origin, ...fields });
  return { keys, publicKey, bytes };
}

/** Stores the certified session and makes its key sign requests. */
export async function keepSession(
  deps: SessionDeps,
  fresh: FreshSession,
  { me, certificate }: { readonly me: Me; readonly certificate: Asserted },
): Promise<StoredSession> {
  const stored: StoredSession = {
    keys: fresh.keys,
    publicKey: fresh.publicKey,
    certificate,
    digest: digestOf("session", fresh.bytes),
    person: me.person,
    credentialId: certificate.assertion.credentialId,
    expires: me.expires,
  };
  await deps.vault.set("workspace", me.workspace);
  await deps.vault.set("session", stored);
  deps.clock.set(me.now);
  deps.client.use(sessionSigner(fresh.keys, fresh.publicKey));
  return stored;
}

/** No role may say less. An edge that says so all the same must not keep anybody out for ever. */
const SHORTEST_SECONDS = 60;

/** One touch. @throws {TroubleError} when refused; NotAllowedError when the person closed the authenticator. */
export async function signIn(deps: SessionDeps): Promise<StoredSession> {
  const offer = await askOffer(deps);
  const pinned = await deps.vault.get("workspace");
  if (pinned !== undefined && pinned !== offer.workspace) throw new TroubleError(OTHER_WORKSPACE);
  await deps.memory.judgeOffer(offer);
  deps.clock.set(offer.now);
  const asked = Math.min((await deps.vault.get("sessionSeconds")) ?? offer.lifetime, MAX_SESSION_SECONDS);
  const fresh = await freshSession({
    workspace: offer.workspace,
    nonce: offer.nonce,
    trustHead: offer.trustHead,
    iat: offer.now,
    exp: offer.now + asked,
  });
  const certificate = await touch({ kind: "session", body: fresh.bytes, allow: [] });
  const me = await present(deps, certificate, asked);
  if (me.workspace !== offer.workspace) throw new TroubleError(OTHER_WORKSPACE);
  return keepSession(deps, fresh, { me, certificate });
}

async function present({ client, vault }: SessionDeps, session: Asserted, asked: number): Promise<Me> {
  try {
    return await client.call("signIn", { body: { session } });
  } catch (error) {
    if (error instanceof SessionLongError)
      await vault.set("sessionSeconds", Math.max(SHORTEST_SECONDS, Math.min(asked, error.limitSeconds)));
    throw error;
  }
}

/**
 * A control plane says its newest trust head only to a page that names an earlier one. It signs in only at addresses
 * that its workspace lists, and says so with its code `origin`.
 */
async function askOffer({ client, vault, memory }: SessionDeps): Promise<Answer<"signInNonce">> {
  const known: TrustHead | undefined = (await memory.recall()).head ?? (await vault.get("trustHead"));
  try {
    return await client.call("signInNonce", { body: known === undefined ? {} : { known } });
  } catch (error) {
    if (error instanceof TroubleError && error.trouble.code === "origin") throw originUnlisted();
    throw error;
  }
}

/** What a page whose own address the workspace does not list says: hosts would refuse whatever is approved on it. */
export function originUnlisted(): TroubleError {
  return new TroubleError({
    code: "origin_unlisted",
    what: `This address, ${location.origin}, is not one that the workspace lists.`,
    why: "Hosts obey only what was approved at an address of the list.",
    next: "Add this address on the page Addresses of a signer that is listed, then sign in here.",
  });
}

/** The session of an earlier visit, if it still holds. */
export async function resumeSession(deps: SessionDeps): Promise<StoredSession | undefined> {
  const stored = await deps.vault.get("session");
  if (stored === undefined) return undefined;
  deps.client.use(sessionSigner(stored.keys, stored.publicKey));
  return stored;
}

export async function endSession(deps: SessionDeps): Promise<void> {
  await deps.vault.delete("session");
  deps.client.use(undefined);
}

const OTHER_WORKSPACE = {
  code: "other_workspace",
  what: "This address now shows another workspace than the one pinned in this browser.",
  why: "The data directory was made anew, or somebody answers in its place.",
  next: "If you started over on purpose, clear this site's data in the browser, then sign in.",
} as const;
