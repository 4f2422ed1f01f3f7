/** A revoked administrator with an edge that delivers in any order: refused or frozen, never obeyed. */
import { describe, expect, it } from "vitest";
import { createCredential } from "../../fixtures/authenticator.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { hashOf, type Said } from "../../fixtures/team.ts";
import { SIGNER_RP_ID, type Member } from "../../fixtures/workspace.ts";
import { once } from "../rules/cases.ts";
import {
  harmless,
  hear,
  heard,
  makeCouncil,
  permutations,
  refusalOf,
  revoke,
  summaryOf,
  tell,
  type Council,
} from "./courses.ts";
import type { SignedStatement } from "../../../protocol/trust/statements.ts";
import type { TrustState } from "../../../protocol/trust/state.ts";

const council = once(makeCouncil);

/** Bea makes somebody administrator, unaware or pretending to be unaware that Ada has revoked her. */
async function puppetOf(made: Council, after: TrustState, knew: readonly SignedStatement[] = []) {
  const passkey = await createCredential({ rpId: SIGNER_RP_ID });
  const puppet: Member = { id: "p-puppet", passkey, daily: passkey };
  const body = { id: "p-puppet", name: nonceOf("puppet"), roles: ["admin"], credentials: [passkey.pinned] };
  const statement = await tell(made, { by: "bea", after, knew }, { kind: "person.add", body });
  return { puppet, statement };
}

describe("a statement of somebody revoked before", () => {
  it("freezes, whichever comes first, and ends by being dropped", async () => {
    const made = await council();
    const { state } = made;
    const revocation = await tell(made, { by: "ada", after: state }, revoke("bea"));
    const { statement } = await puppetOf(made, state);
    const both = [await hear(state, [revocation, statement]), await hear(state, [statement, revocation])];
    for (const one of both) {
      expect(one.frozen).toMatchObject({ reason: "revoked_author", place: state.head.n + 1, mine: hashOf(statement) });
      expect(summaryOf(one)).toEqual(summaryOf(both[0] ?? one));
    }
    const [frozen] = both;
    if (frozen === undefined) throw new TypeError();
    const body = { keep: state.head.hash, drop: hashOf(statement) };
    const resolve = { kind: "fork.resolve", body } as const;
    const end = await tell(made, { by: "cyd", after: state, knew: [revocation] }, resolve);
    const after = await heard(frozen, end);
    expect(after.frozen).toBeUndefined();
    expect(after.people.has("p-puppet")).toBe(false);
    expect(after.people.has("p-bea")).toBe(false);
    expect(await refusalOf(after, statement)).toBe("ok"); // held aside, and nothing more
  });

  it("does not thaw by a counter-revocation that the statement knew", async () => {
    const made = await council();
    const { state } = made;
    const revocation = await tell(made, { by: "ada", after: state }, revoke("bea"));
    const counter = await tell(made, { by: "bea", after: state }, revoke("ada"));
    const { puppet, statement } = await puppetOf(made, state, [counter]);
    const withPuppet = await hear(state, [counter, statement]);
    const more = await tell(made, { by: puppet, after: withPuppet, knew: [counter] }, harmless());
    const course = [revocation, counter, statement, more];
    const results = [];
    for (const order of permutations(course)) results.push(await hear(state, order));
    expect(new Set(results.map((one) => one.frozen === undefined))).toEqual(new Set([false]));
    expect(new Set(results.map((one) => JSON.stringify(summaryOf(one)))).size).toBe(1);
  });

  it("does not thaw by somebody whom it added, who knew the revocation", async () => {
    const made = await council();
    const { state } = made;
    const revocation = await tell(made, { by: "ada", after: state }, revoke("bea"));
    const { puppet, statement } = await puppetOf(made, state);
    const withPuppet = await heard(state, statement);
    const more = await tell(made, { by: puppet, after: withPuppet, knew: [revocation] }, harmless());
    const resolve = { kind: "fork.resolve", body: { keep: hashOf(statement) } } as const;
    const vouch = await tell(made, { by: puppet, after: withPuppet, knew: [revocation] }, resolve);
    for (const order of permutations([revocation, statement, more]))
      expect((await hear(state, order)).frozen).toBeDefined();
    for (const order of permutations([revocation, statement, vouch]))
      expect((await hear(state, order)).frozen).toBeDefined();
    const early = await hear(state, [
      statement,
      await tell(made, { by: puppet, after: withPuppet }, resolve),
      revocation,
    ]);
    expect(early.frozen).toBeDefined();
  });

  it("is kept when others, who were in charge before it, say so", async () => {
    const made = await council();
    const { state } = made;
    const revocation = await tell(made, { by: "ada", after: state }, revoke("bea"));
    const statement = await tell(made, { by: "bea", after: state }, harmless());
    const frozen = await hear(state, [revocation, statement]);
    const resolve = { kind: "fork.resolve", body: { keep: hashOf(statement) } } as const;
    const kept = await heard(frozen, await tell(made, { by: "cyd", after: frozen, knew: [revocation] }, resolve));
    expect(kept.frozen).toBeUndefined();
    expect(kept.people.has("p-bea")).toBe(false);
    expect(kept.head.n).toBe(state.head.n + 2);
  });
});

