/** Revocations and the other kinds of statement: what the edge asks of them, keeps of them, and does after them. */
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { digestOf } from "../../protocol/signing.ts";
import { statementCodec, type TrustPage } from "../../protocol/trust/statements.ts";
import { signed } from "../fixtures/keys.ts";
import { addMember, enrolDaily, registerPasskeyAt, signInMember } from "../fixtures/edge/people.ts";
import { createCredential } from "../fixtures/authenticator.ts";
import { admittedTo } from "../fixtures/edge/admitted.ts";
import { HostPeer } from "../fixtures/edge/host-peer.ts";
import { Town } from "../fixtures/edge/town.ts";
import { asserted, stated, type Fields } from "../fixtures/workspace.ts";
import { certificateOf, edge, fresh, ledgerBodies, now, settled } from "./client.ts";
import { env } from "./environment.ts";
import { MAX_REVOCATIONS_OF_A_PLACE } from "../../worker/judge-statement.ts";

let town: Town;
beforeAll(async () => {
  town = await Town.at(edge);
});
beforeEach(settled);

const lastEntry = async () => (await ledgerBodies(town.workspace)).at(-1);
const entriesOf = async (action: string): Promise<readonly Fields[]> =>
  (await ledgerBodies(town.workspace)).filter((entry) => entry["action"] === action);

describe("a revocation", () => {
  it("is kept beside the chain, named in the ledger, and travels after the statement that it names", async () => {
    await addMember(town, "p-gone", ["viewer"]);
    const before = await town.trust();
    expect((await town.state("person.revoke", { person: "p-gone" })).status).toBe(200);
    expect(await lastEntry()).toMatchObject({
      action: "trust.stated",
      target: "p-gone",
      detail: { statementKind: "person.revoke" },
    });
    const after = await town.trust();
    expect(after.head).toMatchObject({ n: before.head.n, hash: before.head.hash });
    expect(after.head.revoked).not.toBe(before.head.revoked);
    expect(after.people.has("p-gone")).toBe(false);
    const { page } = (await town.page.must("trust", { query: `?after=${before.head.n}` })) as { page: TrustPage };
    expect(page.statements).toHaveLength(1);
    // A statement that does not know it is refused; one that does goes through, and so does the one after it.
    const ignorant = await town.statement("person.add", { id: "p-next", name: fresh(), roles: [] }, (draft) => {
      draft.statement["revoked"] = before.head.revoked;
    });
    expect((await town.page.call("trustState", { body: ignorant })).code).toBe("revocations");
    expect((await town.state("person.add", { id: "p-next", name: fresh(), roles: [] })).status).toBe(200);
    expect((await town.state("person.add", { id: "p-after", name: fresh(), roles: [] })).status).toBe(200);
    expect((await town.trust()).head.n).toBe(before.head.n + 2);
  });

  it("is refused when it names an older head, is there already, or its author was revoked before", async () => {
    const traitor = await addMember(town, "p-traitor", ["admin"]);
    await addMember(town, "p-victim", ["viewer"]);
    const early = await town.statement("person.revoke", { person: "p-victim" });
    const own = await stated(
      { state: await town.trust(), by: traitor.passkey },
      { kind: "person.revoke", body: { person: "p-victim" } },
      (draft) => void (draft.statement["at"] = now()),
    );
    const revocation = await town.statement("person.revoke", { person: "p-traitor" });
    expect((await town.page.call("trustState", { body: revocation })).status).toBe(200);
    expect((await town.page.call("trustState", { body: revocation })).code).toBe("exists");
    // Honest hosts would take it for what it names; the edge saw that its author was revoked first.
    expect((await town.page.call("trustState", { body: own })).code).toBe("revoked");
    await addMember(town, "p-later", []);
    expect((await town.page.call("trustState", { body: early })).code).toBe("place");
    // Refused before it could be recorded as stated.
    const statement = digestOf("statement", fromBase64url(early.statement));
    expect((await entriesOf("trust.stated")).map(({ detail }) => (detail as Fields)["statement"])).not.toContain(
      statement,
    );
  });

  it("cannot take the last administrator away", async () => {
    const { credentialId } = town.founded.passkey.pinned;
    expect((await town.state("credential.revoke", { credential: credentialId })).code).toBe("last_admin");
    expect(await lastEntry()).toMatchObject({ action: "trust.refused", detail: { code: "last_admin" } });
  });

  it("and a racing statement: one of the two holds", async () => {
    await expect(
      env.DB.prepare("INSERT INTO revocations VALUES (?, 'x', 0, '{}')").bind(town.workspace).run(),
    ).rejects.toThrow(/revocations_place/);
    await addMember(town, "p-raced", []);
    const bodies = await Promise.all([
      town.statement("person.revoke", { person: "p-raced" }),
      town.statement("host.admit", (await HostPeer.at(edge, "raced", town.workspace)).admission),
    ]);
    const replies = await Promise.all(bodies.map((body) => town.page.call("trustState", { body })));
    const codes = replies.map(({ code }) => code);
    expect(codes.filter((code) => code === undefined)).toHaveLength(1);
    expect(codes.some((code) => code === "place" || code === "revocations")).toBe(true);
    await town.trust();
  });

  it("leaves room on a page, and in the next statement, for all of one place", { timeout: 30_000 }, async () => {
    await addMember(town, "p-often", []);
    const state = await town.trust();
    const codes: (string | undefined)[] = [];
    const at = now();
    for (let i = 0; i <= MAX_REVOCATIONS_OF_A_PLACE; i++) {
      const revocation = await stated(
        { state, by: town.founded.passkey },
        { kind: "person.revoke", body: { person: "p-often" } },
        (draft) => void (draft.statement["at"] = at - i),
      );
      codes.push((await town.page.call("trustState", { body: revocation })).code);
    }
    expect(codes.filter((code) => code === undefined)).toHaveLength(MAX_REVOCATIONS_OF_A_PLACE);
    expect(codes.at(-1)).toBe("revocations_many");
    // Any statement that knows them makes room.
    expect((await town.state("person.add", { id: "p-room", name: fresh(), roles: [] })).status).toBe(200);
    expect((await town.state("person.revoke", { person: "p-room" })).status).toBe(200);
  });

  it("cannot be changed in the database, and is missed when it was all the same", async () => {
    for (const sql of ["UPDATE revocations SET n = 0", "DELETE FROM revocations"])
      await expect(env.DB.prepare(sql).run()).rejects.toThrow(/revocations_append_only/);
    await addMember(town, "p-kept", []);
    expect((await town.state("person.revoke", { person: "p-kept" })).status).toBe(200);
    const { head } = await town.trust();
    await env.DB.exec("DROP TRIGGER revocations_delete");
    await env.DB.prepare("DELETE FROM revocations WHERE n = ?").bind(head.n).run();
    // Rolled back beneath the running Worker: what it had verified is not believed any more.
    expect((await town.trust()).people.has("p-kept")).toBe(true);
    await env.DB.exec("DROP TRIGGER revocations_insert");
    await env.DB.prepare("INSERT INTO revocations VALUES (?, ?, ?, '{ }')").bind(town.workspace, fresh(), head.n).run();
    expect((await town.page.call("me")).code).toBe("trust_damaged");
    await env.DB.prepare("DELETE FROM revocations WHERE signed = '{ }'").run();
    expect((await town.page.call("me")).status).toBe(200);
  });
});

