import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import { readTrustFile } from "../../../agent/host/trust-file.ts";
import { fromBase64url, toBase64url, utf8, utf8Text } from "../../../protocol/bytes.ts";
import { NEWCOMER_SECONDS } from "../../../protocol/limits.ts";
import { commit } from "../../../protocol/ledger.ts";
import { digestOf } from "../../../protocol/signing.ts";
import type { Statements } from "../../../web/client/statements.ts";
import { TrustKeeper } from "../../../web/client/trust.ts";
import type { PreparedStatement, StatementDraft, StatementStep } from "../../../web/state/statements.ts";
import { createCredential } from "../../fixtures/authenticator.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { asserted, makeWorld, NOW, SIGNER_RP_ID, type World } from "../../fixtures/workspace.ts";
import { read, TrustEdge } from "./trust-edge.ts";

let world: World;
let edge: TrustEdge;
let ada: Statements;
let otto: Statements;
beforeAll(async () => {
  world = await makeWorld();
});
beforeEach(async () => {
  edge = await TrustEdge.open(world);
  ada = edge.desk("p-ada", world.people.ada.passkey);
  otto = edge.desk("p-otto", world.people.otto.passkey);
});

const newcomer: StatementDraft = {
  kind: "person.add",
  body: { id: "p-mira", name: nonceOf("mira"), roles: ["viewer"] },
};
const secondAdmin: StatementDraft = { kind: "role.assign", body: { person: "p-otto", roles: ["admin"] } };
const rule: StatementDraft = {
  kind: "policy.set",
  body: { id: "two", operations: ["all"], hosts: ["all"], people: 2 },
};

async function prepared(desk: Statements, draft: StatementDraft): Promise<PreparedStatement> {
  const result = await desk.prepare(draft);
  if (!result.ok) throw new Error(result.trouble.code);
  return result.value;
}

async function codeOf(desk: Statements, draft: StatementDraft): Promise<string> {
  const result = await desk.prepare(draft);
  return result.ok ? "ok" : result.trouble.code;
}

/** How the press ended. */
async function press(statement: PreparedStatement): Promise<StatementStep> {
  let last: StatementStep = { kind: "touch" };
  for await (const step of statement.approve()) last = step;
  return last;
}

async function make(desk: Statements, draft: StatementDraft): Promise<StatementStep> {
  return press(await prepared(desk, draft));
}

