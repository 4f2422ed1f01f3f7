import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { fromBase64url, toBase64url, utf8Text } from "../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import type { ProposalRow } from "../../../protocol/contracts/proposals.ts";
import { approvalCodec, intentCodec, proposalCodec } from "../../../protocol/messages.ts";
import { digestOf } from "../../../protocol/signing.ts";
import { Proposals } from "../../../web/client/proposals.ts";
import { SessionKeys } from "../../../web/client/session-keys.ts";
import { makeSessionKeys } from "../../../web/client/signer.ts";
import { TroubleError, UNREACHABLE } from "../../../web/client/trouble.ts";
import type { ProposalsDeps } from "../../../web/client/proposals.ts";
import type { Vault } from "../../../web/client/vault.ts";
import type { Order } from "../../../web/state/orders.ts";
import type { ProposalStep } from "../../../web/state/proposals.ts";
import { assertion, type SoftwareCredential } from "../../fixtures/authenticator.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { makeTeam, type Team } from "../../fixtures/team.ts";
import { asserted, NOW, type Fields } from "../../fixtures/workspace.ts";
import { digestBytes } from "../../../protocol/signing.ts";

/** Whose authenticator is before the page, and what it was asked to sign. */
const before: { credential: SoftwareCredential | undefined; closes: boolean } = {
  credential: undefined,
  closes: false,
};
beforeEach(() => {
  vi.stubGlobal("location", { hostname: "clawhold.localhost" });
  vi.stubGlobal("PublicKeyCredential", Credential);
  vi.stubGlobal("AuthenticatorAssertionResponse", Answer);
  vi.stubGlobal("navigator", { credentials: { get: answer } });
});
afterEach(() => vi.unstubAllGlobals());

class Answer {
  clientDataJSON = new ArrayBuffer(0);
  authenticatorData = new ArrayBuffer(0);
  signature = new ArrayBuffer(0);
}
class Credential {
  id = "";
  response = new Answer();
}

async function answer({ publicKey }: { publicKey: { challenge: Uint8Array<ArrayBuffer> } }): Promise<Credential> {
  if (before.closes || before.credential === undefined) throw new DOMException("closed", "NotAllowedError");
  const made = await assertion(before.credential, publicKey.challenge);
  const credential = new Credential();
  credential.id = made.credentialId;
  credential.response.clientDataJSON = fromBase64url(made.clientData).buffer;
  credential.response.authenticatorData = fromBase64url(made.authenticatorData).buffer;
  credential.response.signature = fromBase64url(made.signature).buffer;
  return credential;
}

let team: Team;
beforeAll(async () => {
  team = await makeTeam();
});

interface Edge {
  rows: ProposalRow[];
  readonly sent: { readonly name: string; readonly input: Fields }[];
  /** What the gateway on the host says of its start. */
  boot: string;
  /** What it calls its configuration. */
  config: string;
}

const edge = (rows: ProposalRow[] = []): Edge => ({
  rows,
  sent: [],
  boot: "boot-0001",
  config: nonceOf("configuration"),
});

async function desk(far: Edge, person = "p-ada"): Promise<Proposals> {
  const { keys, publicKey } = await makeSessionKeys();
  const vault = { get: () => Promise.resolve(undefined), set: () => Promise.resolve() } as unknown as Vault;
  const session = new SessionKeys({ vault, client: { use: () => undefined } });
  const certificate = await asserted(team.people.ada.passkey, "session", { body: new Uint8Array([1]) });
  session.enter({ keys, publicKey, certificate, digest: nonceOf("session"), person, credentialId: "c", expires: 1 });
  const call = async (name: string, input: Fields) => {
    if (name === "proposals") return { proposals: far.rows, now: NOW };
    if (name === "prepare") return { prepared: await prepared(far, input) };
    far.sent.push({ name, input });
    return { ok: true };
  };
  const { state } = team;
  return new Proposals({
    client: { call },
    trust: {
      refresh: () => Promise.resolve(state),
      state: { value: state },
      nameOf: () => undefined,
      requireKnownPast: () => undefined,
    },
    hosts: {},
    keys: session,
    now: () => NOW,
    originClass: () => "signer",
  } as unknown as ProposalsDeps);
}

async function prepared({ boot, config }: Edge, input: Fields) {
  const { body } = (input as { body: { prepare: { body: string } } }).body.prepare;
  const bytes = encodeCanonical({
    v: 1,
    workspace: team.workspace,
    host: team.host,
    prepare: digestOf("prepare", fromBase64url(body)),
    challenge: nonceOf("challenge"),
    hostBoot: nonceOf("boot"),
    now: NOW,
    trustHead: team.state.head,
    facts: { gatewayBoot: boot, configHash: config },
  });
  return { body: toBase64url(bytes), signature: await team.keys.host.sign("prepared", bytes) };
}

