/** Sealed readings through the edge: who may ask, what is carried, and that nothing of it stays. */
import { runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { hostOf } from "../../durable-objects/env.ts";
import { fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import { MAX_OPEN_READS } from "../../protocol/limits.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { digestOf, sha256Of } from "../../protocol/signing.ts";
import { admittedTo } from "../fixtures/edge/admitted.ts";
import { addMember, signInMember } from "../fixtures/edge/people.ts";
import type { HostPeer, Tunnel } from "../fixtures/edge/host-peer.ts";
import { Town } from "../fixtures/edge/town.ts";
import { nonceOf, signed, signerOf } from "../fixtures/keys.ts";
import type { Fields } from "../fixtures/workspace.ts";
import { edge, fresh, now, type Reply } from "./client.ts";
import { env } from "./environment.ts";

let town: Town;
let peer: HostPeer;
let tunnel: Tunnel;
beforeAll(async () => {
  town = await Town.at(edge);
  ({ peer, tunnel } = await admittedTo(town, "read"));
});

interface Question {
  readonly read: Fields;
  readonly digest: string;
}

async function question(change: Fields = {}, key = "session"): Promise<Question> {
  const body = encodeCanonical({
    v: 1,
    workspace: town.workspace,
    host: peer.host,
    session: town.founded.session,
    operation: "gateway.sessions@1",
    args: {},
    replyKey: nonceOf("reply key"),
    trustHead: (await town.trust()).head,
    iat: now(),
    jti: fresh(),
    ...change,
  });
  return { read: { ...(await signed(await signerOf(key), "read", body)) }, digest: digestOf("read", body) };
}

const ask = ({ read }: Question, page = town.page): Promise<Reply> =>
  page.call("hostRead", { params: { host: peer.host }, body: { read } });

/** A part as a host says it; `change` bends what it signs. */
async function part(request: string, ciphertext: Uint8Array | undefined, change: Fields = {}): Promise<Fields> {
  const body = encodeCanonical({
    v: 1,
    workspace: town.workspace,
    host: peer.host,
    request,
    part: 0,
    final: true,
    ...(ciphertext === undefined ? {} : { content: toBase64url(sha256Of(ciphertext)) }),
    now: now(),
    trustHead: (await town.trust()).head,
    ...change,
  });
  return {
    kind: "reading",
    signed: { ...(await signed(peer.key, "reading", body)) },
    ...(ciphertext === undefined ? {} : { ciphertext: toBase64url(ciphertext) }),
  };
}
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("a question", () => {
  it("goes to the host as it was signed, with the sign-in; all parts come back in order", async () => {
    const asked = await question();
    const reply = ask(asked);
    const { read, session } = await tunnel.next("read");
    expect(read).toEqual(asked.read);
    expect(fromBase64url(session).length).toBeGreaterThan(100);
    const parts = [
      await part(asked.digest, bytesOf("first"), { final: false }),
      await part(asked.digest, bytesOf("second"), { part: 1 }),
    ];
    for (const one of parts) tunnel.say(one);
    const { status, body } = await reply;
    expect(status).toBe(200);
    expect(body["parts"]).toEqual(parts.map(({ signed: words, ciphertext }) => ({ signed: words, ciphertext })));
  });

  it("that the host denies comes back with its signed word", async () => {
    const asked = await question();
    const reply = ask(asked);
    await tunnel.next("read");
    const denied = await part(asked.digest, undefined, { code: "busy" });
    tunnel.say(denied);
    expect((await reply).body["parts"]).toEqual([{ signed: denied["signed"] }]);
  });

  it("that the host refuses unsigned is a problem that names the rule", async () => {
    const asked = await question();
    const reply = ask(asked);
    await tunnel.next("read");
    tunnel.say({ kind: "refused", subject: asked.digest, code: "session_revoked" });
    expect((await reply).body["code"]).toBe("session_revoked");
  });

  it.each([
    ["another workspace", { workspace: nonceOf("other") }, "workspace"],
    ["another host", { host: "h-elsewhere" }, "target"],
    ["an older trust head", { trustHead: { n: 0, hash: nonceOf("x"), revoked: nonceOf("y") } }, "trust_behind"],
    ["another session", { session: nonceOf("other") }, "session_key"],
    ["no read of the table", { operation: "content.everything@1" }, "operation"],
    ["arguments that it has not", { args: { foreign: 1 } }, "malformed"],
  ] as const)("for %s never reaches the host", async (_, change, code) => {
    const before = tunnel.heard.length;
    expect((await ask(await question(change))).body["code"]).toBe(code);
    expect(tunnel.heard).toHaveLength(before);
  });

  it("signed by another key, or brought by somebody else's page, never reaches the host", async () => {
    const before = tunnel.heard.length;
    expect((await ask(await question({}, "stranger"))).body["code"]).toBe("session_key");
    const otto = await signInMember(town, await addMember(town, "p-otto", ["operator"]), "session otto");
    await tunnel.next("trust");
    const stolen = await question();
    expect((await ask(stolen, otto.page)).body["code"]).toBe("session_key");
    const content = await question({ session: otto.session, operation: "content.logs@1" }, "session otto");
    expect((await ask(content, otto.page)).body["code"]).toBe("role");
    expect(tunnel.heard.slice(before).filter(({ kind }) => kind === "read")).toEqual([]);
  });
});

describe("what a host says of it", () => {
  it.each([
    ["another ciphertext", { content: nonceOf("other") }],
    ["another host", { host: "h-elsewhere" }],
    ["another workspace", { workspace: nonceOf("other") }],
  ] as const)("that names %s ends its tunnel", async (name, change) => {
    const { peer: liar, tunnel: theirs } = await admittedTo(town, `lying about ${name}`);
    const asked = await question({ host: liar.host });
    const reply = town.page.call("hostRead", { params: { host: liar.host }, body: { read: asked.read } });
    await theirs.next("read");
    theirs.say(await part(asked.digest, bytesOf("x"), { host: liar.host, ...change }));
    expect(await theirs.closed()).toBe(1008);
    expect((await reply).body["code"]).toBe("host_offline");
  });

  it("out of order is no answer, and of nobody's question nothing", async () => {
    const asked = await question();
    const reply = ask(asked);
    await tunnel.next("read");
    tunnel.say(await part(fresh(), bytesOf("of another question")));
    tunnel.say(await part(asked.digest, bytesOf("second"), { part: 1 }));
    expect((await reply).body["code"]).toBe("host_silent");
  });
});

/** Every table of the host's object and of the database, as text. */
async function allKept(): Promise<string> {
  const names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*'";
  const held = await runInDurableObject(hostOf(env, town.workspace, peer.host), (_, { storage }) => {
    const tables = storage.sql.exec<{ name: string }>(names).toArray();
    return tables.map(({ name }) => storage.sql.exec(`SELECT * FROM ${name}`).toArray());
  });
  const { results } = await env.DB.prepare(names).all<{ name: string }>();
  const rows = results.map(async ({ name }) => (await env.DB.prepare(`SELECT * FROM ${name}`).all()).results);
  return JSON.stringify([held, await Promise.all(rows)]);
}

describe("the edge", () => {
  it("asks no more at once than a host can bear, and once for one question", async () => {
    const asked = await Promise.all(Array.from({ length: MAX_OPEN_READS }, () => question()));
    const replies = asked.map((one) => ask(one));
    for (const _ of asked) await tunnel.next("read");
    expect((await ask(await question())).body["code"]).toBe("busy");
    const [first] = asked as [Question];
    const again = ask(first);
    for (const { digest } of asked) tunnel.say(await part(digest, bytesOf("x")));
    expect((await Promise.all([...replies, again])).map(({ status }) => status)).toEqual(
      Array.from({ length: MAX_OPEN_READS + 1 }, () => 200),
    );
    expect(
      tunnel.heard.filter((frame) => frame.kind === "read" && frame.read.body === first.read["body"]),
    ).toHaveLength(1);
  });

  it("says so when the host is away, or goes away meanwhile", async () => {
    const away = await admittedTo(town, "leaving");
    const body = async () => ({ read: (await question({ host: away.peer.host })).read });
    const reply = town.page.call("hostRead", { params: { host: away.peer.host }, body: await body() });
    await away.tunnel.next("read");
    away.tunnel.socket.close(1000);
    expect((await reply).body["code"]).toBe("host_offline");
    const later = await town.page.call("hostRead", { params: { host: away.peer.host }, body: await body() });
    expect(later.body["code"]).toBe("host_offline");
  });

  it("keeps nothing of an answer", async () => {
    const secret = "CANARY of a sealed answer";
    const asked = await question();
    const reply = ask(asked);
    await tunnel.next("read");
    tunnel.say(await part(asked.digest, bytesOf(secret)));
    expect((await reply).status).toBe(200);
    const kept = await allKept();
    for (const text of [secret, toBase64url(bytesOf(secret)), asked.digest]) expect(kept).not.toContain(text);
    expect(kept).toContain(peer.host);
  });
});