describe("a history dropped by somebody whom it revokes", () => {
  it("freezes once it is heard, whatever of it came first, and ends by others", async () => {
    const made = await council();
    const { state } = made;
    const first = await tell(made, { by: "cyd", after: state }, harmless());
    const there = await heard(state, first);
    const hiding = await tell(made, { by: "bea", after: there }, harmless());
    const more = await tell(made, { by: "cyd", after: there }, harmless());
    const revocation = await tell(made, { by: "ada", after: await heard(there, more) }, revoke("bea"));
    const body = { keep: state.head.hash, drop: hashOf(first) };
    const drop = await tell(made, { by: "bea", after: state }, { kind: "fork.resolve", body });
    const behind = await heard(state, drop);
    expect(behind.frozen).toBeUndefined();
    const results = [];
    for (const order of permutations([first, hiding, more, revocation])) results.push(await hear(behind, order));
    expect(new Set(results.map(({ frozen }) => frozen?.other))).toEqual(new Set([hashOf(first)]));
    expect(new Set(results.map((one) => JSON.stringify(summaryOf(one)))).size).toBe(1);
    const again = { kind: "fork.resolve", body: { keep: hashOf(drop), drop: hashOf(first) } } as const;
    const end = await tell(made, { by: "eve", after: behind, knew: [] }, again);
    for (const one of results) {
      const after = await heard(one, end);
      expect(after.frozen).toBeUndefined();
      expect(after.people.has("p-bea")).toBe(false);
    }
  });

  it("freezes where they could not before the two parted", async () => {
    const made = await council();
    const assign = (held: string[]): Said<"role.assign"> => ({
      kind: "role.assign",
      body: { person: "p-eve", roles: held },
    });
    const parting = await heard(made.state, await tell(made, { by: "ada", after: made.state }, assign([])));
    const theirs = await tell(made, { by: "cyd", after: parting, at: parting.chain.at + 9 }, assign(["admin"]));
    const given = await heard(parting, await tell(made, { by: "bea", after: parting }, assign(["admin"])));
    const ours = await heard(given, await tell(made, { by: "bea", after: given }, harmless()));
    const body = { keep: ours.head.hash, drop: hashOf(theirs) };
    const dropping = await heard(ours, await tell(made, { by: "eve", after: ours }, { kind: "fork.resolve", body }));
    expect(dropping.chain.dropped.has(hashOf(theirs))).toBe(true);
    expect((await heard(dropping, theirs)).frozen).toMatchObject({ reason: "fork", place: parting.head.n + 1 });
  });

  it("freezes where ours gave them what a revocation names", async () => {
    const made = await council();
    const { state } = made;
    const again: Said<"role.assign"> = { kind: "role.assign", body: { person: "p-eve", roles: ["admin"] } };
    const mine = await tell(made, { by: "bea", after: state }, again);
    const ours = await heard(state, mine);
    const theirs = await tell(made, { by: "cyd", after: state }, harmless());
    const body = { keep: ours.head.hash, drop: hashOf(theirs) };
    const drop = await tell(made, { by: "eve", after: ours }, { kind: "fork.resolve", body });
    const dropping = await hear(ours, [drop, theirs]);
    expect(dropping.frozen).toBeUndefined();
    const revocation = await tell(
      made,
      { by: "ada", after: ours },
      { kind: "role.revoke", body: { grant: hashOf(mine) } },
    );
    expect((await heard(dropping, revocation)).frozen).toMatchObject({ reason: "fork", place: state.head.n + 1 });
  });
});

