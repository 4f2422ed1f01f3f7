/**
 * What each kind of chain statement does, once its approvals hold. `chain` remembers every id for ever; `authority` is
 * what the statement's author knew to be in force. May not: ask who approved.
 */
import type { PinnedCredential } from "../assertion.ts";
import { fromBase64url } from "../bytes.ts";
import { isAcceptablePoint } from "../ed25519.ts";
import { GRANT_SECONDS, MAX_AUTOMATION_KEY_SECONDS } from "../limits.ts";
import { isAcceptablePublicKey } from "../public-key.ts";
import type { Digest } from "../signing.ts";
import { hostIdOf } from "../key-ids.ts";
import type { TrustRefusal } from "./refusals.ts";
import type { Authority, ChainState } from "./state.ts";
import type { BodyOf, ChainKind } from "./statements.ts";

/** What the chain says after a statement, before it has a place and a name. */
export type Changes = Partial<Omit<ChainState, "n" | "hash" | "at" | "knew" | "approvers" | "previous">>;
export type Outcome = Changes | TrustRefusal;

export interface Ground {
  readonly chain: ChainState;
  readonly authority: Authority;
  /** The statement's digest, time and approvers. */
  readonly hash: Digest;
  readonly at: number;
  readonly approvedBy: readonly string[];
}

type Transition<K extends ChainKind> = (ground: Ground, body: BodyOf<K>) => Outcome;

/** A new kind does not compile until it is here. */
const transitions: { readonly [K in ChainKind]: Transition<K> } = {
  "person.add": addPerson,
  "credential.add": addCredential,
  "role.define": ({ chain }, role) => ({ roles: new Map(chain.roles).set(role.id, role) }),
  "role.assign": assignRoles,
  "host.admit": admitHost,
  "host.remove": removeHost,
  "automation-key.add": addAutomationKey,
  "origin.add": addOrigin,
  "dispatch-key.rotate": (_, { key }) => (isUsablePoint(key) ? { dispatchKey: key } : "key"),
  "ledger-key.rotate": (_, { key }) => (isUsablePoint(key) ? { ledgerKey: key } : "key"),
  "policy.set": setPolicy,
  "fork.resolve": resolveFork,
  "root.rotate": (_, keys) => (isUsablePoint(keys.dispatchKey) && isUsablePoint(keys.ledgerKey) ? keys : "key"),
};

export function transition<K extends ChainKind>(
  ground: Ground,
  statement: { readonly kind: K; readonly body: BodyOf<K> },
): Outcome {
  return transitions[statement.kind](ground, statement.body);
}

function setPolicy({ chain }: Ground, policy: BodyOf<"policy.set">): Outcome {
  if (policy.execOnceFrom?.people.every((person) => chain.people.has(person)) === false) return "unknown";
  return { policies: new Map(chain.policies).set(policy.id, policy) };
}

function addPerson({ chain, hash, at, approvedBy }: Ground, body: BodyOf<"person.add">): Outcome {
  const { id, name, roles, credentials = [] } = body;
  if (chain.people.has(id)) return "exists";
  if (!roles.every((role) => chain.roles.has(role))) return "unknown";
  const until = grantEnd(body.until, at);
  if (until === undefined) return "term";
  const person = { id, name, roles, grant: hash, until, addedBy: approvedBy, addedAt: at };
  let next: ChainState = { ...chain, people: new Map(chain.people).set(id, person) };
  for (const credential of credentials) {
    const added = withCredential(next, { person: id, ...credential });
    if (typeof added === "string") return added;
    next = { ...next, credentials: added };
  }
  return { people: next.people, credentials: next.credentials };
}

function addCredential({ chain, authority }: Ground, body: BodyOf<"credential.add">): Outcome {
  if (!authority.people.has(body.person)) return "unknown";
  const credentials = withCredential(chain, body);
  return typeof credentials === "string" ? credentials : { credentials };
}

function withCredential(
  chain: ChainState,
  body: PinnedCredential & { readonly person: string },
): ChainState["credentials"] | TrustRefusal {
  if (chain.credentials.has(body.credentialId)) return "exists";
  if (!chain.rpClasses.has(body.rpId)) return "unknown";
  if (!hasUsableKey(body)) return "key";
  return new Map(chain.credentials).set(body.credentialId, body);
}

