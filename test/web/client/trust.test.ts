import { beforeAll, describe, expect, it } from "vitest";
import { applyStatement } from "../../../protocol/trust/apply.ts";
import type { TrustState } from "../../../protocol/trust/state.ts";
import { applyRoot } from "../../../protocol/trust/apply.ts";
import type { SignedStatement } from "../../../protocol/trust/statements.ts";
import { TrustKeeper } from "../../../web/client/trust.ts";
import { TroubleError } from "../../../web/client/trouble.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { makeWorld, stated, type World } from "../../fixtures/workspace.ts";
import { FarEnd } from "./far-end.ts";

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});

/** What a person reads, or the head that was believed. */
async function outcome(trust: TrustKeeper): Promise<string> {
  try {
    return (await trust.refresh()).head.hash;
  } catch (error) {
    if (error instanceof TroubleError) return `${error.trouble.code}: ${error.trouble.why ?? ""}`;
    throw error;
  }
}

const forked = (reason: string): string => `two_pasts: It does not follow from the pinned workspace (${reason}).`;

/** The state after the first `count` statements. */
async function stateAfter(count: number): Promise<TrustState> {
  const root = await applyRoot(world.root, { workspace: world.workspace });
  if (!root.ok) throw new Error(root.code);
  let { state } = root;
  for (const statement of world.statements.slice(0, count)) {
    const result = await applyStatement(state, statement);
    if (!result.ok) throw new Error(result.code);
    ({ state } = result);
  }
  return state;
}

/** Another statement, properly approved, in the place of the last one. */
async function other(): Promise<SignedStatement> {
  const state = await stateAfter(world.statements.length - 1);
  const body = { id: "p-eve", name: nonceOf("p-eve"), roles: ["viewer"] };
  return stated({ state, by: world.people.ada.passkey }, { kind: "person.add", body });
}

describe("the trust log in the browser", () => {
  it("is believed from the pinned workspace on, and kept as received", async () => {
    const far = new FarEnd(world);
    const trust = new TrustKeeper(far.deps());
    expect(await outcome(trust)).toBe(world.state.head.hash);
    expect(trust.page).toEqual(far.trust);
    expect(trust.applied).toHaveLength(world.statements.length);
    expect(far.kept.get("trustHead")).toEqual(world.state.head);
  });

  it("goes on where it was, in steps", async () => {
    const far = new FarEnd(world);
    const whole = far.trust.statements;
    far.trust = { root: world.root, statements: whole.slice(0, 2) };
    const trust = new TrustKeeper(far.deps());
    expect(await outcome(trust)).toBe((await stateAfter(2)).head.hash);
    far.trust = { root: world.root, statements: whole };
    expect(await outcome(trust)).toBe(world.state.head.hash);
    expect(trust.page.statements).toEqual(whole);
  });

  it("of a browser that pinned another workspace, or none, is not believed", async () => {
    const far = new FarEnd(world);
    far.kept.set("workspace", nonceOf("elsewhere"));
    expect(await outcome(new TrustKeeper(far.deps()))).toBe(forked("workspace"));
    far.kept.delete("workspace");
    expect(await outcome(new TrustKeeper(far.deps()))).toBe(forked("no workspace is pinned in this browser"));
  });

  it("without its root, with a statement out of place, or without an end is not believed", async () => {
    const far = new FarEnd(world);
    const { statements } = far.trust;
    far.trust = { statements };
    expect(await outcome(new TrustKeeper(far.deps()))).toBe(forked("the log has no root"));
    far.trust = { root: world.root, statements: statements.toSpliced(1, 1) };
    const bent = new TrustKeeper(far.deps());
    expect(await outcome(bent)).toBe(forked("place"));
    expect(bent.applied).toEqual([]); // of a page that does not verify, nothing stays
    far.trust = { root: world.root, statements };
    expect(await outcome(bent)).toBe(world.state.head.hash);
  });

  it("that is older than what this browser saw is refused, also after a reload", async () => {
    const far = new FarEnd(world);
    expect(await outcome(new TrustKeeper(far.deps()))).toBe(world.state.head.hash);
    far.trust = { root: world.root, statements: world.statements.slice(0, -1) };
    expect(await outcome(new TrustKeeper(far.deps()))).toBe(forked("it is older than before"));
    expect(far.kept.get("trustHead")).toEqual(world.state.head);
  });

  it("that is as long, and another, is refused: one of the two was kept from somebody", async () => {
    const far = new FarEnd(world);
    expect(await outcome(new TrustKeeper(far.deps()))).toBe(world.state.head.hash);
    far.trust = { root: world.root, statements: [...world.statements.slice(0, -1), await other()] };
    expect(await outcome(new TrustKeeper(far.deps()))).toBe(forked("it is another than before"));
    expect(far.kept.get("trustHead")).toEqual(world.state.head);
  });

  it("is forgotten at the end of a session, also while it is being read", async () => {
    const far = new FarEnd(world);
    const trust = new TrustKeeper(far.deps());
    await trust.refresh();
    const underway = trust.refresh();
    trust.forget();
    expect((await underway).head).toEqual(world.state.head); // read again, from the root
    expect(trust.page).toEqual(far.trust);
    expect(trust.applied).toHaveLength(world.statements.length);
  });
});
