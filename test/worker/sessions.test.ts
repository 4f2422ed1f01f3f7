/** Open sign-ins: who sees them, who ends them, who hears of it, and the key that follows a step-up. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { LIVE_SUBPROTOCOL, TICKET_SUBPROTOCOL_PREFIX } from "../../protocol/contracts.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import { MAX_BODY_BYTES, MAX_FRAME_BYTES } from "../../protocol/limits.ts";
import { submissionCodec, type Asserted, type SignedSessionEnd } from "../../protocol/messages.ts";
import { digestOf, type Signer } from "../../protocol/signing.ts";
import type { SoftwareCredential } from "../fixtures/authenticator.ts";
import { HostPeer, type Tunnel } from "../fixtures/edge/host-peer.ts";
import type { EdgePage } from "../fixtures/edge/page.ts";
import { addMember, signInMember, type Member, type SignedIn } from "../fixtures/edge/people.ts";
import { Town } from "../fixtures/edge/town.ts";
import { signerOf } from "../fixtures/keys.ts";
import { asserted, type Fields } from "../fixtures/workspace.ts";
import { edge, fresh, ledgerBodies, now, send, settled } from "./client.ts";
import { env } from "./environment.ts";

const ORIGIN = "http://clawhold.localhost:8443";

let town: Town;
let vera: Member;
beforeAll(async () => {
  town = await Town.at(edge);
  vera = await addMember(town, "p-vera", ["viewer"]);
});

async function admitted(name: string): Promise<{ readonly peer: HostPeer; readonly tunnel: Tunnel }> {
  const peer = await HostPeer.at(edge, name, town.workspace);
  await peer.join();
  await town.admit(peer);
  return { peer, tunnel: await peer.open((await town.trust()).head) };
}

const rowsOf = async (page: EdgePage): Promise<readonly Fields[]> =>
  (await page.must("sessions"))["sessions"] as readonly Fields[];

const endBody = (of: SignedIn, change: Fields = {}): Uint8Array =>
  encodeCanonical({ v: 1, workspace: town.workspace, session: of.session, person: of.id, at: now(), ...change });

async function endByKey(of: SignedIn, signer: Signer = of.page.signer, change: Fields = {}): Promise<SignedSessionEnd> {
  const body = endBody(of, change);
  const signature = await signer.sign("session-end", body);
  return { body: toBase64url(body), session: of.certificate, by: { kind: "session", signature } };
}

async function endByTouch(of: SignedIn, by: SoftwareCredential, change: Fields = {}): Promise<SignedSessionEnd> {
  const body = endBody(of);
  const approval = encodeCanonical({
    v: 1,
    workspace: town.workspace,
    kind: "session-end",
    subject: digestOf("session-end", body),
    decision: "approve",
    at: now(),
    ...change,
  });
  return {
    body: toBase64url(body),
    session: of.certificate,
    by: { kind: "person", approval: await asserted(by, "approval", { body: approval }) },
  };
}

async function watch(page: EdgePage, host: string): Promise<{ readonly closed: Promise<number> }> {
  const ticket = String((await page.must("ticket", { body: { host } }))["ticket"]);
  const protocols = `${LIVE_SUBPROTOCOL}, ${TICKET_SUBPROTOCOL_PREFIX}${ticket}`;
  const headers = { upgrade: "websocket", origin: ORIGIN, "sec-websocket-protocol": protocols };
  const { webSocket } = await send("web", new Request(`${ORIGIN}/api/hosts/${host}/live`, { headers }));
  const closed = new Promise<number>((resolve) => {
    webSocket?.addEventListener("close", ({ code }) => resolve(code));
  });
  webSocket?.accept();
  return { closed };
}

describe("the list", () => {
  it("is one's own, and everybody's for an administrator, with device and place", async () => {
    const one = await signInMember(town, vera, "session vera");
    const mine = await rowsOf(one.page);
    expect(mine).toMatchObject([{ session: one.session, person: "p-vera", current: true, origin: ORIGIN }]);
    expect(mine[0]).toMatchObject({ certificate: expect.any(String), device: "Unknown device" });
    const all = await rowsOf(town.page);
    expect(all.map(({ person }) => person)).toEqual(["p-ada", "p-vera"]);
    expect(all[0]).toMatchObject({ current: true, source: { value: "203.0.113.7" } });
    await one.page.must("signOut");
    expect(await rowsOf(town.page)).toHaveLength(1);
  });

  it("lacks the address once it is erased", async () => {
    const one = await signInMember(town, vera);
    await env.DB.prepare("DELETE FROM ledger_values").run();
    expect((await rowsOf(one.page))[0]).not.toHaveProperty("source");
    await one.page.must("signOut");
  });
});

describe("the end of a session", () => {
  it("by its own key is recorded and heard by hosts at once, and later by those that were away", async () => {
    const { peer, tunnel } = await admitted("hearing ends");
    const away = await admitted("away");
    away.tunnel.socket.close(1000);
    const one = await signInMember(town, vera, "session vera");
    const end = await endByKey(one);
    expect((await one.page.call("sessionEnd", { body: end })).status).toBe(200);
    expect(one.page.cookie).toBeUndefined();
    await settled();
    expect(await tunnel.next("session-end")).toEqual({ kind: "session-end", end });
    expect((await ledgerBodies(town.workspace)).at(-1)).toMatchObject({
      actor: { kind: "person", id: "p-vera" },
      action: "session.revoked",
      target: "p-vera",
      detail: { session: one.session },
    });
    await evictDurableObject(env.SESSIONS.getByName(town.workspace));
    const back = await away.peer.open((await town.trust()).head);
    expect(await back.next("session-end")).toEqual({ kind: "session-end", end });
    // Not for ever: a host refuses a sign-in by its own end then.
    await runInDurableObject(
      env.SESSIONS.getByName(town.workspace),
      (_, state) => void state.storage.sql.exec("UPDATE session_ends SET until = ?", now() - 1),
    );
    tunnel.socket.close(1000);
    const again = await peer.open((await town.trust()).head);
    again.say({ kind: "trust-want" });
    await again.next("trust");
    expect(again.heard.some(({ kind }) => kind === "session-end")).toBe(false);
  });

  it("by an administrator's touch ends somebody else's, at once", async () => {
    const one = await signInMember(town, vera, "session vera");
    expect((await town.page.call("sessionEnd", { body: await endByTouch(one, town.founded.passkey) })).status).toBe(
      200,
    );
    expect((await one.page.call("me")).code).toBe("unauthenticated");
    // Twice is no mistake.
    expect((await town.page.call("sessionEnd", { body: await endByTouch(one, town.founded.passkey) })).status).toBe(
      200,
    );
  });

  it("is refused from somebody who may not, over something else, or brought by another", async () => {
    const one = await signInMember(town, vera, "session vera");
    const ada = { id: "p-ada", passkey: town.founded.passkey, session: town.founded.session, page: town.page };
    const owner: SignedIn = { ...ada, certificate: (await town.certificate()) as Asserted };
    const stranger = await signerOf("stranger");
    const cases: readonly (readonly [string, EdgePage, SignedSessionEnd])[] = [
      ["role", one.page, await endByTouch(owner, vera.passkey)],
      ["session_key", one.page, await endByKey(one, stranger)],
      ["session_key", one.page, await endByKey(owner, one.page.signer)],
      ["session_key", one.page, await endByKey(one, one.page.signer, { session: fresh() })],
      ["people", one.page, await endByKey(one, one.page.signer, { person: "p-ada" })],
      ["workspace", one.page, await endByKey(one, one.page.signer, { workspace: fresh() })],
      ["approval_subject", town.page, await endByTouch(one, town.founded.passkey, { subject: fresh() })],
      ["approval_subject", town.page, await endByTouch(one, town.founded.passkey, { workspace: fresh() })],
      ["people", town.page, await endByKey(one)],
    ];
    for (const [code, page, body] of cases) expect((await page.call("sessionEnd", { body })).code).toBe(code);
    expect((await one.page.call("me")).status).toBe(200);
    await one.page.must("signOut");
  });
});

describe("the end of a session of somebody else", () => {
  /** The bytes of another person's sign-in, which an export shows, touched by oneself: it names nobody. */
  const signedAgain = async (of: SignedIn, by: Member): Promise<SignedIn> => ({
    ...of,
    ...by,
    certificate: await asserted(by.passkey, "session", { body: fromBase64url(of.certificate.body) }),
  });

  it("is refused from whoever signs its bytes again as their own, and only that is written", async () => {
    const [quinn, rosa] = [await addMember(town, "p-quinn", ["viewer"]), await addMember(town, "p-rosa", ["viewer"])];
    const victim = await signInMember(town, quinn, "session quinn");
    const one = await signInMember(town, rosa, "session rosa");
    const body = await endByTouch(await signedAgain(victim, rosa), rosa.passkey);
    const before = (await ledgerBodies(town.workspace)).length;
    expect((await one.page.call("sessionEnd", { body })).code).toBe("people");
    expect((await ledgerBodies(town.workspace)).slice(before)).toMatchObject([
      { actor: { kind: "person", id: "p-rosa" }, action: "approval.refused", detail: { code: "people" } },
    ]);
    expect((await victim.page.call("me")).status).toBe(200);
    for (const { page } of [victim, one]) await page.must("signOut");
  });
});

