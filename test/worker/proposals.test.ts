/** Commands and statements that several people approve, and commands for several hosts. */
import { beforeAll, describe, expect, it } from "vitest";
import { fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import type { Asserted } from "../../protocol/messages.ts";
import { digestOf } from "../../protocol/signing.ts";
import type { SignedStatement } from "../../protocol/trust/statements.ts";
import { createCredential, FLAGS, type SoftwareCredential } from "../fixtures/authenticator.ts";
import { admittedTo } from "../fixtures/edge/admitted.ts";
import type { HostPeer, Tunnel } from "../fixtures/edge/host-peer.ts";
import {
  approvalOf,
  enrolDaily,
  registerPasskeyAt,
  signInMember,
  submissionBy,
  type SignedIn,
} from "../fixtures/edge/people.ts";
import { proposalFor, proposedBy } from "../fixtures/edge/proposed.ts";
import type { Town } from "../fixtures/edge/town.ts";
import { asserted, ELSEWHERE_ROLE, stated, type Fields } from "../fixtures/workspace.ts";
import { fresh, ledgerBodies, now } from "./client.ts";
import { env } from "./environment.ts";
import { addYesterday, oldTown } from "./old-town.ts";

let town: Town;
let otto: SignedIn;
let olga: SignedIn;
let bea: SignedIn;
let cid: SignedIn;
let vera: SignedIn;
/** May operate another host only. */
let scot: SignedIn;
/** Bea's, of a page that the edge serves. */
let daily: SoftwareCredential;
let host: HostPeer;
let tunnel: Tunnel;

beforeAll(async () => {
  town = await oldTown();
  const roles = {
    bea: "admin",
    cid: "admin",
    otto: "operator",
    olga: "operator",
    vera: "viewer",
    scot: ELSEWHERE_ROLE,
  };
  const members = new Map<string, SignedIn>();
  for (const [name, role] of Object.entries(roles)) {
    // Whom one person has just added counts as that person.
    const member = await addYesterday(town, `p-${name}`, [role]);
    members.set(name, await signInMember(town, member, `session p-${name}`));
  }
  const named = (name: keyof typeof roles): SignedIn => {
    const member = members.get(name);
    if (member === undefined) throw new Error(name);
    return member;
  };
  [bea, cid, otto, olga] = [named("bea"), named("cid"), named("otto"), named("olga")];
  [vera, scot] = [named("vera"), named("scot")];
  daily = (await enrolDaily(town)).passkey;
  expect((await town.state("credential.add", { person: "p-bea", ...daily.pinned })).status).toBe(200);
  ({ peer: host, tunnel } = await admittedTo(town, "two people's host"));
  const rule = { id: "pol-two", operations: ["host.check@1"], hosts: ["all"], people: 2 };
  expect((await town.state("policy.set", rule)).status).toBe(200);
}, 30_000);

const proposalBytes = (change: Fields = {}): Uint8Array<ArrayBuffer> => proposalFor(town, host.host, change);
const proposing = (by: SignedIn, bytes: Uint8Array, approval: Fields = {}) =>
  proposedBy(town, by.passkey, { bytes, approval });

const waiting = async (by: SignedIn): Promise<readonly Fields[]> =>
  (await by.page.must("proposals"))["proposals"] as readonly Fields[];
const entries = async (action: string, proposal: string): Promise<readonly Fields[]> =>
  (await ledgerBodies(town.workspace)).filter(
    (entry) => entry["action"] === action && (entry["detail"] as Fields)["proposal"] === proposal,
  );

describe("a command for two people", () => {
  it("waits after the first touch, and goes through with the second's", async () => {
    const bytes = proposalBytes();
    const { digest, approval, body } = await proposing(otto, bytes);
    expect((await otto.page.must("propose", { body }))["digest"]).toBe(digest);
    expect(await waiting(olga)).toMatchObject([
      { kind: "command", digest, body: toBase64url(bytes), approvals: [approval], by: "p-otto" },
    ]);
    expect(await entries("proposal.made", digest)).toMatchObject([
      { actor: { kind: "person", id: "p-otto" }, target: host.host, detail: { operation: "host.check@1" } },
    ]);
    // One person alone, or without the first's touch, is not enough.
    const alone = await submissionBy(town, olga, { hosts: [host.host] });
    expect((await olga.page.call("command", { body: alone.body })).code).toBe("people");
    const twice = await submissionBy(town, otto, { hosts: [host.host], proposal: { bytes, approvals: [approval] } });
    expect((await otto.page.call("command", { body: twice.body })).code).toBe("people");
    const proposal = { bytes, approvals: [approval] };
    const other = await submissionBy(town, olga, {
      hosts: [host.host],
      proposal: { bytes: proposalBytes({ targets: [{ host: "h-elsewhere", expect: {} }] }), approvals: [approval] },
    });
    expect((await olga.page.call("command", { body: other.body })).code).toBe("proposal");
    const both = await submissionBy(town, olga, { hosts: [host.host], proposal });
    expect((await olga.page.call("command", { body: both.body })).status).toBe(200);
    const { envelope } = await tunnel.next("deliver");
    expect(new TextDecoder().decode(fromBase64url(envelope))).toContain(toBase64url(bytes));
    expect(await entries("command.accepted", digest)).toHaveLength(1);
    await expect.poll(() => waiting(olga), { timeout: 10_000 }).toEqual([]); // the object is told after the answer
  });

  it("is judged like the command itself before it waits", async () => {
    const touch = async (by: SignedIn, bytes: Uint8Array, change: Fields = {}) => {
      const { body } = await proposing(by, bytes, change);
      return (await by.page.call("propose", { body })).code;
    };
    const stranger: SignedIn = { ...otto, passkey: await createCredential({ rpId: "clawhold.localhost" }) };
    expect(await touch(vera, proposalBytes())).toBe("role");
    expect(await touch(otto, proposalBytes({ operation: "host.drill@1", args: { scenario: "second-person" } }))).toBe(
      "role",
    );
    expect(await touch(otto, proposalBytes({ operation: "host.format@1" }))).toBe("operation");
    expect(await touch(otto, proposalBytes({ args: { force: true } }))).toBe("malformed");
    expect(await touch(otto, proposalBytes({ operation: "gateway.restart@1" }))).toBe("expect");
    expect(await touch(otto, proposalBytes({ targets: [{ host: "h-nobody", expect: {} }] }))).toBe("target");
    expect(await touch(otto, proposalBytes({ workspace: fresh() }))).toBe("workspace");
    expect(await touch(otto, proposalBytes({ exp: now() - 1 }))).toBe("proposal_expired");
    expect(await touch(otto, proposalBytes({ exp: now() + 86_400 + 120 }))).toBe("proposal_expired");
    expect(await touch(otto, proposalBytes({ extra: 1 }))).toBe("proposal");
    expect(await touch(otto, proposalBytes(), { subject: fresh() })).toBe("approval_subject");
    expect(await touch(otto, proposalBytes(), { kind: "statement" })).toBe("approval_subject");
    expect(await touch(otto, proposalBytes(), { workspace: fresh() })).toBe("approval_subject");
    expect(await touch(stranger, proposalBytes())).toBe("people");
    expect(await touch(scot, proposalBytes())).toBe("host_scope");
    const drill = proposalBytes({ operation: "host.drill@1", args: { scenario: "second-person" } });
    expect(await touch({ ...bea, passkey: daily }, drill)).toBe("class_origin");
    const bytes = proposalBytes();
    const { approval } = await proposing(otto, bytes);
    const untouched = await asserted(otto.passkey, "approval", {
      body: fromBase64url(approval.body),
      knobs: { flags: FLAGS.UP },
    });
    const bent = { kind: "command", body: toBase64url(bytes), approval: untouched };
    expect((await otto.page.call("propose", { body: bent })).code).toBe("approval.user_verification");
    // Nobody brings somebody else's touch.
    const { body } = await proposing(otto, proposalBytes());
    expect((await olga.page.call("propose", { body })).code).toBe("people");
    expect(await waiting(olga)).toEqual([]);
  });

  it("is joined once by each, withdrawn by its maker or an administrator, and runs out", async () => {
    const bytes = proposalBytes();
    const { digest, body } = await proposing(otto, bytes);
    await otto.page.must("propose", { body });
    const joining = async (by: SignedIn, change: Fields = {}) => {
      const approval = await approvalOf(town, by.passkey, { kind: "proposal", subject: digest, ...change });
      return (await by.page.call("joinProposal", { params: { digest }, body: { approval } })).code;
    };
    expect(await joining(otto)).toBe("proposal_joined");
    expect(await joining(vera)).toBe("role");
    expect(await joining(olga, { subject: fresh() })).toBe("approval_subject");
    expect(await joining(olga)).toBeUndefined();
    expect(await entries("proposal.approved", digest)).toMatchObject([{ actor: { id: "p-olga" } }]);
    expect((await waiting(vera))[0]?.["approvals"]).toHaveLength(2);
    const withdraw = async (by: SignedIn) => (await by.page.call("withdrawProposal", { params: { digest } })).code;
    expect(await withdraw(olga)).toBe("forbidden");
    expect(await withdraw(bea)).toBeUndefined();
    expect(await entries("proposal.withdrawn", digest)).toMatchObject([{ actor: { id: "p-bea" } }]);
    expect(await withdraw(otto)).toBe("proposal_unknown");
    const late = await proposing(otto, proposalBytes());
    await otto.page.must("propose", { body: late.body });
    await env.DB.prepare("UPDATE proposals SET expires = ?").bind(now()).run();
    expect(await waiting(otto)).toEqual([]);
    const approval = await approvalOf(town, olga.passkey, { kind: "proposal", subject: late.digest });
    const params = { digest: late.digest };
    expect((await olga.page.call("joinProposal", { params, body: { approval } })).code).toBe("proposal_unknown");
  });

  it("is refused when its proposal has run out meanwhile", async () => {
    const bytes = proposalBytes({ exp: now() - 400 });
    const approval = await approvalOf(town, otto.passkey, { kind: "proposal", subject: digestOf("proposal", bytes) });
    const { body } = await submissionBy(town, olga, { hosts: [host.host], proposal: { bytes, approvals: [approval] } });
    expect((await olga.page.call("command", { body })).code).toBe("proposal_expired");
  });
});

describe("a statement for two people", () => {
  /** By both of them, over the same bytes. */
  async function statementOf(by: SignedIn, id: string, change: Fields = {}): Promise<SignedStatement> {
    const state = await town.trust();
    return stated(
      { state, by: by.passkey },
      { kind: "person.add", body: { id, name: fresh(), roles: [] } },
      (draft) => {
        Object.assign(draft.statement, { at: Math.max(now(), state.chain.at), ...change });
      },
    );
  }
  const bodyOf = ({ statement, approvals }: SignedStatement) => ({
    kind: "statement",
    body: statement,
    approval: approvals[0],
  });
  const digestOfStatement = ({ statement }: SignedStatement): string => digestOf("statement", fromBase64url(statement));
  const touchOf = (by: SignedIn, statement: SignedStatement): Promise<Asserted> =>
    approvalOf(town, by.passkey, { kind: "statement", subject: digestOfStatement(statement) });

  it("waits after the first touch, also past the time in which one must be made, and is stated with the second", async () => {
    const first = await statementOf(bea, "p-new");
    expect((await bea.page.call("trustState", { body: first })).code).toBe("people");
    const digest = digestOfStatement(first);
    expect((await bea.page.must("propose", { body: bodyOf(first) }))["digest"]).toBe(digest);
    expect(await waiting(cid)).toMatchObject([{ kind: "statement", digest, body: first.statement, by: "p-bea" }]);
    expect(
      (await vera.page.call("joinProposal", { params: { digest }, body: { approval: await touchOf(vera, first) } }))
        .code,
    ).toBe("role");
    const approvals = [...first.approvals, await touchOf(cid, first)];
    expect((await cid.page.call("trustState", { body: { ...first, approvals } })).status).toBe(200);
    expect((await town.trust()).people.has("p-new")).toBe(true);
    expect(await waiting(cid)).toEqual([]);
  });

  it("of some hours ago counts only if it was proposed then", async () => {
    const state = await town.trust();
    const old = await statementOf(bea, "p-old", { at: state.chain.at });
    await bea.page.must("propose", { body: bodyOf(old) });
    // As if it had waited: only the edge's memory of it is younger than the statement.
    const digest = digestOfStatement(old);
    expect((await env.DB.prepare("SELECT expires FROM proposals WHERE digest = ?").bind(digest).all()).results).toEqual(
      [{ expires: state.chain.at + 86_400 }],
    );
    const strange = await statementOf(bea, "p-strange", { at: state.chain.at + 3_600 });
    expect((await bea.page.call("propose", { body: bodyOf(strange) })).code).toBe("time");
    await bea.page.must("withdrawProposal", { params: { digest } });
  });

  it("that one person may state needs no proposal, and a revocation never waits", async () => {
    const state = await town.trust();
    const at = Math.max(now(), state.chain.at);
    const renewal = await stated(
      { state, by: bea.passkey },
      { kind: "role.assign", body: { person: "p-vera", roles: ["viewer"] } },
      (draft) => void (draft.statement["at"] = at),
    );
    expect((await bea.page.call("propose", { body: bodyOf(renewal) })).code).toBe("proposal_needless");
    const revocation = await stated(
      { state, by: bea.passkey },
      { kind: "person.revoke", body: { person: "p-vera" } },
      (draft) => void (draft.statement["at"] = at),
    );
    expect((await bea.page.call("propose", { body: bodyOf(revocation) })).code).toBe("malformed");
  });

  it("is gone when the log moved on without it", async () => {
    const dead = await statementOf(bea, "p-dead");
    await bea.page.must("propose", { body: bodyOf(dead) });
    expect((await town.state("role.assign", { person: "p-vera", roles: ["viewer"] })).status).toBe(200);
    expect(await waiting(cid)).toEqual([]);
    expect((await bea.page.call("propose", { body: bodyOf(dead) })).code).toBe("place");
  });

  it("adds only a passkey that was registered here, before anybody else reads it", async () => {
    const passkey = await createCredential({ rpId: "clawhold.localhost" });
    const state = await town.trust();
    const adding = await stated(
      { state, by: bea.passkey },
      { kind: "credential.add", body: { person: "p-vera", ...passkey.pinned } },
      (draft) => void (draft.statement["at"] = Math.max(now(), state.chain.at)),
    );
    expect((await bea.page.call("propose", { body: bodyOf(adding) })).code).toBe("passkey_unregistered");
    await registerPasskeyAt(vera.page, passkey);
    expect((await bea.page.call("propose", { body: bodyOf(adding) })).status).toBe(200);
  });
});

describe("a command for several hosts", () => {
  it("has an entry and a state for each; one that is away or refuses holds up no other", async () => {
    const second = await admittedTo(town, "second host");
    const third = await admittedTo(town, "third host");
    third.tunnel.socket.close(1000);
    const hosts = [host.host, second.peer.host, third.peer.host].toSorted();
    const targets = hosts.map((name) => ({ host: name, expect: {} }));
    const bytes = proposalBytes({ targets });
    const approval = await approvalOf(town, otto.passkey, { kind: "proposal", subject: digestOf("proposal", bytes) });
    const { body, digest } = await submissionBy(town, olga, { hosts, proposal: { bytes, approvals: [approval] } });
    const asked = olga.page.must("command", { body });
    await tunnel.next("deliver");
    await second.tunnel.next("deliver");
    tunnel.say(await host.receipt(digest));
    second.tunnel.say({ kind: "refused", subject: digest, code: "challenge" });
    const { statuses } = (await asked) as { readonly statuses: readonly Fields[] };
    expect(statuses.map((status) => status["host"])).toEqual(hosts);
    const stateOn = (name: string) => statuses.find((status) => status["host"] === name);
    expect(stateOn(host.host)).toMatchObject({ state: "receipted" });
    expect(stateOn(second.peer.host)).toMatchObject({ state: "refused", code: "challenge" });
    expect(stateOn(third.peer.host)).toMatchObject({ state: "queued" });
    const accepted = (await ledgerBodies(town.workspace)).filter(
      ({ action, detail }) => action === "command.accepted" && (detail as Fields)["intent"] === digest,
    );
    expect(accepted.map(({ target }) => String(target)).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(hosts);
    // Handed in again: the same entries.
    await olga.page.must("command", { body });
    const again = (await ledgerBodies(town.workspace)).filter(
      ({ action, detail }) => action === "command.accepted" && (detail as Fields)["intent"] === digest,
    );
    expect(again).toHaveLength(3);
    for (const name of hosts) {
      const status = await olga.page.must("commandStatus", { params: { intent: digest, host: name } });
      expect(status).toMatchObject({ host: name, intent: digest });
    }
    // One host outside the role, and the whole is refused before anybody is asked.
    const strange = await submissionBy(town, olga, { hosts: [...hosts, "h-nobody"] });
    expect((await olga.page.call("command", { body: strange.body })).code).toBe("people");
  });

  it("names every host's state when the ledger takes some entries and not others", async () => {
    const second = await admittedTo(town, "recorded host");
    const hosts = [host.host, second.peer.host].toSorted();
    const bytes = proposalBytes({ targets: hosts.map((name) => ({ host: name, expect: {} })) });
    const approval = await approvalOf(town, otto.passkey, { kind: "proposal", subject: digestOf("proposal", bytes) });
    const { body, digest } = await submissionBy(town, olga, { hosts, proposal: { bytes, approvals: [approval] } });
    await env.DB.exec(
      `CREATE TRIGGER partly BEFORE INSERT ON ledger WHEN NEW.body LIKE '%command.accepted%"target":"${second.peer.host}"%' BEGIN SELECT RAISE(ABORT, 'no'); END`,
    );
    const { code } = await olga.page.call("command", { body });
    await env.DB.exec("DROP TRIGGER partly");
    // Entries that arrive together are one transaction: all or some.
    expect(["ledger_partly", "ledger_unavailable"]).toContain(code);
    expect((await olga.page.call("command", { body })).status).toBe(200);
    expect(
      (await olga.page.must("commandStatus", { params: { intent: digest, host: second.peer.host } }))["host"],
    ).toBe(second.peer.host);
  });
});