describe("a statement", () => {
  it("must be of now by the edge's clock", async () => {
    for (const shift of [-361, 362]) {
      const late = await town.state("person.add", { id: "p-late", name: fresh(), roles: [] }, (draft) => {
        draft.statement["at"] = now() + shift;
      });
      expect(late.code).toBe("time");
    }
  });

  it("adds a person with passkeys only if they were registered here", async () => {
    const passkey = await createCredential({ rpId: "clawhold.localhost" });
    const body = { id: "p-with", name: fresh(), roles: ["viewer"], credentials: [passkey.pinned] };
    expect((await town.state("person.add", body)).code).toBe("passkey_unregistered");
    await registerPasskeyAt(town.page, passkey);
    expect((await town.state("person.add", body)).status).toBe(200);
    await signInMember(town, { id: "p-with", passkey });
  });

  it("that removes a host takes its certificate, and says so", async () => {
    const peer = await HostPeer.at(edge, "to remove", town.workspace);
    await peer.join();
    await town.admit(peer);
    expect((await town.state("host.remove", { host: peer.host })).status).toBe(200);
    expect(await entriesOf("certificate.revoked")).toMatchObject([
      { actor: { kind: "edge" }, target: peer.host, detail: { certificate: peer.fingerprint } },
    ]);
  });

  it("too large for any frame is refused before anybody believes it", async () => {
    const values = Array.from({ length: 16 }, (_, i) => `${i}`.padEnd(120, "x"));
    const statement = await town.statement("automation-key.add", {
      id: "k-large",
      publicKey: fresh(),
      label: "large",
      operations: [
        { operation: "host.check@1", limits: ["a", "b", "c", "d", "e"].map((argument) => ({ argument, values })) },
      ],
      hosts: ["all"],
      rate: { commands: 1, seconds: 1 },
      until: now() + 60,
    });
    const [approval] = statement.approvals;
    if (approval === undefined) throw new Error("no approval");
    const clientData = toBase64url(new Uint8Array(4_000));
    const large = { body: toBase64url(new Uint8Array(4_000)), assertion: { ...approval.assertion, clientData } };
    const body = { ...statement, approvals: Array.from({ length: 8 }, () => large) };
    expect(JSON.stringify(body).length).toBeLessThan(131_072);
    expect((await town.page.call("trustState", { body })).code).toBe("statement_large");
  });
});

