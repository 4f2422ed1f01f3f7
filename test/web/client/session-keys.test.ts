import { describe, expect, it } from "vitest";
import type { Asserted } from "../../../protocol/messages.ts";
import { verifySignature, type Signer } from "../../../protocol/signing.ts";
import { SessionKeys, type OtherKeys } from "../../../web/client/session-keys.ts";
import { makeSessionKeys } from "../../../web/client/signer.ts";
import type { StoredSession, Vault } from "../../../web/client/vault.ts";

const touch = (name: string): Asserted => ({
  body: name,
  assertion: { credentialId: "c", clientData: "c", authenticatorData: "a", signature: "s" },
});

async function signedIn(): Promise<StoredSession> {
  const { keys, publicKey } = await makeSessionKeys();
  const rest = {
    certificate: touch("sign-in"),
    digest: "d".repeat(43),
    person: "p-ada",
    credentialId: "c",
    expires: 9,
  };
  return { keys, publicKey, ...rest };
}

/** A browser: what it keeps, and the key that signs its requests. */
function browser(kept = new Map<string, unknown>()) {
  const signing: { now: Signer | undefined; others: OtherKeys | undefined } = { now: undefined, others: undefined };
  const vault = {
    get: (key: string) => Promise.resolve(kept.get(key)),
    set: (key: string, value: unknown) => Promise.resolve(void kept.set(key, value)),
  } as unknown as Vault;
  const client = {
    use: (signer: Signer | undefined, others?: OtherKeys) => {
      [signing.now, signing.others] = [signer, others];
    },
  };
  return { keys: new SessionKeys({ vault, client }), signing, kept };
}

describe("the keys of one sign-in", () => {
  it("sign with the key that the accepted step-up named, and say which step-up that was", async () => {
    const session = await signedIn();
    const { keys, signing, kept } = browser();
    keys.enter(session);
    const offered = await keys.offer(session);
    expect(offered.successor).toEqual({ session: session.digest, key: offered.key.publicKey });
    await keys.sent(offered, touch("approval"));
    expect(signing.now?.publicKey).toBe(session.publicKey);
    await keys.accepted(offered);
    expect(signing.now?.publicKey).toBe(offered.key.publicKey);
    expect(keys.session.value?.successor).toEqual(touch("approval"));
    expect(kept.get("session")).toBe(keys.session.value);
    const body = new Uint8Array([1]);
    const signature = (await signing.now?.sign("request", body)) ?? "";
    expect(await verifySignature({ kind: "request", body, signature, publicKey: offered.key.publicKey })).toBe(true);
  });

  it("cannot be read out of the browser", async () => {
    const session = await signedIn();
    const { keys } = browser();
    keys.enter(session);
    const { key } = await keys.offer(session);
    expect(key.keys.privateKey.extractable).toBe(false);
  });

  it("survive a lost answer and a reload: the named key is tried when the edge refuses the one before", async () => {
    const session = await signedIn();
    const first = browser();
    first.keys.enter(session);
    const offered = await first.keys.offer(session);
    await first.keys.sent(offered, touch("approval"));
    const again = browser(first.kept);
    again.keys.enter(first.kept.get("session") as StoredSession);
    const others = await again.keys.besides(session.publicKey);
    expect(others.map(({ publicKey }) => publicKey)).toEqual([offered.key.publicKey]);
    await again.keys.adopted(offered.key.publicKey);
    expect(again.keys.session.value?.successor).toEqual(touch("approval"));
    expect(again.signing.now?.publicKey).toBe(offered.key.publicKey);
  });

  it("go back to the key before when the edge never took the newer one", async () => {
    const session = await signedIn();
    const { keys, signing } = browser();
    keys.enter(session);
    const offered = await keys.offer(session);
    await keys.sent(offered, touch("approval"));
    await keys.accepted(offered);
    const others = await keys.besides(offered.key.publicKey);
    expect(others.map(({ publicKey }) => publicKey)).toEqual([session.publicKey]);
    await keys.adopted(session.publicKey);
    expect(signing.now?.publicKey).toBe(session.publicKey);
    expect(keys.session.value?.successor).toBeUndefined();
  });

  it("learn of a key that another tab was given", async () => {
    const session = await signedIn();
    const one = browser();
    const other = browser(one.kept);
    one.keys.enter(session);
    other.keys.enter(session);
    const offered = await one.keys.offer(session);
    await one.keys.sent(offered, touch("approval"));
    await one.keys.accepted(offered);
    const others = await other.keys.besides(session.publicKey);
    expect(others.map(({ publicKey }) => publicKey)).toEqual([offered.key.publicKey]);
    await other.keys.adopted(offered.key.publicKey);
    expect(other.keys.session.value?.successor).toEqual(touch("approval"));
  });

  it("survive two lost answers in a row: neither named key is forgotten", async () => {
    const session = await signedIn();
    const { keys } = browser();
    keys.enter(session);
    const [first, second] = [await keys.offer(session), await keys.offer(session)];
    await keys.sent(first, touch("first"));
    await keys.sent(second, touch("second"));
    const others = await keys.besides(session.publicKey);
    expect(others.map(({ publicKey }) => publicKey)).toEqual([second.key.publicKey, first.key.publicKey]);
  });

  it("do not push out the key of another tab, and keep only the newest few", async () => {
    const session = await signedIn();
    const one = browser();
    const other = browser(one.kept);
    one.keys.enter(session);
    other.keys.enter(session);
    const theirs = await one.keys.offer(session);
    await one.keys.sent(theirs, touch("theirs"));
    await one.keys.accepted(theirs);
    await other.keys.sent(await other.keys.offer(session), touch("mine"));
    const kept = one.kept.get("session") as StoredSession;
    expect((kept.others ?? []).map(({ publicKey }) => publicKey)).toContain(theirs.key.publicKey);
    for (let more = 0; more < 9; more += 1) await other.keys.sent(await other.keys.offer(session), touch("more"));
    expect(other.keys.session.value?.others).toHaveLength(4);
  });

  it("forget a key whose approval was refused", async () => {
    const session = await signedIn();
    const { keys } = browser();
    keys.enter(session);
    const offered = await keys.offer(session);
    await keys.sent(offered, touch("approval"));
    await keys.dropped(offered);
    expect(await keys.besides(session.publicKey)).toEqual([]);
  });

  it("keep nothing of a sign-in that ended while they were written", async () => {
    const session = await signedIn();
    const { keys, kept } = browser();
    keys.enter(session);
    const writing = keys.sent(await keys.offer(session), touch("approval"));
    keys.leave();
    await writing;
    expect([kept.has("session"), keys.session.value]).toEqual([false, undefined]);
  });

  it("keep nothing once signed out, and nothing of another sign-in", async () => {
    const session = await signedIn();
    const { keys, kept } = browser();
    keys.enter(session);
    const offered = await keys.offer(session);
    keys.leave();
    await keys.sent(offered, touch("approval"));
    expect(kept.has("session")).toBe(false);
    expect(await keys.besides(session.publicKey)).toEqual([]);
    kept.set("session", { ...session, digest: "e".repeat(43), publicKey: "other" });
    keys.enter(session);
    expect(await keys.besides(session.publicKey)).toEqual([]);
  });
});