const drill = (): Order => ({ operation: "host.drill@1", args: { scenario: "lost-device" }, hostIds: [team.host] });

async function all(steps: AsyncIterable<ProposalStep>): Promise<readonly string[]> {
  const seen: string[] = [];
  for await (const step of steps) seen.push(step.kind === "failed" ? `failed ${step.trouble.code}` : step.kind);
  return seen;
}

/** Bea's proposal as the edge keeps it; `change` bends it before she touches it. */
async function waiting(change: Fields = {}): Promise<ProposalRow> {
  const bytes = encodeCanonical({
    v: 1,
    workspace: team.workspace,
    operation: "host.drill@1",
    args: { scenario: "lost-device" },
    targets: [{ host: team.host, expect: {} }],
    exp: NOW + 3_600,
    id: nonceOf("proposal"),
    ...change,
  });
  const digest = digestOf("proposal", bytes);
  const approval = { v: 1, workspace: team.workspace, kind: "proposal", subject: digest, decision: "approve", at: NOW };
  const touch = await asserted(team.more.bea.passkey, "approval", { body: encodeCanonical(approval) });
  const row = { body: toBase64url(bytes), approvals: [touch], by: "p-bea", madeAt: NOW - 60, expires: NOW + 3_600 };
  return { kind: "command", digest, ...row };
}

describe("proposing", () => {
  it("shows what the bytes say, and hands over exactly those with one touch over them", async () => {
    const far = edge();
    before.credential = team.people.ada.passkey;
    const drafted = await (await desk(far)).draft(drill());
    if (!drafted.ok) throw new Error(drafted.trouble.code);
    const { facts, people, others } = drafted.value;
    expect(facts).toMatchObject({ operation: "host.drill@1", class: "critical", args: { scenario: "lost-device" } });
    expect([people, others.includes("p-bea"), others.includes("p-pup"), others.includes("p-otto")]).toEqual([
      2,
      true,
      false,
      false,
    ]);
    expect(await all(drafted.value.approve(new AbortController().signal))).toEqual(["touch", "sending", "done"]);
    const [{ name, input } = { name: "", input: {} }] = far.sent;
    const body = (input as { body: { kind: string; body: string; approval: { body: string; assertion: unknown } } })
      .body;
    expect([name, body.kind, utf8Text(fromBase64url(body.body))]).toEqual(["propose", "command", facts.exact]);
    expect(proposalCodec.decode(fromBase64url(body.body)).exp).toBe(NOW + 86_400);
    expect(approvalCodec.decode(fromBase64url(body.approval.body))).toMatchObject({
      kind: "proposal",
      subject: facts.digest,
    });
  });

  it("pins what the host says must still be so, and nothing where nothing must", async () => {
    const desked = await desk(edge());
    const restart = await desked.draft({ operation: "gateway.restart@1", args: {}, hostIds: [team.host] });
    expect(restart.ok && restart.value.facts.targets[0]?.expect).toEqual({ gatewayBoot: "boot-0001" });
    const rehearsal = await desked.draft(drill());
    expect(rehearsal.ok && rehearsal.value.facts.targets[0]?.expect).toEqual({});
  });

  it("sends nothing when the authenticator is closed", async () => {
    const far = edge();
    const drafted = await (await desk(far)).draft(drill());
    before.closes = true;
    expect(drafted.ok && (await all(drafted.value.approve(new AbortController().signal)))).toEqual([
      "touch",
      "cancelled",
    ]);
    before.closes = false;
    expect(far.sent).toEqual([]);
  });

  it("is refused to somebody whose role does not allow it", async () => {
    const drafted = await (await desk(edge(), "p-vera")).draft(drill());
    expect(!drafted.ok && drafted.trouble.code).toBe("role");
  });
});