describe("sessions", () => {
  it("end at once with their person, their passkey or their address", async () => {
    const person = await signInMember(town, await addMember(town, "p-ended", ["viewer"]));
    const other = await signInMember(town, await addMember(town, "p-keyless", ["viewer"]));
    expect((await person.page.call("me")).status).toBe(200);
    expect((await town.state("person.revoke", { person: "p-ended" })).status).toBe(200);
    expect((await person.page.call("me")).code).toBe("unauthenticated");
    const { credentialId } = other.passkey.pinned;
    expect((await town.state("credential.revoke", { credential: credentialId })).status).toBe(200);
    expect((await other.page.call("me")).code).toBe("unauthenticated");
    const added = await addMember(town, "p-daily", ["viewer"]);
    const inside = await signInMember(town, added);
    const { passkey: daily, page } = await enrolDaily(town);
    expect((await town.state("credential.add", { person: "p-daily", ...daily.pinned })).status).toBe(200);
    const origin = page.origin;
    const session = await certificateOf(daily, await page.must("signInNonce"), { origin });
    await page.must("signIn", { body: { session } });
    expect((await page.call("me")).status).toBe(200);
    expect((await town.state("origin.revoke", { origin })).status).toBe(200);
    expect((await page.call("me")).code).toBe("unauthenticated");
    expect((await inside.page.call("me")).status).toBe(200);
    const ended = await entriesOf("session.ended");
    for (const { session: over, id } of [person, other])
      expect(ended).toContainEqual(
        expect.objectContaining({ actor: { kind: "edge" }, target: id, detail: { session: over } }),
      );
  });
});

