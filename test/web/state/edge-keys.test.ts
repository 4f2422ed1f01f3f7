import { beforeAll, describe, expect, it } from "vitest";
import type { TrustState } from "../../../protocol/trust/state.ts";
import { keyStanding } from "../../../web/state/edge-keys.ts";
import { signerOf } from "../../fixtures/keys.ts";
import { applied, makeWorld, stated } from "../../fixtures/workspace.ts";

const keyOf = async (name: string): Promise<string> => (await signerOf(name)).publicKey;

let before: TrustState;
let after: TrustState;
let first: string;
let next: string;
beforeAll(async () => {
  const world = await makeWorld();
  before = world.state;
  first = before.dispatchKey;
  next = await keyOf("next dispatch");
  const by = world.people.ada.passkey;
  after = await applied(
    before,
    await stated({ state: before, by }, { kind: "dispatch-key.rotate", body: { key: next } }),
  );
});

describe("a key of the edge", () => {
  it("that was never in force waits", () => {
    const held = { dispatch: [first, next], ledger: [before.ledgerKey] };
    expect(keyStanding(before, held, "dispatch")).toEqual({
      named: first,
      isHeld: true,
      waiting: next,
      former: undefined,
    });
    expect(keyStanding(before, held, "ledger")).toEqual({
      named: before.ledgerKey,
      isHeld: true,
      waiting: undefined,
      former: undefined,
    });
  });

  it("that was in force is never offered again, whatever the edge says", () => {
    const held = { dispatch: [first, next], ledger: [before.ledgerKey] };
    expect(keyStanding(after, held, "dispatch")).toEqual({
      named: next,
      isHeld: true,
      waiting: undefined,
      former: first,
    });
  });

  it("that the log names and the edge lacks is said to be lacking; without an answer nothing is said", () => {
    const held = { dispatch: [first], ledger: [before.ledgerKey] };
    expect(keyStanding(after, held, "dispatch")).toMatchObject({ named: next, isHeld: false, waiting: undefined });
    expect(keyStanding(after, undefined, "dispatch")).toMatchObject({ named: next, isHeld: undefined });
  });
});
