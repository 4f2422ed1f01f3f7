/** How long sessions last and rest, by each person's own roles; and what somebody who has shown no passkey learns of that. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { ADMIN_SESSION_SECONDS } from "../../protocol/limits.ts";
import { idleSecondsOf } from "../../worker/session-term.ts";
import { HostPeer } from "../fixtures/edge/host-peer.ts";
import type { EdgePage, Reply } from "../fixtures/edge/page.ts";
import { addMember, signInMember, type Member } from "../fixtures/edge/people.ts";
import { openSessions } from "../fixtures/edge/session-ends.ts";
import { Town } from "../fixtures/edge/town.ts";
import { signerOf } from "../fixtures/keys.ts";
import { NO_REVOCATIONS } from "../../protocol/trust/state.ts";
import type { Fields } from "../fixtures/workspace.ts";
import { certificateOf, edge, fresh, ledgerBodies, now, Page, settled } from "./client.ts";
import { env } from "./environment.ts";
import { watch } from "./watched.ts";

let town: Town;
let viewer: Member;
beforeAll(async () => {
  town = await Town.at(edge);
  viewer = await addMember(town, "p-vera", ["viewer"]);
  const role = { id: "brief", permissions: ["metadata.read" as const], hosts: ["all"], sessionSeconds: 600 };
  expect((await town.state("role.define", role)).status).toBe(200);
});

/** A sign-in that asks for so many seconds. */
async function ask(member: Member, seconds: number, change: Fields = {}): Promise<{ page: EdgePage; reply: Reply }> {
  const page = new Page(await signerOf("session"));
  const offer = await page.must("signInNonce");
  const times = { iat: Number(offer["now"]), exp: Number(offer["now"]) + seconds };
  const session = await certificateOf(member.passkey, offer, { ...times, ...change });
  return { page, reply: await page.call("signIn", { body: { session } }) };
}

const storage = (work: (sql: SqlStorage) => void): Promise<void> =>
  runInDurableObject(env.SESSIONS.getByName(town.workspace), (_, state) => work(state.storage.sql));

const rowOf = async (page: EdgePage): Promise<Fields> => {
  return (await openSessions(page)).find(({ current }) => current === true) ?? {};
};

describe("the limits of a session", () => {
  it("are those of its own person's roles, whoever else has shorter ones", async () => {
    const brief = await addMember(town, "p-brief", ["brief"]);
    expect((await ask(viewer, 14_400)).reply.status).toBe(200);
    expect((await ask(brief, 600)).reply.status).toBe(200);
    const ada = { id: "p-ada", passkey: town.founded.passkey };
    expect((await ask(ada, ADMIN_SESSION_SECONDS)).reply.status).toBe(200);
    for (const [member, limit] of [
      [viewer, 14_400],
      [brief, 600],
      [ada, ADMIN_SESSION_SECONDS],
    ] as const) {
      const { reply, page } = await ask(member, limit + 1);
      expect(reply).toMatchObject({ status: 403, code: "session_long", body: { limitSeconds: limit } });
      expect(page.cookie).toBeUndefined();
      expect((await ledgerBodies(town.workspace)).at(-1)).toMatchObject({
        action: "session.refused",
        detail: { code: "session_lifetime" },
      });
    }
  });

  it("are the shortest of several roles", async () => {
    const both = await addMember(town, "p-both", ["viewer", "brief"]);
    expect((await ask(both, 601)).reply.body["limitSeconds"]).toBe(600);
    expect((await ask(both, 600)).reply.status).toBe(200);
  });

  it("are told to nobody whose passkey is not proven", async () => {
    const { passkey } = await addMember(town, "p-shy", ["brief"]);
    const page = new Page(await signerOf("session"));
    const session = await certificateOf(passkey, await page.must("signInNonce"));
    const bent = {
      ...session,
      assertion: { ...session.assertion, signature: session.assertion.signature.replace(/.{8}$/, "AAAAAAAA") },
    };
    const reply = await page.call("signIn", { body: { session: bent } });
    expect(reply.code).toBe("sign_in_refused");
    expect(reply.body).not.toHaveProperty("limitSeconds");
    const gone = await addMember(town, "p-gone", ["brief"]);
    expect((await town.state("person.revoke", { person: "p-gone" })).status).toBe(200);
    expect((await ask(gone, 14_400)).reply.code).toBe("sign_in_refused");
  });

  it("count from the sign-in: dated ahead, a session ends no later for it", async () => {
    const at = now() + 300;
    const { page, reply } = await ask(viewer, 0, { iat: at, exp: at + 14_400 });
    expect(reply.status).toBe(200);
    expect(Number(reply.body["expires"])).toBeLessThanOrEqual(now() + 14_400);
    expect((await rowOf(page))["expires"]).toBe(reply.body["expires"]);
  });

  it("of rest are an eighth of that, and a quarter of an hour at most", async () => {
    expect([7_200, 14_400, 3_600, 60].map(idleSecondsOf)).toEqual([900, 900, 450, 120]);
    const idle = await addMember(town, "p-idle", ["brief"]);
    const one = await signInMemberFor(idle, 600);
    await storage((sql) => void sql.exec("UPDATE sign_ins SET last_seen = last_seen - 121 WHERE person = 'p-idle'"));
    expect((await one.call("me")).code).toBe("unauthenticated");
    const other = await signInMemberFor(viewer, 600);
    await storage((sql) => void sql.exec("UPDATE sign_ins SET last_seen = last_seen - 121 WHERE person = 'p-vera'"));
    expect((await other.call("me")).status).toBe(200);
  });
});