function assignRoles({ chain, authority, hash, at }: Ground, body: BodyOf<"role.assign">): Outcome {
  const person = chain.people.get(body.person);
  if (person === undefined || !authority.people.has(body.person)) return "unknown";
  if (!body.roles.every((role) => chain.roles.has(role))) return "unknown";
  const until = grantEnd(body.until, at);
  if (until === undefined) return "term";
  return { people: new Map(chain.people).set(person.id, { ...person, roles: body.roles, grant: hash, until }) };
}

/** Undefined when it would end before it begins, or later than allowed. */
function grantEnd(until: number | undefined, at: number): number | undefined {
  const latest = at + GRANT_SECONDS;
  const end = until ?? latest;
  return end > at && end <= latest ? end : undefined;
}

function admitHost({ chain }: Ground, body: BodyOf<"host.admit">): Outcome {
  const { host, hostKey, cosignKey } = body;
  if (chain.hosts.has(host) || chain.removedHosts.has(host)) return "exists";
  if (host !== hostIdOf(hostKey)) return "key";
  if (!isUsablePoint(hostKey) || !isUsablePoint(cosignKey)) return "key";
  return { hosts: new Map(chain.hosts).set(host, body) };
}

function removeHost({ chain }: Ground, { host }: BodyOf<"host.remove">): Outcome {
  if (!chain.hosts.has(host)) return "unknown";
  const hosts = new Map(chain.hosts);
  hosts.delete(host);
  return { hosts, removedHosts: new Set(chain.removedHosts).add(host) };
}

function addAutomationKey({ chain, at }: Ground, key: BodyOf<"automation-key.add">): Outcome {
  if (chain.automationKeys.has(key.id)) return "exists";
  if ([...chain.automationKeys.values()].some(({ publicKey }) => publicKey === key.publicKey)) return "exists";
  if (!isUsablePoint(key.publicKey)) return "key";
  if (key.until <= at || key.until > at + MAX_AUTOMATION_KEY_SECONDS) return "term";
  return { automationKeys: new Map(chain.automationKeys).set(key.id, key) };
}

function addOrigin({ chain, authority }: Ground, origin: BodyOf<"origin.add">): Outcome {
  if (chain.origins.some((listed) => listed.origin === origin.origin)) {
    // Ids are never reused: an address that was revoked stays so.
    return authority.origins.some((listed) => listed.origin === origin.origin) ? "exists" : "revoked";
  }
  const fixed = chain.rpClasses.get(origin.rpId);
  if (fixed !== undefined && fixed !== origin.class) return "name_class";
  if (!fitsName(origin.origin, origin.rpId)) return "name_class";
  // A signer is served by the person's own machine: no name that anybody else could answer for.
  if (origin.class === "signer" && !isOwnMachine(origin.origin)) return "name_class";
  const rpClasses = new Map(chain.rpClasses).set(origin.rpId, origin.class);
  return { origins: [...chain.origins, origin], rpClasses };
}

/** rpId is exactly the page's host name: no suffix games between names. */
export function fitsName(origin: string, rpId: string): boolean {
  return new RegExp(`^https?://${rpId.replaceAll(".", "\\.")}(:\\d+)?$`).test(origin);
}

function isOwnMachine(origin: string): boolean {
  return /^http:\/\/([a-z0-9-]+\.)*localhost(:\d+)?$/.test(origin);
}

function resolveFork({ chain }: Ground, { keep, drop }: BodyOf<"fork.resolve">): Outcome {
  const kept = new Map(chain.kept).set(keep, chain.n + 1);
  // Whoever keeps something else than this history drops nothing for it.
  if (drop === undefined || !isPlaceOf(chain, keep)) return { kept };
  return { kept, dropped: new Map(chain.dropped).set(drop, chain.n + 1) };
}

function isPlaceOf(chain: ChainState, hash: Digest): boolean {
  let place: ChainState | undefined = chain;
  while (place !== undefined && place.hash !== hash) place = place.previous;
  return place !== undefined;
}

export function isUsablePoint(key: string): boolean {
  return isAcceptablePoint(fromBase64url(key));
}

export function hasUsableKey({ alg, publicKey }: PinnedCredential): boolean {
  return isAcceptablePublicKey(alg, fromBase64url(publicKey));
}
