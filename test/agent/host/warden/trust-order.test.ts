/**
 * Revocations, forks and the order of things, at the file of the host: whatever order an edge, a person with a file, or
 * chance delivers in, the same revocations and the same chain give the same state, and a restart gives it again.
 */
import fc from "fast-check";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TrustStore } from "../../../../agent/host/warden/trust-store.ts";
import { fromBase64url } from "../../../../protocol/bytes.ts";
import { digestOf } from "../../../../protocol/signing.ts";
import type { TrustState } from "../../../../protocol/trust/state.ts";
import type { SignedStatement, StatementKind } from "../../../../protocol/trust/statements.ts";
import { nonceOf } from "../../../fixtures/keys.ts";
import { applied, stated, type Name, type World } from "../../../fixtures/workspace.ts";
import { temporary, theWorld } from "./rig.ts";

let world: World;
/** Three administrators: Ada, Otto and Vera. */
let base: TrustState;
const before: SignedStatement[] = [];
let directory: string;
let path: string;

beforeAll(async () => {
  world = await theWorld();
  base = world.state;
  for (const person of ["p-otto", "p-vera"]) {
    const promoting = await say(base, "ada", { kind: "role.assign", body: { person, roles: ["admin"] } });
    base = await applied(base, promoting);
    before.push(promoting);
  }
});
beforeEach(() => {
  directory = temporary();
  path = join(directory, "trust.jsonl");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A statement by somebody who knows all that `state` knows. */
async function say<K extends StatementKind>(
  state: TrustState,
  who: Name,
  what: Parameters<typeof stated<K>>[1],
): Promise<SignedStatement> {
  const signed = await stated({ state, by: world.people[who].passkey }, what);
  if (what.kind.endsWith(".revoke")) return signed;
  const knew = [...state.revocations.keys()].filter((digest) => !state.chain.knew.has(digest));
  return knew.length === 0 ? signed : { ...signed, knew };
}

const digest = ({ statement }: SignedStatement): string => digestOf("statement", fromBase64url(statement));
const open = (): Promise<TrustStore> => TrustStore.open({ path, pin: { workspace: world.workspace } });

async function opened(): Promise<TrustStore> {
  const store = await open();
  await store.accept({ root: world.root, statements: [...world.statements, ...before] });
  expect(store.state).toEqual(base);
  return store;
}

/** Everything that decides whom the host obeys. */
function whatCounts(state: TrustState | undefined): unknown {
  const { head, frozen, people, credentials, hosts, roles, origins, automationKeys, policies } = state ?? base;
  return { head, frozen, people, credentials, hosts, roles, origins, automationKeys, policies };
}

/** Hands all in, in this order, again and again until nothing is new: as a courier does who is asked for more. */
async function deliver(store: TrustStore, statements: readonly SignedStatement[]): Promise<void> {
  for (;;) {
    let added = 0;
    for (const statement of statements) added += (await store.accept({ statements: [statement] })).added;
    if (added === 0) return;
  }
}

/** Some weeks of a workspace: changes and revocations as one honest edge took them. */
async function history(moves: readonly Move[]): Promise<{ state: TrustState; statements: SignedStatement[] }> {
  let state = base;
  const statements: SignedStatement[] = [];
  for (const [i, move] of moves.entries()) {
    const what =
      move.what === "change"
        ? { kind: "role.assign" as const, body: { person: "p-scot", roles: i % 2 === 0 ? ["viewer"] : [] } }
        : { kind: "person.revoke" as const, body: { person: `p-${move.whom}` } };
    const said = await say(state, move.who, what);
    try {
      state = await applied(state, said);
      statements.push(said);
    } catch {
      continue; // whoever was revoked says nothing any more
    }
  }
  return { state, statements };
}

interface Move {
  readonly what: "change" | "revoke";
  readonly who: Name;
  readonly whom: Name;
}
const admins: readonly Name[] = ["ada", "otto", "vera"];
const move: fc.Arbitrary<Move> = fc.record({
  what: fc.constantFrom("change", "revoke"),
  who: fc.constantFrom(...admins),
  whom: fc.constantFrom<Name[]>("otto", "vera", "nora", "scot"),
});

describe("any order of delivery", () => {
  it("gives the same head and the same authority, and so does the next start", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(move, { minLength: 2, maxLength: 7 }),
        fc.infiniteStream(fc.nat()),
        async (moves, dice) => {
          const { state, statements } = await history(moves);
          rmSync(path, { force: true });
          const store = await opened();
          await deliver(store, shuffled(statements, dice));
          expect(whatCounts(store.state)).toEqual(whatCounts(state));
          const left = store.state;
          store.close();
          const again = await open();
          expect(again.state).toEqual(left);
          again.close();
        },
      ),
      { numRuns: 12 },
    );
  });
});