async function signInMemberFor(member: Member, seconds: number): Promise<EdgePage> {
  const { page, reply } = await ask(member, seconds);
  expect(reply.status).toBe(200);
  return page;
}

describe("a role that is taken, changed, or ends", () => {
  let peer: HostPeer;
  beforeAll(async () => {
    peer = await HostPeer.at(edge, "watched", town.workspace);
    await peer.join();
    await town.admit(peer);
  });

  it("closes the session and what it watches at once when none is left", async () => {
    const one = await addMember(town, "p-lost", ["viewer"]);
    const page = await signInMemberFor(one, 600);
    const watched = await watch(page, peer.host);
    expect((await town.state("role.assign", { person: "p-lost", roles: [] })).status).toBe(200);
    await settled();
    expect(await watched.closed).toBe(4004);
    expect((await page.call("me")).code).toBe("unauthenticated");
    expect((await ledgerBodies(town.workspace)).at(-1)).toMatchObject({
      actor: { kind: "edge" },
      action: "session.ended",
      target: "p-lost",
    });
    expect((await ask(one, 600)).reply.code).toBe("no_role");
  });

  it("leaves it open, with what is left, when the new ones allow as long", async () => {
    const one = await addMember(town, "p-down", ["operator"]);
    const page = await signInMemberFor(one, 14_400);
    expect((await page.call("activity")).status).toBe(200);
    expect((await town.state("role.assign", { person: "p-down", roles: ["viewer"] })).status).toBe(200);
    expect((await page.call("me")).status).toBe(200);
    expect((await page.call("alertAcknowledge", { params: { alert: "a-nothing" } })).code).toBe("forbidden");
  });

  it("closes it when the new ones allow less than it was opened for, as hosts refuse it then", async () => {
    const one = await addMember(town, "p-up", ["viewer"]);
    const [long, short] = [await signInMemberFor(one, 14_400), await signInMemberFor(one, 600)];
    expect((await town.state("role.assign", { person: "p-up", roles: ["brief"] })).status).toBe(200);
    expect((await long.call("me")).code).toBe("unauthenticated");
    expect((await short.call("me")).status).toBe(200);
    // And it rests no longer than these.
    await storage((sql) => void sql.exec("UPDATE sign_ins SET last_seen = last_seen - 121 WHERE person = 'p-up'"));
    expect((await short.call("me")).code).toBe("unauthenticated");
  });

  it("closes it at the end of the grant, with nobody there to say so; renewed, it goes on", async () => {
    const one = await addMember(town, "p-term", ["viewer"]);
    const until = now() + 300;
    expect((await town.state("role.assign", { person: "p-term", roles: ["viewer"], until })).status).toBe(200);
    const { page, reply } = await ask(one, 600);
    expect(reply.body["expires"]).toBe(until + 1);
    expect((await rowOf(page))["expires"]).toBe(until + 1);
    const later = until + 3_000;
    expect((await town.state("role.assign", { person: "p-term", roles: ["viewer"], until: later })).status).toBe(200);
    expect(Number((await rowOf(page))["expires"])).toBeGreaterThan(until + 1);
    expect((await town.state("role.assign", { person: "p-term", roles: ["viewer"], until })).status).toBe(200);
    expect((await rowOf(page))["expires"]).toBe(until + 1);
    const watched = await watch(page, peer.host);
    await storage((sql) => void sql.exec("UPDATE role_ends SET roles_end = 1 WHERE person = 'p-term'"));
    await runDurableObjectAlarm(env.SESSIONS.getByName(town.workspace));
    expect(await watched.closed).toBe(4004);
    expect((await page.call("me")).code).toBe("unauthenticated");
  });
});

