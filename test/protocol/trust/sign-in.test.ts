import { describe, expect, it } from "vitest";
import { utf8 } from "../../../protocol/bytes.ts";
import type { Asserted } from "../../../protocol/messages.ts";
import { verifySignIn } from "../../../protocol/trust/sign-in.ts";
import { asserted, makeWorld } from "../../fixtures/workspace.ts";

const world = await makeWorld();
const signIn = (text: string): Promise<Asserted> => asserted(world.people.ada.passkey, "session", { body: utf8(text) });

describe("a sign-in that was verified before", () => {
  it("is what it was, for the same bytes and the same state", async () => {
    const bytes = await signIn("one");
    const first = await verifySignIn(world.state, bytes);
    expect(first.ok).toBe(true);
    expect(await verifySignIn(world.state, structuredClone(bytes))).toBe(first);
  });

  it("lends nothing to a sign-in that differs in any member", async () => {
    const bytes = await signIn("two");
    const other = await signIn("three");
    expect((await verifySignIn(world.state, bytes)).ok).toBe(true);
    expect(await verifySignIn(world.state, { ...bytes, body: other.body })).toMatchObject({ rule: "challenge" });
    for (const member of ["authenticatorData", "clientData", "signature", "credentialId"] as const) {
      const foreign = member === "credentialId" ? "AAAA" : other.assertion[member];
      if (foreign === bytes.assertion[member]) continue; // authenticator data holds nothing of the body
      const bent = { ...bytes, assertion: { ...bytes.assertion, [member]: foreign } };
      expect(await verifySignIn(world.state, bent), member).toMatchObject({ ok: false });
    }
  });

  it("is nothing to a state without its credential", async () => {
    const bytes = await signIn("four");
    expect((await verifySignIn(world.state, bytes)).ok).toBe(true);
    const without = { ...world.state, credentials: new Map() };
    expect(await verifySignIn(without, bytes)).toEqual({ ok: false, rule: "credential" });
  });

  it("is verified again when many others came after it", async () => {
    const bytes = await signIn("five");
    const first = await verifySignIn(world.state, bytes);
    for (let i = 0; i < 64; i++) await verifySignIn(world.state, await signIn(`other ${i}`));
    const again = await verifySignIn(world.state, bytes);
    expect(again).toEqual(first);
    expect(again).not.toBe(first);
  });
});
