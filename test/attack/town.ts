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
import { say, type Said } from "../fixtures/team.ts";
import {
  DAILY_RP_ID,
  ELSEWHERE_ROLE,
  hostBodyOf,
  SIGNER_RP_ID,
  type Fields,
  type Member,
  type World,
} from "../fixtures/workspace.ts";
import { Founding } from "./founding.ts";

export type ActorName = "ada" | "otto" | "olga" | "flo" | "edda" | "vera" | "scot" | "nora" | "rex";

/** Somebody at a browser: a passkey, a session key, and the sign-in that certifies it. */
export interface Actor extends Member {
  readonly sessionKey: Signer;
  /** Body of the sign-in, good for the whole scenario. */
  readonly session: Fields;
  /** Digest of the sign-in. */
  readonly digest: string;
}

export interface Town {
  /** For whoever goes on from here. */
  readonly founding: Founding;
  /** As the fixtures take it; its state and statements are the newest. */
  readonly world: World;
  readonly actors: Readonly<Record<ActorName, Actor>>;
  readonly mallory: { readonly passkey: SoftwareCredential; readonly key: Signer };
  /** The trust log before the last statement: rex was an operator then. */
  readonly before: { readonly state: TrustState; readonly statements: readonly SignedStatement[] };
  /** A second, validly approved statement for the place of the last one. */
  readonly fork: SignedStatement;
}

/** Long enough ago for everybody to be nobody's newcomer. */
const AGE_SECONDS = 10 * 86_400;

const ROLES = {
  otto: ["operator"],
  vera: ["viewer"],
  scot: [ELSEWHERE_ROLE],
  nora: [],
  olga: ["operator"],
  flo: ["operator"],
  edda: ["operator"],
  rex: ["operator"],
} as const satisfies Record<Exclude<ActorName, "ada">, readonly string[]>;

export async function makeTown(): Promise<Town> {
  const start = wallNow() - AGE_SECONDS;
  const founding = await Founding.begin(start);
  const members: Partial<Record<ActorName, Member>> = {};
  const daily = await createCredential({ rpId: DAILY_RP_ID });
  await founding.say({ kind: "credential.add", body: { person: "p-ada", ...daily.pinned } }, start);
  members.ada = { id: "p-ada", passkey: founding.admin, daily };
  for (const [name, roles] of Object.entries(ROLES)) {
    // edda's passkey is of another algorithm, for the confusion of algorithms.
    const alg = name === "edda" ? "Ed25519" : "ES256";
    members[name as ActorName] = await founding.add(name, { roles, at: start, alg });
  }
  const hostBody = await hostBodyOf("host");
  await founding.say({ kind: "host.admit", body: hostBody }, start);
  const everybody = members as Record<ActorName, Member>;
  const before = { state: founding.state, statements: [...founding.statements] };
  const assigned = (role: string): Said => ({ kind: "role.assign", body: { person: "p-rex", roles: [role] } });
  const fork = await say(founding.state, assigned("admin"), { by: [founding.admin], at: start });
  await founding.say(assigned("viewer"), start);
  const world = await founding.world(everybody, hostBody);
  return {
    founding,
    world,
    actors: await signInAll(world, everybody),
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

/** Everybody signs in on the signer. */
export async function signInAll<N extends string>(
  world: World,
  members: Readonly<Record<N, Member>>,
): Promise<Record<N, Actor>> {
  const actors: Partial<Record<N, Actor>> = {};
  for (const name of Object.keys(members) as N[]) {
    const sessionKey = await signerOf(`session of ${name}`);
    const session = sessionBody(world, sessionKey.publicKey, { nonce: nonceOf(`sign-in of ${name}`) });
    actors[name] = {
      ...members[name],
      sessionKey,
      session,
      digest: digestOf("session", encodeCanonical(session)),
    };
  }
  return actors as Record<N, Actor>;
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