describe("one person's statement", () => {
  it("is shown from its own bytes, judged, touched once, and in the log", async () => {
    const statement = await prepared(ada, newcomer);
    expect(statement).toMatchObject({ people: 1, approvedBy: [], outcome: "stated", statement: newcomer });
    expect(JSON.parse(statement.exact)).toEqual(statement.statement);
    expect(statement.statement.at).toBe(NOW);
    expect(await press(statement)).toEqual({ kind: "done", outcome: "stated" });
    expect(edge.state.people.get("p-mira")?.roles).toEqual(["viewer"]);
  });

  it("is a revocation, and the next chain statement says that it knew it", async () => {
    expect(await make(ada, { kind: "person.revoke", body: { person: "p-vera" } })).toMatchObject({ kind: "done" });
    expect(edge.state.people.has("p-vera")).toBe(false);
    expect(await make(ada, newcomer)).toMatchObject({ kind: "done" });
    expect(edge.log.at(-1)?.knew).toHaveLength(1);
    // Somebody who opens the page later verifies the same.
    const later = edge.desk("p-otto", world.people.otto.passkey);
    expect(await codeOf(later, { kind: "credential.revoke", body: { credential: "AAAA" } })).toBe("role");
  });

  it("leaves the name of somebody revoked readable, and shows none that does not fit", async () => {
    const deps = edge.deps();
    const trust = new TrustKeeper(deps);
    const opening = { salt: nonceOf("ada"), value: "Ada" };
    edge.names = [
      { person: "p-ada", opening },
      { person: "p-vera", opening },
    ];
    await make(ada, secondAdmin);
    edge.clock.set(NOW + NEWCOMER_SECONDS);
    await make(otto, { kind: "person.revoke", body: { person: "p-ada" } });
    await trust.refresh();
    expect([trust.nameOf("p-ada"), trust.nameOf("p-vera")]).toEqual(["Ada", undefined]);
  });

  it("tells people apart who chose one name: whoever is invited may choose an administrator's", async () => {
    const trust = new TrustKeeper(edge.deps());
    const twin = { salt: nonceOf("twin"), value: " ADA" };
    const body = { id: "p-mira", name: commit({ field: "name", ...twin }), roles: [] };
    await make(ada, { kind: "person.add", body });
    const first = { person: "p-ada", opening: { salt: nonceOf("ada"), value: "Ada" } };
    edge.names = [first];
    await trust.refresh();
    expect(trust.nameOf("p-ada")).toBe("Ada");
    edge.names = [first, { person: "p-mira", opening: twin }];
    await trust.refresh();
    expect([trust.nameOf("p-ada"), trust.nameOf("p-mira")]).toEqual(["Ada (p-ada)", " ADA (p-mira)"]);
  });

  it("is in the file that a person carries to a host, which reads all of it", async () => {
    await make(ada, { kind: "person.revoke", body: { person: "p-vera" } });
    await make(ada, newcomer);
    const file = ada.logFile();
    expect(file?.name).toBe(`trust-${edge.state.head.n}.jsonl`);
    expect(readTrustFile(utf8(file?.text ?? ""))).toEqual([world.root, ...edge.log]);
  });

  it("is not asked for when the rules would refuse it", async () => {
    const credential = world.people.ada.passkey.pinned.credentialId;
    expect(await codeOf(ada, { kind: "person.revoke", body: { person: "p-ada" } })).toBe("last_admin");
    expect(await codeOf(ada, { kind: "credential.revoke", body: { credential } })).toBe("last_admin");
    expect(await codeOf(ada, { kind: "role.assign", body: { person: "p-ada", roles: [] } })).toBe("last_admin");
    expect(await codeOf(ada, rule)).toBe("too_few_admins");
    expect(await codeOf(ada, { kind: "person.revoke", body: { person: "p-nobody" } })).toBe("unknown");
    expect(await codeOf(ada, { kind: "role.assign", body: { person: "p-otto", roles: ["none"] } })).toBe("unknown");
    expect(await codeOf(otto, newcomer)).toBe("role");
    expect(edge.asked).not.toContain("trustState");
  });

  it("of somebody without a role is about their own passkeys only", async () => {
    const own = world.people.otto.daily.pinned.credentialId;
    const others = world.people.vera.daily.pinned.credentialId;
    expect(await codeOf(otto, { kind: "credential.revoke", body: { credential: own } })).toBe("ok");
    expect(await codeOf(otto, { kind: "credential.revoke", body: { credential: others } })).toBe("role");
    const { pinned } = await createCredential({ rpId: SIGNER_RP_ID });
    expect(await codeOf(otto, { kind: "credential.add", body: { person: "p-otto", ...pinned } })).toBe("ok");
    expect(await codeOf(otto, { kind: "credential.add", body: { person: "p-vera", ...pinned } })).toBe("role");
  });

  it("is not made while this computer's clock and the edge's differ by more than an hour", async () => {
    for (const off of [-3_601, 3_601])
      expect(
        await codeOf(
          edge.desk("p-ada", world.people.ada.passkey, () => NOW + off),
          newcomer,
        ),
      ).toBe("clocks_differ");
    for (const off of [-3_600, 3_600])
      expect(
        await codeOf(
          edge.desk("p-ada", world.people.ada.passkey, () => NOW + off),
          newcomer,
        ),
      ).toBe("ok");
  });

  it("that came too late is not pressed: somebody else changed the log first", async () => {
    const late = await prepared(ada, newcomer);
    const other = edge.desk("p-ada", world.people.ada.passkey);
    await make(other, secondAdmin);
    await ada.prepare(newcomer);
    expect(await press(late)).toMatchObject({ kind: "failed", trouble: { code: "place" } });
    expect(edge.state.people.has("p-mira")).toBe(false);
  });
});

describe("a statement that did not know a revocation", () => {
  it("is not pressed: its author has to look again", async () => {
    const before = await prepared(ada, newcomer);
    await make(ada, { kind: "person.revoke", body: { person: "p-vera" } });
    expect(await press(before)).toMatchObject({ kind: "failed", trouble: { code: "revocations" } });
  });
});

describe("while the edge shows an older history than this machine has seen", () => {
  it("nothing is pressed, also not what was prepared before", async () => {
    const before = await prepared(ada, newcomer);
    const { n } = edge.state.head;
    const head = { n: n + 1, hash: nonceOf("later"), revoked: nonceOf("none") };
    edge.machine = () => Response.json({ workspace: world.workspace, head });
    expect(await codeOf(ada, newcomer)).toBe("older_history");
    expect(await press(before)).toMatchObject({ kind: "failed", trouble: { code: "older_history" } });
    expect(edge.asked).not.toContain("trustState");
  });
});