describe("the end of several sessions", () => {
  const several = async (of: readonly SignedIn[], by: SoftwareCredential): Promise<SignedSessionEnd> => {
    const [first, ...rest] = of.toSorted((a, b) => (a.session < b.session ? -1 : 1));
    if (first === undefined) throw new TypeError("no session");
    const { session: _one, ...whole } = JSON.parse(new TextDecoder().decode(endBody(first))) as Fields;
    const body = encodeCanonical({ ...whole, sessions: [first, ...rest].map(({ session }) => session) });
    const approval = encodeCanonical({
      v: 1,
      workspace: town.workspace,
      kind: "session-end",
      subject: digestOf("session-end", body),
      decision: "approve",
      at: now(),
    });
    return {
      body: toBase64url(body),
      session: first.certificate,
      others: rest.map(({ certificate }) => certificate),
      by: { kind: "person", approval: await asserted(by, "approval", { body: approval }) },
    };
  };
  const open = async (member: Member, count: number): Promise<readonly SignedIn[]> =>
    Promise.all(Array.from({ length: count }, (_, i) => signInMember(town, member, `${member.id} ${i}`)));

  it("of one person takes one touch: each is recorded and closed, and hosts hear one word", async () => {
    const { peer, tunnel } = await admitted("hearing several");
    const mona = await addMember(town, "p-mona", ["viewer"]);
    const all = await open(mona, 3);
    const watched = await Promise.all(all.map(({ page }) => watch(page, peer.host)));
    const end = await several(all, town.founded.passkey);
    expect((await town.page.call("sessionEnd", { body: end })).status).toBe(200);
    await settled();
    const said = tunnel.heard.filter((frame) => frame.kind === "session-end" && frame.end.body === end.body);
    expect(said).toEqual([{ kind: "session-end", end }]);
    for (const { closed } of watched) expect(await closed).toBe(4004);
    for (const { page } of all) expect((await page.call("me")).code).toBe("unauthenticated");
    const revoked = (await ledgerBodies(town.workspace)).filter(
      ({ action, target }) => action === "session.revoked" && target === "p-mona",
    );
    expect(revoked.map(({ detail }) => (detail as { session: string }).session).toSorted()).toEqual(
      all.map(({ session }) => session).toSorted(),
    );
    // Whoever was away hears it once as well.
    tunnel.socket.close(1000);
    const back = await peer.open((await town.trust()).head);
    while ((await back.next("session-end")).end.body !== end.body) continue;
    back.say({ kind: "trust-want" });
    await back.next("trust");
    await settled();
    const heard = back.heard.filter((frame) => frame.kind === "session-end" && frame.end.body === end.body);
    expect(heard).toHaveLength(1);
  });

  it("by one's own touch leaves this page signed in, unless it is among them", async () => {
    const nora = await addMember(town, "p-nora", ["viewer"]);
    const [here, ...others] = await open(nora, 4);
    if (here === undefined) throw new TypeError("no session");
    const [one, two, three] = others;
    if (one === undefined || two === undefined || three === undefined) throw new TypeError("no others");
    expect((await here.page.call("sessionEnd", { body: await several([one, two], nora.passkey) })).status).toBe(200);
    expect((await here.page.call("me")).status).toBe(200);
    expect(await rowsOf(here.page)).toHaveLength(2);
    expect((await here.page.call("sessionEnd", { body: await several([here, three], nora.passkey) })).status).toBe(200);
    expect(here.page.cookie).toBeUndefined();
    expect((await three.page.call("me")).code).toBe("unauthenticated");
  });

  it("is refused from somebody who may not, and ends nobody else's among them", async () => {
    const olaf = await addMember(town, "p-olaf", ["viewer"]);
    const all = await open(olaf, 2);
    const one = await signInMember(town, vera, "session vera");
    expect((await one.page.call("sessionEnd", { body: await several(all, vera.passkey) })).code).toBe("role");
    const mixed = await several([...all, { ...one, id: "p-olaf" }], town.founded.passkey);
    expect((await town.page.call("sessionEnd", { body: mixed })).status).toBe(200);
    for (const { page } of all) expect((await page.call("me")).code).toBe("unauthenticated");
    expect((await one.page.call("me")).status).toBe(200);
    await one.page.must("signOut");
  });

  it("must fit the frame in which hosts hear it", async () => {
    const paul = await addMember(town, "p-paul", ["viewer"]);
    const one = await signInMember(town, paul, "p-paul");
    // Sign-ins that prove nothing are passed over, but they take room.
    const sized = async (characters: number): Promise<SignedSessionEnd> => {
      const assertion = { ...one.certificate.assertion, clientData: "A".repeat(5_460) };
      const certificate = { body: "A".repeat(characters), assertion };
      const padding = Array.from({ length: 12 }, () => ({ ...one, certificate, session: fresh() }));
      return several([one, ...padding], town.founded.passkey);
    };
    const empty = JSON.stringify(await sized(4)).length;
    const perSignIn = Math.floor((MAX_FRAME_BYTES - 512 - empty) / 12 / 4) * 4;
    const large = await sized(perSignIn);
    expect(JSON.stringify(large).length).toBeLessThan(MAX_BODY_BYTES);
    expect((await town.page.call("sessionEnd", { body: large })).code).toBe("too_large");
    expect((await one.page.call("me")).status).toBe(200);
    expect((await town.page.call("sessionEnd", { body: await sized(perSignIn - 80) })).status).toBe(200);
    expect((await one.page.call("me")).code).toBe("unauthenticated");
  });
});