describe("what waits", () => {
  it("counts for a person only what that person can do something about", async () => {
    const far = edge([await waiting(), await waiting({ exp: NOW - 1, id: nonceOf("late") })]);
    const mine = await desk(far);
    await mine.load();
    expect(mine.forMe.value).toBe(1);
    const hers = await desk(far, "p-bea");
    await hers.load();
    expect(hers.forMe.value).toBe(0);
  });

  it("is carried out over exactly the hosts and arguments that were approved, with the touches before", async () => {
    const row = await waiting();
    const asked = await (await desk(edge([row]))).carryOut(row.digest);
    if (!asked.ok) throw new Error(asked.trouble.code);
    expect(asked.value.mayLeaveOut).toBe(false);
    const command = asked.value.command();
    expect(command.approvedBefore).toEqual(["p-bea"]);
    const intent = intentCodec.decode(new TextEncoder().encode(command.exactIntent));
    expect(intent).toMatchObject({
      operation: "host.drill@1",
      args: { scenario: "lost-device" },
      proposal: row.digest,
    });
  });

  it("is not carried out when the gateway restarted since", async () => {
    const row = await waiting({
      operation: "gateway.restart@1",
      args: {},
      targets: [{ host: team.host, expect: { gatewayBoot: "boot-0001" } }],
    });
    const far = edge([row]);
    const honest = await (await desk(far)).carryOut(row.digest);
    expect(honest.ok && honest.value.unanswered).toEqual([]);
    far.boot = "boot-0002";
    const late = await (await desk(far)).carryOut(row.digest);
    expect(late.ok && late.value.unanswered.map(({ trouble }) => [trouble.code, trouble.what])).toEqual([
      ["expect", "The gateway restarted since it was proposed."],
    ]);
    expect(late.ok && late.value.answered).toEqual([]);
  });

  it("is not carried out when the configuration changed since", async () => {
    const row = await waiting({
      operation: "config.rollback@1",
      args: { version: 1 },
      targets: [{ host: team.host, expect: { configHash: nonceOf("configuration") } }],
    });
    const far = edge([row]);
    const honest = await (await desk(far)).carryOut(row.digest);
    expect(honest.ok && honest.value.unanswered).toEqual([]);
    expect(honest.ok && honest.value.command().facts.targets[0]?.expect).toEqual({
      configHash: nonceOf("configuration"),
    });
    far.config = nonceOf("another configuration");
    const late = await (await desk(far)).carryOut(row.digest);
    expect(late.ok && late.value.unanswered.map(({ trouble }) => [trouble.code, trouble.what])).toEqual([
      ["expect", "The gateway's configuration changed since it was proposed."],
    ]);
  });

  it.each<readonly [string, string, string]>([
    ["its own maker", "p-bea", "people"],
    ["somebody without the role", "p-vera", "role"],
  ])("is not carried out by %s", async (_, person, code) => {
    const row = await waiting();
    const asked = await (await desk(edge([row]), person)).carryOut(row.digest);
    expect(!asked.ok && asked.trouble.code).toBe(code);
  });

  it("is carried out by a newcomer whom nobody among them added", async () => {
    const row = await waiting();
    expect((await (await desk(edge([row]), "p-pup")).carryOut(row.digest)).ok).toBe(true);
  });

  it("is gone when the edge has it no more", async () => {
    const asked = await (await desk(edge())).carryOut(nonceOf("nothing"));
    expect(!asked.ok && asked.trouble.code).toBe("proposal_gone");
    expect(await all((await desk(edge())).join(nonceOf("nothing"), new AbortController().signal))).toEqual([
      "failed proposal_gone",
    ]);
  });

  it("is joined by a touch over the digest of those bytes", async () => {
    const row = await waiting();
    const far = edge([row]);
    before.credential = team.people.ada.passkey;
    expect(await all((await desk(far)).join(row.digest, new AbortController().signal))).toEqual([
      "touch",
      "sending",
      "done",
    ]);
    const [{ input } = { input: {} }] = far.sent;
    const { approval } = (input as { body: { approval: { body: string; assertion: { clientData: string } } } }).body;
    expect(approvalCodec.decode(fromBase64url(approval.body))).toMatchObject({ kind: "proposal", subject: row.digest });
    const { challenge } = JSON.parse(utf8Text(fromBase64url(approval.assertion.clientData))) as { challenge: string };
    expect(challenge).toBe(toBase64url(digestBytes("approval", fromBase64url(approval.body))));
  });

  it("is withdrawn by its digest", async () => {
    const row = await waiting();
    const far = edge([row]);
    expect(await (await desk(far)).withdraw(row.digest)).toEqual({ ok: true, value: undefined });
    expect(far.sent[0]).toMatchObject({ name: "withdrawProposal", input: { params: { digest: row.digest } } });
  });

  it("stays on the page while the edge is away", async () => {
    const row = await waiting();
    const far = edge([row]);
    const mine = await desk(far);
    await mine.load();
    Object.defineProperty(far, "rows", {
      get: () => {
        throw new TroubleError(UNREACHABLE);
      },
    });
    await mine.load();
    expect(mine.waiting.value.state).toBe("ready");
    const fresh = await desk(far);
    await fresh.load();
    expect(fresh.waiting.value).toMatchObject({ state: "failed", trouble: { code: "unreachable" } });
  });
});