describe("a statement of two people", () => {
  beforeEach(async () => {
    await make(ada, secondAdmin);
    await make(ada, rule);
    edge.clock.set(NOW + NEWCOMER_SECONDS);
  });

  it("can lose one of the two to a revocation, which says what that leaves; after it nothing but revoking is left", async () => {
    const revoked = await prepared(ada, { kind: "person.revoke", body: { person: "p-otto" } });
    expect(revoked).toMatchObject({ people: 1, outcome: "stated", leaves: { administrators: 1, people: 2 } });
    expect(await prepared(ada, { kind: "person.revoke", body: { person: "p-vera" } })).not.toHaveProperty("leaves");
    expect(await press(revoked)).toEqual({ kind: "done", outcome: "stated" });
    const other: StatementDraft = { kind: "role.assign", body: { person: "p-vera", roles: ["admin"] } };
    for (const draft of [newcomer, other]) {
      const refused = await ada.prepare(draft);
      expect(refused).toMatchObject({ trouble: { code: "too_few_admins", next: expect.stringContaining("reset") } });
    }
    expect(await codeOf(ada, { kind: "person.revoke", body: { person: "p-ada" } })).toBe("last_admin");
    const more = await prepared(ada, { kind: "person.revoke", body: { person: "p-vera" } });
    expect(more).not.toHaveProperty("leaves");
    expect(await press(more)).toEqual({ kind: "done", outcome: "stated" });
  });

  it("is not done by somebody whom the first alone added within a day", async () => {
    edge.clock.set(NOW);
    const first = await prepared(ada, newcomer);
    await press(first);
    expect(await otto.review(first.digest)).toMatchObject({ value: { outcome: "joined" } });
  });

  it("waits after the first touch, and is done by the second over the same bytes", async () => {
    const first = await prepared(ada, newcomer);
    expect(first).toMatchObject({ people: 2, outcome: "proposed" });
    expect(await press(first)).toEqual({ kind: "done", outcome: "proposed" });
    expect(edge.state.people.has("p-mira")).toBe(false);
    await otto.loadWaiting();
    const waiting = otto.waiting.value;
    expect(waiting).toMatchObject({
      state: "ready",
      value: [{ digest: first.digest, approvedBy: ["p-ada"], people: 2, mine: false, statement: newcomer }],
    });
    expect([ada.forMe.value, otto.forMe.value]).toEqual([0, 1]);
    const review = await otto.review(first.digest);
    if (!review.ok) throw new Error(review.trouble.code);
    expect(review.value).toMatchObject({ exact: first.exact, approvedBy: ["p-ada"], outcome: "stated" });
    expect(await press(review.value)).toEqual({ kind: "done", outcome: "stated" });
    expect(edge.state.people.get("p-mira")?.addedBy.toSorted()).toEqual(["p-ada", "p-otto"]);
  });

  it("is not approved twice by one person", async () => {
    const first = await prepared(ada, newcomer);
    await press(first);
    const again = await ada.review(first.digest);
    expect(again).toMatchObject({ ok: false, trouble: { code: "approved_already" } });
    expect(ada.waiting.value).toMatchObject({ value: [{ mine: true }] });
  });

  it("is dead when the log moved on, and says so", async () => {
    const first = await prepared(ada, newcomer);
    await press(first);
    await make(ada, { kind: "host.remove", body: { host: world.host } });
    await otto.loadWaiting();
    expect(otto.waiting.value).toMatchObject({ value: [{ trouble: { code: "place" } }] });
    expect(await otto.review(first.digest)).toMatchObject({ ok: false, trouble: { code: "place" } });
  });

  it("is not shown when its name, its bytes or a touch do not fit", async () => {
    await make(ada, newcomer);
    const [row] = edge.proposals;
    if (row === undefined) throw new TypeError("nothing waits");
    const statement = { ...read({ statement: row.body, approvals: [] }), body: { ...newcomer.body, roles: ["admin"] } };
    const bent = encodeCanonical(statement);
    const daily = await asserted(world.people.ada.daily, "approval", {
      body: fromBase64url(row.approvals[0]?.body ?? ""),
    });
    for (const change of [
      { body: toBase64url(bent) },
      { body: toBase64url(bent), digest: digestOf("statement", bent) },
      { body: "AAAA" },
      { approvals: [daily] },
    ]) {
      edge.proposals = [{ ...row, ...change }];
      await otto.loadWaiting();
      expect(otto.waiting.value).toEqual({ state: "ready", value: [] });
    }
    expect(await otto.review(row.digest)).toMatchObject({ ok: false, trouble: { code: "proposal_gone" } });
  });

  it.each([
    ["ahead", 4_000],
    ["back", -100_000],
  ])("is not approved when its own time lies far %s: the ends of grants are counted from it", async (_, seconds) => {
    edge.clock.set(NOW + 2 * NEWCOMER_SECONDS);
    await make(ada, newcomer);
    const [row] = edge.proposals;
    if (row === undefined) throw new TypeError("nothing waits");
    const written = read({ statement: row.body, approvals: [] });
    const statement = encodeCanonical({ ...written, at: written.at + seconds });
    const digest = digestOf("statement", statement);
    const approval = {
      ...(JSON.parse(utf8Text(fromBase64url(row.approvals[0]?.body ?? ""))) as object),
      subject: digest,
    };
    const approvals = [await asserted(world.people.ada.passkey, "approval", { body: encodeCanonical(approval) })];
    edge.proposals = [{ ...row, digest, body: toBase64url(statement), approvals }];
    await otto.loadWaiting();
    expect(otto.forMe.value).toBe(0);
    expect(await otto.review(digest)).toMatchObject({ ok: false, trouble: { code: "other_time" } });
  });

  it("is withdrawn", async () => {
    const first = await prepared(ada, newcomer);
    await press(first);
    expect(await ada.withdraw(first.digest)).toMatchObject({ ok: true });
    expect(ada.waiting.value).toEqual({ state: "ready", value: [] });
  });

  it("needs nobody else to take something back", async () => {
    const statement = await prepared(ada, { kind: "person.revoke", body: { person: "p-vera" } });
    expect(statement).toMatchObject({ people: 1, outcome: "stated" });
  });
});