function shuffled<T>(items: readonly T[], dice: fc.Stream<number>): T[] {
  const left = [...items];
  return items.flatMap(() => left.splice((dice.next().value ?? 0) % left.length, 1));
}

describe("revocations between statements", () => {
  it("are taken from one page, each after the head that it names", async () => {
    const revoking = await say(base, "ada", { kind: "person.revoke", body: { person: "p-vera" } });
    const then = await applied(base, revoking);
    const next = await say(then, "otto", { kind: "role.assign", body: { person: "p-scot", roles: [] } });
    const store = await opened();
    expect(await store.accept({ statements: [revoking, next] })).toEqual({ added: 2, refusal: undefined });
    expect(store.state).toEqual(await applied(then, next));
    expect(await store.accept({ statements: [revoking, next] })).toEqual({ added: 0, refusal: undefined });
    store.close();
  });

  it("are missed when a statement knew one that never came, and nothing else is lost", async () => {
    const revoking = await say(base, "ada", { kind: "person.revoke", body: { person: "p-vera" } });
    const then = await applied(base, revoking);
    const next = await say(then, "otto", { kind: "role.assign", body: { person: "p-scot", roles: [] } });
    const store = await opened();
    expect(await store.accept({ statements: [next] })).toEqual({
      added: 0,
      refusal: undefined,
      passedOver: "revocations",
    });
    expect(await store.accept({ statements: [revoking, next] })).toEqual({ added: 2, refusal: undefined });
    store.close();
  });

  it("of somebody who was revoked before them count for nothing, and are no violation", async () => {
    const late = await say(base, "vera", { kind: "person.revoke", body: { person: "p-otto" } });
    const revoking = await say(base, "ada", { kind: "person.revoke", body: { person: "p-vera" } });
    const then = await applied(base, revoking);
    const next = await say(then, "ada", { kind: "role.assign", body: { person: "p-scot", roles: [] } });
    const store = await opened();
    await store.accept({ statements: [revoking, next] });
    expect(await store.accept({ statements: [late] })).toEqual({ added: 1, refusal: undefined }); // held, and nothing more
    expect(store.state?.people.has("p-otto")).toBe(true);
    expect(store.state?.revocations.has(digest(late))).toBe(false);
    expect(await store.accept({ statements: [late] })).toEqual({ added: 0, refusal: undefined, passedOver: "exists" });
    store.close();
  });
});