describe("what a session watches", () => {
  it("closes when the right to look ends, and when the session does", async () => {
    const { peer } = await admitted("watched");
    const olga = await addMember(town, "p-olga", ["viewer"]);
    const one = await signInMember(town, olga, "session olga");
    const blind = await watch(one.page, peer.host);
    expect((await town.state("role.assign", { person: "p-olga", roles: [] })).status).toBe(200);
    await settled();
    expect(await blind.closed).toBe(4004);
    expect((await one.page.call("me")).code).toBe("unauthenticated");
    expect((await town.state("role.assign", { person: "p-olga", roles: ["viewer"] })).status).toBe(200);
    // What ended stays so, also when the role comes back.
    expect((await one.page.call("me")).code).toBe("unauthenticated");
    const two = await signInMember(town, olga, "second session of olga");
    const revoked = await watch(two.page, peer.host);
    expect((await town.page.call("sessionEnd", { body: await endByTouch(two, town.founded.passkey) })).status).toBe(
      200,
    );
    await settled();
    expect(await revoked.closed).toBe(4004);
  });

  it("does not stay open when both happened while it was being opened", async () => {
    const { peer } = await admitted("raced watching");
    const opened = async (session: string, person: string): Promise<number> => {
      const opening = {
        kind: "page",
        workspace: town.workspace,
        host: peer.host,
        session,
        person,
        expires: now() + 60,
      };
      const headers = { upgrade: "websocket", "clawhold-socket": JSON.stringify(opening) };
      const stub = env.HOST.getByName(`${town.workspace}/${peer.host}`);
      const { webSocket } = await stub.fetch(new Request(`${ORIGIN}/live`, { headers }));
      const closed = new Promise<number>((resolve) => {
        webSocket?.addEventListener("close", ({ code }) => resolve(code));
      });
      webSocket?.accept();
      return closed;
    };
    expect(await opened(fresh(), "p-ada")).toBe(4004);
    expect(await opened(town.founded.session, "p-nobody")).toBe(4004);
  });

  it("closes by itself when nobody makes a request any more, and the end is recorded", async () => {
    const { peer } = await admitted("left alone");
    const one = await signInMember(town, vera, "session vera");
    const left = await watch(one.page, peer.host);
    const stub = env.SESSIONS.getByName(town.workspace);
    await runInDurableObject(
      stub,
      (_, state) => void state.storage.sql.exec("UPDATE sign_ins SET last_seen = 1 WHERE session = ?", one.session),
    );
    await runDurableObjectAlarm(stub);
    expect(await left.closed).toBe(4004);
    expect((await ledgerBodies(town.workspace)).at(-1)).toMatchObject({
      actor: { kind: "edge" },
      action: "session.ended",
      target: "p-vera",
      detail: { session: one.session },
    });
    expect((await one.page.call("me")).code).toBe("unauthenticated");
  });
});

