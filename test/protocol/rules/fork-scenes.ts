/** Small histories of four administrators, and what a host answers when it hears them in an order. */
import type { TrustState } from "../../../protocol/trust/state.ts";
import type { SignedStatement } from "../../../protocol/trust/statements.ts";
import { createCredential, type SoftwareCredential } from "../../fixtures/authenticator.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { hashOf, said, type Said } from "../../fixtures/team.ts";
import { SIGNER_RP_ID, type Member } from "../../fixtures/workspace.ts";
import { harmless, heard, makeCouncil, tell, type Admin, type Council } from "../trust/courses.ts";
import { once, type Modules } from "./cases.ts";

export const sharedCouncil = once(makeCouncil);

/** Says something after a state that its author believes in. */
type Tell = (by: Admin | Member, after: TrustState, what: Said | Knowing) => Promise<SignedStatement>;
/** Revocations that the author names besides what the chain knew. */
interface Knowing {
  readonly said: Said;
  readonly knew: readonly SignedStatement[];
  readonly at?: number;
}

export interface Scene {
  readonly base: TrustState;
  readonly passkey: (admin: Admin) => SoftwareCredential;
  readonly tell: Tell;
  /** The state of somebody who heard only this. */
  readonly after: (...said: readonly SignedStatement[]) => Promise<TrustState>;
  /** Adds an administrator. */
  readonly adding: (by: Admin, after: TrustState, knew?: readonly SignedStatement[]) => Promise<Added>;
}
interface Added {
  readonly puppet: Member;
  readonly signed: SignedStatement;
}

/** What a host hears, in order. */
export type Course = (scene: Scene) => Promise<readonly SignedStatement[]>;

function sceneOf(council: Council): Scene {
  const base = council.state;
  const speak: Tell = (by, after, what) => {
    const { said: one, knew, at } = "said" in what ? what : { said: what, knew: [], at: undefined };
    return tell(council, { by, after, knew, ...(at === undefined ? {} : { at }) }, one);
  };
  return {
    base,
    passkey: (admin) => council.admins[admin].passkey,
    tell: speak,
    after: async (...list) => {
      let state = base;
      for (const one of list) state = await heard(state, one);
      return state;
    },
    adding: async (by, after, knew) => {
      const passkey = await createCredential({ rpId: SIGNER_RP_ID });
      const body = { id: "p-puppet", name: nonceOf("puppet"), roles: ["admin"], credentials: [passkey.pinned] };
      const signed = await speak(by, after, { said: said("person.add", body), knew: knew ?? [] });
      return { puppet: { id: "p-puppet", passkey, daily: passkey }, signed };
    },
  };
}

/** What freezes a host that hears these. */
export async function courseReason(modules: Modules, course: Course): Promise<string | undefined> {
  return (await courseState(modules, course)).frozen?.other;
}

export async function courseState(modules: Modules, course: Course): Promise<TrustState> {
  const scene = sceneOf(await sharedCouncil());
  let state = scene.base;
  for (const one of await course(scene)) {
    const result = await modules.fork.applyOrFork(state, one);
    if (result.ok) ({ state } = result);
  }
  return state;
}

/** The answer to the last, and whether the host is frozen then: where, counted from the beginning, and why. */
export async function courseVerdict(modules: Modules, course: Course): Promise<string> {
  const scene = sceneOf(await sharedCouncil());
  let state = scene.base;
  let answer = "nothing";
  for (const one of await course(scene)) {
    const result = await modules.fork.applyOrFork(state, one);
    answer = result.ok ? `ok ${result.state.head.n - scene.base.head.n}` : result.code;
    if (result.ok) ({ state } = result);
  }
  const { frozen } = state;
  return frozen === undefined ? answer : `${answer}, ${frozen.reason} at ${frozen.place - scene.base.head.n}`;
}

export const resolve = (keep: SignedStatement | string, drop?: SignedStatement): Said =>
  said("fork.resolve", {
    keep: typeof keep === "string" ? keep : hashOf(keep),
    ...(drop === undefined ? {} : { drop: hashOf(drop) }),
  });
export const roles = (person: Admin, held: readonly string[]): Said =>
  said("role.assign", { person: `p-${person}`, roles: [...held] });

/** Two statements for the place after the base, and the states of those who heard only one. */
export async function two({ base, tell: speak, after }: Scene) {
  const mine = await speak("ada", base, harmless());
  const theirs = await speak("bea", base, harmless());
  return { mine, theirs, here: await after(mine), there: await after(theirs) };
}
