/**
 * The workspace of the scenario: the five people of the fixtures, two more operators, somebody whose role was taken
 * away again, and the attacker, who is in no trust log. Holds every private key there is, the honest people's included:
 * which of them an attack may use is the attack's to say.
 */
import { encodeCanonical } from "../../protocol/canonical.ts";
import { digestOf, type Signer } from "../../protocol/signing.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { SignedStatement } from "../../protocol/trust/statements.ts";
import { createCredential, originFor, type SoftwareCredential } from "../fixtures/authenticator.ts";
import { nonceOf, signerOf } from "../fixtures/keys.ts";
import {
  applied,
  DAILY_RP_ID,
  makeWorld,
  SIGNER_RP_ID,
  stated,
  type Fields,
  type World,
} from "../fixtures/workspace.ts";

const NAMES = ["ada", "otto", "olga", "flo", "edda", "vera", "scot", "nora", "rex"] as const;
export type ActorName = (typeof NAMES)[number];

/** Somebody at a browser: a passkey, a session key, and the sign-in that certifies it. */
export interface Actor {
  readonly id: string;
  readonly passkey: SoftwareCredential;
  readonly daily: SoftwareCredential;
  readonly sessionKey: Signer;
  /** Body of the sign-in, good for the whole scenario. */
  readonly session: Fields;
  /** Digest of the sign-in. */
  readonly digest: string;
}

export interface Town {
  /** As the fixtures take it; its state and statements are the newest. */
  readonly world: World;
  readonly actors: Readonly<Record<ActorName, Actor>>;
  readonly mallory: { readonly passkey: SoftwareCredential; readonly key: Signer };
  /** The trust log before the last statement: rex was an operator then. */
  readonly before: { readonly state: TrustState; readonly statements: readonly SignedStatement[] };
  /** A second, validly approved statement for the place of the last one. */
  readonly fork: SignedStatement;
}

export async function makeTown(): Promise<Town> {
  const base = await makeWorld();
  const statements = [...base.statements];
  let { state } = base;
  const by = base.people.ada.passkey;
  const more: Partial<Record<ActorName, Pick<Actor, "id" | "passkey" | "daily">>> = {};
  for (const name of ["olga", "flo", "edda", "rex"] as const) {
    const id = `p-${name}`;
    // edda's passkey is of another algorithm, for the confusion of algorithms.
    const passkey = await createCredential({ rpId: SIGNER_RP_ID, alg: name === "edda" ? "Ed25519" : "ES256" });
    const daily = await createCredential({ rpId: DAILY_RP_ID });
    for (const said of [
      await stated({ state, by }, { kind: "person.add", body: { id, name: nonceOf(id), roles: ["operator"] } }),
    ]) {
      state = await applied(state, said);
      statements.push(said);
    }
    for (const credential of [passkey, daily]) {
      const said = await stated({ state, by }, { kind: "credential.add", body: { person: id, ...credential.pinned } });
      state = await applied(state, said);
      statements.push(said);
    }
    more[name] = { id, passkey, daily };
  }
  const before = { state, statements: [...statements] };
  const last = await stated({ state, by }, { kind: "role.assign", body: { person: "p-rex", roles: ["viewer"] } });
  const fork = await stated({ state, by }, { kind: "role.assign", body: { person: "p-rex", roles: ["admin"] } });
  state = await applied(state, last);
  statements.push(last);
  const world: World = { ...base, state, statements };
  const members = { ...base.people, ...more } as Record<ActorName, Pick<Actor, "id" | "passkey" | "daily">>;
  const actors: Partial<Record<ActorName, Actor>> = {};
  for (const name of NAMES) actors[name] = await signIn(world, name, members[name]);
  return {
    world,
    actors: actors as Record<ActorName, Actor>,
    mallory: {
      passkey: await createCredential({ rpId: SIGNER_RP_ID, name: "mallory" }),
      key: await signerOf("mallory"),
    },
    before,
    fork,
  };
}

export function wallNow(): number {
  return Math.floor(Date.now() / 1_000);
}

async function signIn(world: World, name: string, member: Pick<Actor, "id" | "passkey" | "daily">): Promise<Actor> {
  const sessionKey = await signerOf(`session of ${name}`);
  const session = sessionBody(world, sessionKey.publicKey, { nonce: nonceOf(`sign-in of ${name}`) });
  return { ...member, sessionKey, session, digest: digestOf("session", encodeCanonical(session)) };
}

/** A sign-in of now, within every role's limit, unless `change` says otherwise. */
export function sessionBody(world: World, sessionKey: string, change: Fields = {}): Fields {
  const now = wallNow();
  return {
    v: 1,
    workspace: world.workspace,
    sessionKey,
    origin: originFor(SIGNER_RP_ID),
    nonce: nonceOf(`sign-in ${sessionKey}`),
    trustHead: world.state.head,
    iat: now - 60,
    exp: now + 3_600,
    ...change,
  };
}