describe("the key that follows", () => {
  it(
    "signs requests and commands once an accepted touch named it, and no older one comes back",
    { timeout: 20_000 },
    async () => {
      const { peer, tunnel } = await admitted("successor");
      const { session } = town.founded;
      const [first, second] = [await signerOf("session"), await signerOf("second session key")];
      const naming = { nextSessionKey: { session, key: second.publicKey } };
      const other = { nextSessionKey: { session: fresh(), key: second.publicKey } };
      // A touch for another session, and one that was refused, change nothing.
      await town.page.must("command", { body: (await town.submission(peer.host, {}, other)).body });
      const refused = await town.submission(
        peer.host,
        { trustHead: { n: 0, hash: fresh(), revoked: fresh() } },
        naming,
      );
      expect((await town.page.call("command", { body: refused.body })).code).toBe("trust_behind");
      town.page.signer = second;
      expect((await town.page.call("me")).code).toBe("unauthenticated");
      town.page.signer = first;
      const named = await town.submission(peer.host, {}, naming);
      await town.page.must("command", { body: named.body });
      expect((await town.page.call("me")).status).toBe(200); // under way when the key changed
      town.page.signer = second;
      expect((await town.page.call("me")).status).toBe(200);
      await evictDurableObject(env.SESSIONS.getByName(town.workspace));
      expect((await town.page.call("me")).status).toBe(200);
      await runInDurableObject(
        env.SESSIONS.getByName(town.workspace),
        (_, state) => void state.storage.sql.exec("UPDATE sign_ins SET previous_until = ?", now() - 1),
      );
      town.page.signer = first;
      expect((await town.page.call("me")).code).toBe("unauthenticated");

      // The approval that named the key rides along, in the prepare and in the command.
      town.page.signer = second;
      const [successor] = submissionCodec.decode(named.bytes).approvals;
      if (successor === undefined) throw new Error("no approval");
      const prepare = encodeCanonical({
        v: 1,
        workspace: town.workspace,
        host: peer.host,
        actor: { session },
        operation: "host.check@1",
        jti: fresh(),
      });
      const signedPrepare = { body: toBase64url(prepare), signature: await second.sign("prepare", prepare) };
      const ask = (body: Fields) => town.page.call("prepare", { params: { host: peer.host }, body });
      expect((await ask({ prepare: signedPrepare })).code).toBe("session_key");
      const asked = ask({ prepare: signedPrepare, successor });
      const frame = await tunnel.next("prepare");
      expect(JSON.parse(new TextDecoder().decode(fromBase64url(frame.successor ?? "")))).toEqual(successor);
      tunnel.say({ kind: "refused", subject: digestOf("prepare", prepare), code: "busy" });
      expect((await asked).code).toBe("busy");
      const back = { nextSessionKey: { session, key: first.publicKey } };
      const third = await town.submissionOf(peer.host, { approval: back, signer: second, envelope: { successor } });
      await town.page.must("command", { body: third.body });
      // Handed in again, the first naming would bring the first key's successor; a key is good once.
      expect((await town.page.call("me")).status).toBe(200);
      town.page.signer = first;
      expect((await town.page.call("me")).code).toBe("unauthenticated");
      town.page.signer = second;
    },
  );
});