describe("a host", () => {
  const trustAck = async (peer: HostPeer, change: Fields): Promise<Fields> => {
    const body = encodeCanonical({ v: 1, workspace: town.workspace, host: peer.host, ...change });
    return { kind: "trust-ack", signed: await signed(peer.key, "trust-ack", body) };
  };
  const kindsOf = ({ statements }: TrustPage): readonly string[] =>
    statements.map(({ statement }) => statementCodec.decode(fromBase64url(statement)).kind);

  it("hears of a revocation at once, and at its hello if it missed one", async () => {
    const { peer, tunnel } = await admittedTo(town, "hearing");
    const { head } = await town.trust();
    await addMember(town, "p-heard", []);
    await settled();
    expect(kindsOf((await tunnel.next("trust")).page)).toContain("person.add");
    const told = (await town.trust()).head;
    expect((await town.state("person.revoke", { person: "p-heard" })).status).toBe(200);
    await settled();
    expect(kindsOf((await tunnel.next("trust")).page)).toContain("person.revoke");
    tunnel.socket.close(1000);
    const missed = await peer.connect();
    await missed.hello({ trustHead: told });
    expect(kindsOf((await missed.next("trust")).page)).toContain("person.revoke");
    missed.socket.close(1000);
    // Another history, or other revocations than ours up to there: from the root on.
    for (const trustHead of [
      { ...head, hash: fresh() },
      { ...head, revoked: fresh() },
      { ...head, n: head.n + 99 },
    ]) {
      const strange = await peer.connect();
      await strange.hello({ trustHead });
      expect((await strange.next("trust")).page.root).toBeDefined();
      strange.socket.close(1000);
    }
  });

  it("that acknowledges something else is told once more, not for ever", async () => {
    const { peer, tunnel } = await admittedTo(town, "deaf");
    const { head } = await town.trust();
    tunnel.say(await trustAck(peer, { trustHead: { ...head, revoked: fresh() } }));
    expect((await tunnel.next("trust")).page.root).toBeDefined();
    const whole = (): number =>
      tunnel.heard.filter((frame) => frame.kind === "trust" && frame.page.root !== undefined).length;
    tunnel.say(await trustAck(peer, { trustHead: { ...head, revoked: fresh() } }));
    tunnel.say({ kind: "trust-want", after: head });
    expect((await tunnel.next("trust")).page).toEqual({ statements: [] });
    expect(whole()).toBe(1);
  });

  it("that is frozen is recorded and raises an alert, by its own signed word only", async () => {
    const { peer, tunnel } = await admittedTo(town, "frozen");
    const { head } = await town.trust();
    const frozen = { reason: "fork", place: 3, mine: fresh(), other: fresh() };
    tunnel.say(await trustAck(peer, { trustHead: head, frozen }));
    while ((await entriesOf("host.frozen")).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await entriesOf("host.frozen")).toMatchObject([
      { actor: { kind: "host", id: peer.host }, target: peer.host, detail: { code: "fork", statement: frozen.mine } },
    ]);
    const alerts = await env.ALERTS.getByName(town.workspace).list(town.workspace);
    expect(alerts).toMatchObject([{ kind: "trust.forked", host: peer.host, state: "open" }]);
    const step = { alert: alerts[0]?.alert ?? "", person: "p-ada" };
    await env.ALERTS.getByName(town.workspace).resolve(town.workspace, step);
    for (let again = 0; again < 2; again += 1) {
      tunnel.say(await trustAck(peer, { trustHead: head, frozen }));
      tunnel.say({ kind: "trust-want" });
      await tunnel.next("trust");
    }
    expect(await env.ALERTS.getByName(town.workspace).list(town.workspace)).toMatchObject([
      { kind: "trust.forked", host: peer.host, state: "open", times: 1 },
      { alert: step.alert, state: "resolved" },
    ]);
    tunnel.say(await trustAck(peer, { trustHead: head }));
    tunnel.say({ kind: "trust-want" });
    await tunnel.next("trust");
    const states = (await env.ALERTS.getByName(town.workspace).list(town.workspace)).map(({ state }) => state);
    expect(states).toEqual(["resolved", "resolved"]);
  });

  it("that was reset says so in the ledger, on every screen, and hears that it was heard", async () => {
    const { peer, tunnel } = await admittedTo(town, "reset");
    const body = encodeCanonical({
      v: 1,
      workspace: town.workspace,
      host: peer.host,
      lastReceipt: { number: 7, digest: fresh() },
      at: now(),
    });
    const farewell = { kind: "farewell", signed: await signed(peer.key, "farewell", body) };
    tunnel.say(farewell);
    expect(await tunnel.next("ack")).toEqual({ kind: "ack", receipt: 8 });
    while ((await entriesOf("host.reset")).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    tunnel.say(farewell);
    await tunnel.next("ack");
    expect(await entriesOf("host.reset")).toMatchObject([{ actor: { kind: "host", id: peer.host } }]);
    const alerts = await env.ALERTS.getByName(town.workspace).list(town.workspace);
    expect(alerts.filter(({ kind, host }) => kind === "host.reset" && host === peer.host)).toHaveLength(1);
    const other = await HostPeer.at(edge, "reset by another", town.workspace);
    tunnel.say({ kind: "farewell", signed: await signed(other.key, "farewell", body) });
    expect(await tunnel.closed()).toBe(1008);
  });
});

describe("names", () => {
  it("are read by those who see ids, and one's own by everybody", async () => {
    const nobody = await addMember(town, "p-nobody", ["viewer"]);
    const { page } = await signInMember(town, nobody);
    const names = async () => (await page.must("trust"))["names"] as readonly { readonly person: string }[];
    expect((await names()).map(({ person }) => person)).toContain("p-ada");
    const blind = { id: "blind", permissions: ["channel.manage" as const], hosts: ["all"], sessionSeconds: 14_400 };
    expect((await town.state("role.define", blind)).status).toBe(200);
    expect((await town.state("role.assign", { person: "p-nobody", roles: ["blind"] })).status).toBe(200);
    expect(await names()).toEqual([]);
  });
});

it("a statement by a touch over something else is refused", async () => {
  const statement = await town.statement("person.add", { id: "p-bent", name: fresh(), roles: [] });
  const approval = encodeCanonical({
    v: 1,
    workspace: town.workspace,
    kind: "statement",
    subject: digestOf("statement", new Uint8Array(3)),
    decision: "approve",
    at: now(),
  });
  const approvals = [await asserted(town.founded.passkey, "approval", { body: approval })];
  expect((await town.page.call("trustState", { body: { ...statement, approvals } })).code).toBe("approval");
});

it("a revocation may leave fewer administrators than the rules ask for, but not none", async () => {
  await addMember(town, "p-second", ["admin"]);
  const policy = { id: "pol-two", operations: ["host.drill@1"], hosts: ["all"], people: 2 };
  expect((await town.state("policy.set", policy)).status).toBe(200);
  expect((await town.state("person.revoke", { person: "p-second" })).status).toBe(200);
  expect((await town.trust()).people.has("p-second")).toBe(false);
  expect((await town.state("policy.set", { ...policy, people: 1 })).code).toBe("people");
  expect((await town.state("person.revoke", { person: "p-ada" })).code).toBe("last_admin");
});