describe("somebody who has shown no passkey", () => {
  const said = async (known?: Fields): Promise<Fields> => {
    const page = new Page(await signerOf("stranger"));
    const {
      nonce: _nonce,
      now: _now,
      ...rest
    } = await page.must("signInNonce", {
      body: known === undefined ? {} : { known },
    });
    return rest;
  };

  it("is told the same whatever the log says: people, roles, revocations, places", async () => {
    const before = await said();
    await addMember(town, "p-new", ["brief"]);
    expect((await town.state("person.revoke", { person: "p-new" })).status).toBe(200);
    expect(await said()).toEqual(before);
    const { workspace } = town;
    const trustHead = { n: 0, hash: workspace, revoked: NO_REVOCATIONS };
    expect(before).toEqual({ workspace, trustHead, lifetime: ADMIN_SESSION_SECONDS });
  });

  it("learns the newest place only by naming a later one of this log", async () => {
    const { head } = await town.trust();
    const silent = await said();
    expect(await said({ n: 0, hash: town.workspace, revoked: NO_REVOCATIONS })).toEqual(silent);
    expect(await said({ ...head, hash: fresh() })).toEqual(silent);
    expect(await said({ ...head, n: head.n + 1 })).toEqual(silent);
    expect((await said({ ...head, revoked: fresh() }))["trustHead"]).toEqual(head);
  });

  it("hears nothing of a damaged log; whoever proves a session is told", async () => {
    const member = await signInMember(town, viewer, "session vera");
    const { head } = await town.trust();
    await env.DB.prepare("INSERT INTO statements VALUES (?, ?, 'x', '{ }')")
      .bind(town.workspace, head.n + 1)
      .run();
    expect((await member.page.call("me")).code).toBe("trust_damaged");
    const stranger = new Page(await signerOf("stranger"));
    const session = member.certificate;
    for (const reply of [
      await stranger.call("signInNonce"),
      await stranger.call("signIn", { body: { session } }),
      await stranger.call("invitationState", { body: { token: fresh() } }),
      await stranger.call("automationTrust", { headers: { "clawhold-automation-key": "k-any" } }),
    ])
      expect(reply).toMatchObject({ status: 500, code: "internal" });
    expect((await stranger.call("me")).code).toBe("unauthenticated");
    const thief = new Page(await signerOf("stranger"), member.page.cookie);
    expect((await thief.call("me")).code).toBe("unauthenticated");
    await env.DB.exec("DROP TRIGGER statements_delete");
    await env.DB.prepare("DELETE FROM statements WHERE n = ?")
      .bind(head.n + 1)
      .run();
    expect((await member.page.call("me")).status).toBe(200);
  });
});
