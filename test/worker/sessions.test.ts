/** Open sign-ins: who sees them, who ends them, and who hears of it. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { fromBase64url } from "../../protocol/bytes.ts";
import type { Asserted, SignedSessionEnd } from "../../protocol/messages.ts";
import { admittedTo } from "../fixtures/edge/admitted.ts";
import type { EdgePage } from "../fixtures/edge/page.ts";
import { addMember, signInMember, type Member, type SignedIn } from "../fixtures/edge/people.ts";
import { openSessions, SessionEnds } from "../fixtures/edge/session-ends.ts";
import { Town } from "../fixtures/edge/town.ts";
import { signerOf } from "../fixtures/keys.ts";
import { asserted } from "../fixtures/workspace.ts";
import { edge, fresh, ledgerBodies, now, settled } from "./client.ts";
import { env } from "./environment.ts";
import { ORIGIN, watch, watchedBy } from "./watched.ts";

let town: Town;
let vera: Member;
let ends: SessionEnds;
beforeAll(async () => {
  town = await Town.at(edge);
  vera = await addMember(town, "p-vera", ["viewer"]);
  ends = new SessionEnds(town);
});

describe("the list", () => {
  it("is one's own, and everybody's for an administrator, with device and place", async () => {
    const one = await signInMember(town, vera, "session vera");
    const mine = await openSessions(one.page);
    expect(mine).toMatchObject([{ session: one.session, person: "p-vera", current: true, origin: ORIGIN }]);
    expect(mine[0]).toMatchObject({ certificate: expect.any(String), device: "Unknown device" });
    const all = await openSessions(town.page);
    expect(all.map(({ person }) => person)).toEqual(["p-ada", "p-vera"]);
    expect(all[0]).toMatchObject({ current: true, source: { value: "203.0.113.7" } });
    await one.page.must("signOut");
    expect(await openSessions(town.page)).toHaveLength(1);
  });

  it("lacks the address once it is erased", async () => {
    const one = await signInMember(town, vera);
    await env.DB.prepare("DELETE FROM ledger_values").run();
    expect((await openSessions(one.page))[0]).not.toHaveProperty("source");
    await one.page.must("signOut");
  });
});

describe("the end of a session", () => {
  it("by its own key is recorded and heard by hosts at once, and later by those that were away", async () => {
    const { peer, tunnel } = await admittedTo(town, "hearing ends");
    const away = await admittedTo(town, "away");
    away.tunnel.socket.close(1000);
    const one = await signInMember(town, vera, "session vera");
    const end = await ends.byKey(one);
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
    expect((await town.page.call("sessionEnd", { body: await ends.byTouch(one, town.founded.passkey) })).status).toBe(
      200,
    );
    expect((await one.page.call("me")).code).toBe("unauthenticated");
    // Twice is no mistake.
    expect((await town.page.call("sessionEnd", { body: await ends.byTouch(one, town.founded.passkey) })).status).toBe(
      200,
    );
  });

  it("is refused from somebody who may not, over something else, or brought by another", async () => {
    const one = await signInMember(town, vera, "session vera");
    const ada = { id: "p-ada", passkey: town.founded.passkey, session: town.founded.session, page: town.page };
    const owner: SignedIn = { ...ada, certificate: (await town.certificate()) as Asserted };
    const stranger = await signerOf("stranger");
    const cases: readonly (readonly [string, EdgePage, SignedSessionEnd])[] = [
      ["role", one.page, await ends.byTouch(owner, vera.passkey)],
      ["session_key", one.page, await ends.byKey(one, stranger)],
      ["session_key", one.page, await ends.byKey(owner, one.page.signer)],
      ["session_key", one.page, await ends.byKey(one, one.page.signer, { session: fresh() })],
      ["people", one.page, await ends.byKey(one, one.page.signer, { person: "p-ada" })],
      ["workspace", one.page, await ends.byKey(one, one.page.signer, { workspace: fresh() })],
      ["approval_subject", town.page, await ends.byTouch(one, town.founded.passkey, { subject: fresh() })],
      ["approval_subject", town.page, await ends.byTouch(one, town.founded.passkey, { workspace: fresh() })],
      ["people", town.page, await ends.byKey(one)],
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
    const body = await ends.byTouch(await signedAgain(victim, rosa), rosa.passkey);
    const before = (await ledgerBodies(town.workspace)).length;
    expect((await one.page.call("sessionEnd", { body })).code).toBe("people");
    expect((await ledgerBodies(town.workspace)).slice(before)).toMatchObject([
      { actor: { kind: "person", id: "p-rosa" }, action: "approval.refused", detail: { code: "people" } },
    ]);
    expect((await victim.page.call("me")).status).toBe(200);
    for (const { page } of [victim, one]) await page.must("signOut");
  });
});

describe("what a session watches", () => {
  it("closes when the right to look ends, and when the session does", async () => {
    const { peer } = await admittedTo(town, "watched");
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
    expect((await town.page.call("sessionEnd", { body: await ends.byTouch(two, town.founded.passkey) })).status).toBe(
      200,
    );
    await settled();
    expect(await revoked.closed).toBe(4004);
  });

  it("does not stay open when both happened while it was being opened", async () => {
    const { peer } = await admittedTo(town, "raced watching");
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
      return watchedBy(await stub.fetch(new Request(`${ORIGIN}/live`, { headers }))).closed;
    };
    expect(await opened(fresh(), "p-ada")).toBe(4004);
    expect(await opened(town.founded.session, "p-nobody")).toBe(4004);
  });

  it("closes by itself when nobody makes a request any more, and the end is recorded", async () => {
    const { peer } = await admittedTo(town, "left alone");
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