describe("two histories", () => {
  const mineOf = (): Promise<SignedStatement> =>
    say(base, "ada", { kind: "role.assign", body: { person: "p-scot", roles: [] } });
  const theirsOf = (): Promise<SignedStatement> =>
    say(base, "otto", { kind: "role.assign", body: { person: "p-nora", roles: ["operator"] } });

  async function frozen(): Promise<{ store: TrustStore; mine: SignedStatement; theirs: SignedStatement }> {
    const [mine, theirs] = [await mineOf(), await theirsOf()];
    const store = await opened();
    await store.accept({ statements: [mine] });
    expect(await store.accept({ statements: [theirs] })).toEqual({ added: 1, refusal: undefined });
    expect(store.state?.frozen).toEqual({
      reason: "fork",
      place: base.head.n + 1,
      mine: digest(mine),
      other: digest(theirs),
    });
    return { store, mine, theirs };
  }

  it("freeze the host, over every start", async () => {
    const { store, mine, theirs } = await frozen();
    const left = store.state;
    expect(left?.head.n).toBe(base.head.n + 1);
    expect(await store.accept({ statements: [mine, theirs] })).toEqual({ added: 0, refusal: undefined });
    store.close();
    const again = await open();
    expect(again.state).toEqual(left);
    const more = await say({ ...(again.state ?? base), revocations: new Map() }, "ada", {
      kind: "role.assign",
      body: { person: "p-scot", roles: ["viewer"] },
    });
    // It is part of the history, which is still frozen: a resolution may stand on it.
    expect(await again.accept({ statements: [more] })).toEqual({ added: 1, refusal: undefined });
    expect(again.state?.frozen).toEqual(left?.frozen);
    again.close();
  });

  it("leave revocations in force, from either history", async () => {
    const { store, theirs } = await frozen();
    const there = await applied(base, theirs);
    const revoking = await say(there, "ada", { kind: "person.revoke", body: { person: "p-nora" } });
    expect(await store.accept({ statements: [revoking] })).toEqual({ added: 1, refusal: undefined });
    expect(store.state?.revocations.size).toBe(1);
    expect(store.state?.frozen?.reason).toBe("fork");
    const left = store.state;
    store.close();
    const again = await open();
    expect(again.state).toEqual(left);
    again.close();
  });

  it.each(["mine", "theirs"] as const)("end with a resolution that keeps %s, over every start", async (kept) => {
    const { store, mine, theirs } = await frozen();
    const [keep, drop] = kept === "mine" ? [mine, theirs] : [theirs, mine];
    const there = await applied(base, keep);
    const resolving = await say(there, "ada", {
      kind: "fork.resolve",
      body: { keep: digest(keep), drop: digest(drop) },
    });
    expect(await store.accept({ statements: [resolving] })).toEqual({ added: 1, refusal: undefined });
    expect(store.state?.frozen).toBeUndefined();
    expect(whatCounts(store.state)).toEqual(whatCounts(await applied(there, resolving)));
    // The dropped history stays dropped.
    expect(await store.accept({ statements: [drop] })).toEqual({ added: 0, refusal: undefined });
    expect(store.state?.frozen).toBeUndefined();
    const left = store.state;
    store.close();
    const again = await open();
    expect(again.state).toEqual(left);
    again.close();
  });

  it("are not made by a sibling that is not even valid", async () => {
    const store = await opened();
    await store.accept({ statements: [await mineOf()] });
    const invalid = await say(base, "nora", { kind: "role.assign", body: { person: "p-nora", roles: ["admin"] } });
    expect(await store.accept({ statements: [invalid] })).toEqual({
      added: 0,
      refusal: undefined,
      passedOver: "place",
    });
    expect(store.state?.frozen).toBeUndefined();
    store.close();
  });

  it("are not made by the same statement in other clothes", async () => {
    const mine = await mineOf();
    const store = await opened();
    await store.accept({ statements: [mine] });
    expect(await store.accept({ statements: [{ ...mine, knew: [nonceOf("unknown")] }] })).toEqual({
      added: 0,
      refusal: undefined,
    });
    store.close();
  });
});

describe("a revoked author", () => {
  it("who went on freezes the host, whichever came first", async () => {
    const revoking = await say(base, "ada", { kind: "person.revoke", body: { person: "p-otto" } });
    const going = await say(base, "otto", { kind: "role.assign", body: { person: "p-scot", roles: ["admin"] } });
    for (const order of [
      [revoking, going],
      [going, revoking],
    ]) {
      rmSync(path, { force: true });
      const store = await opened();
      await deliver(store, order);
      expect(store.state?.frozen).toEqual({
        reason: "revoked_author",
        place: base.head.n + 1,
        mine: digest(going),
        other: digest(revoking),
      });
      store.close();
      const again = await open();
      expect(again.state?.frozen?.reason).toBe("revoked_author");
      again.close();
    }
  });
});

describe("the file", () => {
  it("cut after any line is the state of that moment", async () => {
    const revoking = await say(base, "ada", { kind: "person.revoke", body: { person: "p-vera" } });
    const then = await applied(base, revoking);
    const next = await say(then, "otto", { kind: "role.assign", body: { person: "p-scot", roles: [] } });
    const other = await say(then, "ada", { kind: "role.assign", body: { person: "p-scot", roles: ["viewer"] } });
    const states: (TrustState | undefined)[] = [];
    const store = await opened();
    const start = readFileSync(path, "utf8").trimEnd().split("\n").length;
    states.push(store.state);
    for (const statement of [revoking, next, other]) {
      await store.accept({ statements: [statement] });
      states.push(store.state);
    }
    store.close();
    const lines = readFileSync(path, "utf8").trimEnd().split("\n");
    expect(lines).toHaveLength(start + 3);
    for (const [i, state] of states.entries()) {
      writeFileSync(path, `${lines.slice(0, start + i).join("\n")}\n{"appro`);
      const again = await open();
      expect(again.state).toEqual(state);
      again.close();
    }
  });
});
