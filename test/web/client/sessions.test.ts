import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { fromBase64url, toBase64url } from "../../../protocol/bytes.ts";
import type { SessionRow } from "../../../protocol/contracts/sessions.ts";
import { assertedCodec, sessionCodec, type Asserted } from "../../../protocol/messages.ts";
import { digestOf } from "../../../protocol/signing.ts";
import { verifySessionEnd } from "../../../protocol/verify/session-end.ts";
import { Sessions } from "../../../web/client/sessions.ts";
import { TrustKeeper } from "../../../web/client/trust.ts";
import type { StoredSession } from "../../../web/client/vault.ts";
import type { SessionStep } from "../../../web/state/sessions.ts";
import { originFor, type SoftwareCredential } from "../../fixtures/authenticator.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { asserted, makeWorld, NOW, SIGNER_RP_ID, type World } from "../../fixtures/workspace.ts";
import { TrustEdge } from "./trust-edge.ts";

let world: World;
let edge: TrustEdge;
let keys: CryptoKeyPair;
let publicKey: string;
let own: { readonly row: SessionRow; readonly certificate: Asserted };
let left = 0;
beforeAll(async () => {
  world = await makeWorld();
  keys = (await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"])) as CryptoKeyPair;
  publicKey = toBase64url(new Uint8Array(await crypto.subtle.exportKey("raw", keys.publicKey)));
  own = await signIn("p-ada", world.people.ada.passkey, publicKey);
});
beforeEach(async () => {
  edge = await TrustEdge.open(world);
  left = 0;
});

async function signIn(person: string, passkey: SoftwareCredential, sessionKey: string) {
  const body = sessionCodec.encode({
    v: 1,
    workspace: world.workspace,
    sessionKey,
    origin: originFor(SIGNER_RP_ID),
    nonce: nonceOf(`sign-in of ${person}`),
    trustHead: world.state.head,
    iat: NOW - 100,
    exp: NOW + 3_600,
  });
  const certificate = await asserted(passkey, "session", { body });
  const row: SessionRow = {
    session: digestOf("session", body),
    person,
    certificate: toBase64url(assertedCodec.encode(certificate)),
    startedAt: NOW - 100,
    lastSeenAt: NOW - 2,
    expires: NOW + 3_600,
    origin: originFor(SIGNER_RP_ID),
    device: "Chromium on Linux",
    current: false,
  };
  return { row, certificate };
}

function desk(): Sessions {
  const deps = edge.deps();
  const stored: StoredSession = {
    keys,
    publicKey,
    certificate: own.certificate,
    digest: own.row.session,
    person: "p-ada",
    credentialId: own.certificate.assertion.credentialId,
    expires: NOW + 3_600,
  };
  return new Sessions({
    ...deps,
    trust: new TrustKeeper(deps),
    session: () => stored,
    onEnded: () => Promise.resolve(void (left += 1)),
    rpId: SIGNER_RP_ID,
    touch: ({ kind, body }) => asserted(world.people.ada.passkey, kind, { body }),
  });
}

async function lastStep(steps: AsyncIterable<SessionStep>): Promise<SessionStep["kind"] | undefined> {
  let last: SessionStep | undefined;
  for await (const step of steps) last = step;
  return last?.kind;
}

describe("open sessions", () => {
  it("are somebody's because their own sign-in says so", async () => {
    const otto = await signIn("p-otto", world.people.otto.passkey, nonceOf("key"));
    edge.sessions = [own.row, otto.row];
    const sessions = desk();
    await sessions.load();
    expect(sessions.list.value).toMatchObject({
      value: [
        { proof: { person: "p-ada", originClass: "signer" }, current: true },
        { proof: { person: "p-otto" }, current: false },
      ],
    });
  });

  it("are nobody's when the edge names somebody else, another session, or changed the sign-in", async () => {
    const otto = await signIn("p-otto", world.people.otto.passkey, nonceOf("key"));
    edge.sessions = [
      { ...otto.row, person: "p-ada" },
      { ...otto.row, session: nonceOf("another") },
      { ...otto.row, certificate: own.row.certificate },
      { ...otto.row, certificate: "AAAA" },
      { ...otto.row, origin: "https://evil.example" },
    ];
    const sessions = desk();
    await sessions.load();
    const { value } = sessions.list.value as { readonly value: readonly object[] };
    expect(value.filter((view) => "proof" in view)).toEqual([]);
    expect(await lastStep(sessions.end([otto.row.session]))).toBe("failed");
    expect(edge.ends).toEqual([]);
  });

  it("say which one is this page's, whatever the edge says", async () => {
    const otto = await signIn("p-otto", world.people.otto.passkey, nonceOf("key"));
    edge.sessions = [{ ...otto.row, current: true }, own.row];
    const sessions = desk();
    await sessions.load();
    expect(sessions.list.value).toMatchObject({ value: [{ current: false }, { current: true }] });
  });
});

describe("ending a session", () => {
  it("of one's own page takes its own key and no touch, and hosts take the word", async () => {
    edge.sessions = [own.row];
    const sessions = desk();
    await sessions.load();
    expect(await lastStep(sessions.end([own.row.session]))).toBe("done");
    expect(left).toBe(1);
    const [end] = edge.ends;
    if (end === undefined) throw new TypeError("nothing was sent");
    expect(end.by.kind).toBe("session");
    expect(await verifySessionEnd(end, { trust: world.state, now: NOW })).toMatchObject({ kind: "accepted" });
  });

  it("of somebody else takes an administrator's touch over exactly that session", async () => {
    const otto = await signIn("p-otto", world.people.otto.passkey, nonceOf("key"));
    edge.sessions = [own.row, otto.row];
    const sessions = desk();
    await sessions.load();
    expect(await lastStep(sessions.end([otto.row.session]))).toBe("done");
    expect(left).toBe(0);
    const [end] = edge.ends;
    if (end === undefined) throw new TypeError("nothing was sent");
    expect(end.by.kind).toBe("person");
    const verdict = await verifySessionEnd(end, { trust: world.state, now: NOW });
    expect(verdict).toMatchObject({ kind: "accepted", by: "p-ada", end: { session: otto.row.session } });
    expect(fromBase64url(end.body).length).toBeGreaterThan(0);
  });

  it("of several of one person takes one touch over exactly these", async () => {
    const ottos = await Promise.all(
      ["one", "two"].map((key) => signIn("p-otto", world.people.otto.passkey, nonceOf(key))),
    );
    const again = await signIn("p-ada", world.people.ada.passkey, nonceOf("elsewhere"));
    edge.sessions = [own.row, ...ottos.map(({ row }) => row), again.row];
    const sessions = desk();
    await sessions.load();
    const ids = ottos.map(({ row }) => row.session);
    expect(await lastStep(sessions.end(ids))).toBe("done");
    expect(left).toBe(0);
    expect(await lastStep(sessions.end([again.row.session, own.row.session]))).toBe("done");
    expect(left).toBe(1);
    const [others, mine] = edge.ends;
    if (others === undefined || mine === undefined || edge.ends.length !== 2) throw new TypeError("not two words");
    expect(await verifySessionEnd(others, { trust: world.state, now: NOW })).toMatchObject({
      kind: "accepted",
      by: "p-ada",
      ended: ids.toSorted().map((session) => ({ session })),
    });
    const verdict = await verifySessionEnd(mine, { trust: world.state, now: NOW });
    expect(verdict).toMatchObject({ kind: "accepted", end: { person: "p-ada" } });
    expect(verdict.kind === "accepted" && verdict.ended).toHaveLength(2);
  });

  it("of several is not asked for when one of them proves nothing", async () => {
    const otto = await signIn("p-otto", world.people.otto.passkey, nonceOf("key"));
    const second = await signIn("p-otto", world.people.otto.passkey, nonceOf("second"));
    edge.sessions = [own.row, otto.row, { ...second.row, certificate: own.row.certificate }];
    const sessions = desk();
    await sessions.load();
    expect(await lastStep(sessions.end([otto.row.session, second.row.session]))).toBe("failed");
    expect(edge.ends).toEqual([]);
  });
});
