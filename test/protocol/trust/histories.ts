/**
 * Random workspaces, a random chain and random revocations by random administrators: mutual ones, late ones and ones that
 * name an old head. What comes out is what was said; the test delivers it in many orders.
 */
import type { TrustState } from "../../../protocol/trust/state.ts";
import { chainAt } from "../../../protocol/trust/state.ts";
import type { Revocation, SignedStatement } from "../../../protocol/trust/statements.ts";
import { applyAsWitness } from "../../../protocol/trust/apply.ts";
import { createCredential } from "../../fixtures/authenticator.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { hashOf, say, type Said } from "../../fixtures/team.ts";
import { NOW, SIGNER_RP_ID, type Member } from "../../fixtures/workspace.ts";
import { randomOf } from "../campaign.ts";
import { makeCouncil } from "./courses.ts";

export interface SaidRevocation {
  readonly digest: string;
  readonly body: Revocation["body"];
  readonly by: string;
  readonly prev: number;
  readonly person: string;
}

export interface History {
  readonly start: TrustState;
  readonly said: readonly SignedStatement[];
  readonly revocations: readonly SaidRevocation[];
}

export type Random = (below: number) => number;

export function pick<T>(list: readonly T[], random: Random): T {
  const one = list[random(list.length)];
  if (one === undefined) throw new TypeError("nothing to pick from");
  return one;
}

export function shuffled<T>(list: readonly T[], random: Random): readonly T[] {
  return list
    .map((one) => ({ one, key: random(1_000_000_000) }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ one }) => one);
}

class Author {
  readonly #random: Random;
  readonly #members: Member[];
  /** Somebody who has heard everything, in the order in which it was said. */
  #state: TrustState;
  readonly said: SignedStatement[] = [];
  readonly revocations: SaidRevocation[] = [];
  #numbers = 0;

  constructor(state: TrustState, members: readonly Member[], random: Random) {
    this.#state = state;
    this.#members = [...members];
    this.#random = random;
  }

  async step(): Promise<void> {
    await (this.#random(5) < 2 ? this.#revoke() : this.#speak());
  }

  /** At the tip, by anybody, knowing anything of what is held. */
  async #speak(): Promise<void> {
    const state = this.#state;
    const by = pick(this.#members, this.#random);
    const { said, comer } = await this.#something();
    const held = [...state.revocations.keys(), ...(state.disputed?.keys() ?? [])];
    const knew = held.filter((digest) => !state.chain.knew.has(digest) && this.#random(2) === 0);
    const known = new Map([...state.chain.knew, ...knew].map((digest) => [digest, undefined as never]));
    const at = state.chain.at + this.#random(2);
    const signed = await say({ ...state, revocations: known }, said, { by: [by.passkey], at });
    const result = await applyAsWitness(state, signed);
    if (!result.ok) return; // they could not even have said it
    this.#state = result.state;
    this.said.push(signed);
    if (comer !== undefined) this.#members.push(comer);
  }

  async #something(): Promise<{ readonly said: Said; readonly comer?: Member }> {
    this.#numbers += 1;
    const id = `p-r${this.#numbers}`;
    const person = pick(this.#members, this.#random).id;
    const { frozen } = this.#state;
    if (frozen !== undefined && this.#random(3) === 0)
      return { said: { kind: "fork.resolve", body: { keep: frozen.mine } } };
    switch (this.#random(5)) {
      case 0: {
        const passkey = await createCredential({ rpId: SIGNER_RP_ID });
        const body = { id, name: nonceOf(id), roles: ["admin"], credentials: [passkey.pinned] };
        return { said: { kind: "person.add", body }, comer: { id, passkey, daily: passkey } };
      }
      case 1:
        return { said: { kind: "role.assign", body: { person, roles: [pick(["admin", "viewer"], this.#random)] } } };
      case 2: {
        const passkey = await createCredential({ rpId: SIGNER_RP_ID });
        return { said: { kind: "credential.add", body: { person, ...passkey.pinned } } };
      }
      default:
        return { said: { kind: "person.add", body: { id, name: nonceOf(id), roles: [] } } };
    }
  }

  /** At the tip or at an older head, of anybody. */
  async #revoke(): Promise<void> {
    const { chain } = this.#state;
    const back = this.#random(2) === 0 ? 0 : this.#random(4);
    const named = chainAt(chain, Math.max(0, chain.n - back)) ?? chain;
    const by = pick(this.#members, this.#random);
    const { id: person, passkey } = pick(this.#members, this.#random);
    const grant = named.people.get(person)?.grant;
    const kinds: readonly Said[] = [
      { kind: "person.revoke", body: { person } },
      { kind: "person.revoke", body: { person } },
      { kind: "credential.revoke", body: { credential: passkey.pinned.credentialId } },
      ...(grant === undefined ? [] : [{ kind: "role.revoke" as const, body: { grant } }]),
    ];
    const said = pick(kinds, this.#random);
    const view = { ...this.#state, chain: named };
    const signed = await say(view, said, { by: [by.passkey], at: NOW + this.#random(1_000) });
    const result = await applyAsWitness(this.#state, signed);
    // Too late here, not for somebody who hears it earlier.
    if (!result.ok && result.code !== "revoked") return;
    if (result.ok) this.#state = result.state;
    this.said.push(signed);
    const body = said.body as Revocation["body"];
    this.revocations.push({ digest: hashOf(signed), body, by: by.id, prev: named.n, person });
  }
}

export async function randomHistory(seed: number): Promise<History> {
  const random = randomOf(seed);
  const { state, admins } = await makeCouncil();
  const author = new Author(state, Object.values(admins).slice(0, 2 + random(3)), random);
  const steps = 3 + random(8);
  for (let i = 0; i < steps; i++) await author.step();
  return { start: state, said: author.said, revocations: author.revocations };
}