describe("a host that was held back, and somebody who revokes whoever was to revoke them", () => {
  /** Cyd's history, in which Ada revokes Bea; `forgets`: it knew a revocation by Ada that Bea's disowns. */
  async function honestly(made: Council, forgets: boolean) {
    const { state } = made;
    const earlier = forgets ? [await tell(made, { by: "ada", after: state }, revoke("eve"))] : [];
    const first = await tell(made, { by: "cyd", after: state, knew: earlier }, harmless());
    const there = await hear(state, [...earlier, first]);
    const revocation = await tell(made, { by: "ada", after: there }, revoke("bea"));
    return { first, honest: [...earlier, first, revocation], there: await heard(there, revocation) };
  }

  for (const [name, forgets, drops] of [
    ["dropping it", false, true],
    ["going on beside it", true, false],
    ["dropping it, with a revocation that it knew and theirs disowns", true, true],
  ] as const) {
    it(`freezes at most, ${name}, whatever came first, and ends by others`, async () => {
      const made = await council();
      const { state } = made;
      const { first, honest, there } = await honestly(made, forgets);
      const counter = await tell(made, { by: "bea", after: state }, revoke("ada"));
      const resolve = { kind: "fork.resolve", body: { keep: state.head.hash, drop: hashOf(first) } } as const;
      const mine = await tell(made, { by: "bea", after: state, knew: [counter] }, drops ? resolve : harmless());
      const results: TrustState[] = [];
      for (const order of permutations([counter, mine, ...honest])) results.push(await hear(state, order));
      expect(results.map(({ frozen }) => frozen?.reason)).toEqual(results.map(() => "fork"));
      const chains = Map.groupBy(results, ({ head }) => head.hash);
      for (const alike of chains.values())
        expect(new Set(alike.map((one) => JSON.stringify(summaryOf(one)))).size).toBe(1);
      const dropping = { kind: "fork.resolve", body: { keep: hashOf(first), drop: hashOf(mine) } } as const;
      const knew = honest.filter((one) => one !== first);
      const end = await tell(made, { by: "cyd", after: there, knew }, dropping);
      for (const one of results) {
        const after = await heard(one, end);
        expect(after.frozen).toBeUndefined();
        expect(after.chain.previous?.hash).toBe(hashOf(first));
        expect(after.people.has("p-bea")).toBe(false);
      }
    });
  }

  it("stays frozen whatever they resolve, and whatever they let it hold first", async () => {
    const made = await council();
    const { state } = made;
    const { honest } = await honestly(made, false);
    const counter = await tell(made, { by: "bea", after: state }, revoke("ada"));
    const knew = [counter];
    const mine = await tell(made, { by: "bea", after: state, knew }, harmless());
    const own = await tell(made, { by: "bea", after: state, knew }, harmless());
    const behind = await hear(state, [counter, mine, own]);
    const told = await hear(behind, honest);
    const resolve = { kind: "fork.resolve", body: { keep: hashOf(mine), drop: hashOf(own) } } as const;
    const end = await tell(made, { by: "bea", after: behind, knew }, resolve);
    expect((await heard(told, end)).frozen).toBeDefined();
    const early = await heard(behind, end);
    expect(early.frozen).toBeUndefined();
    expect((await hear(early, honest)).frozen).toBeDefined();
  });
});
