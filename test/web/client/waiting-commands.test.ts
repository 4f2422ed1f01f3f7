import { beforeAll, describe, expect, it } from "vitest";
import { toBase64url } from "../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import type { ProposalRow } from "../../../protocol/contracts/proposals.ts";
import { NEWCOMER_SECONDS } from "../../../protocol/limits.ts";
import { approvalCodec, proposalCodec, type Asserted } from "../../../protocol/messages.ts";
import { digestOf } from "../../../protocol/signing.ts";
import type { Judging } from "../../../web/client/plan.ts";
import { readProposal } from "../../../web/client/waiting-commands.ts";
import type { WaitingCommand } from "../../../web/state/proposals.ts";
import type { SoftwareCredential } from "../../fixtures/authenticator.ts";
import { flipBase64url, nonceOf } from "../../fixtures/keys.ts";
import { asserted, makeWorld, NOW, type Fields, type World } from "../../fixtures/workspace.ts";

const LATER = NOW + NEWCOMER_SECONDS + 60;

let world: World;
beforeAll(async () => {
  const plain = await makeWorld();
  const policies = [
    { id: "two", operations: ["gateway.restart@1"], hosts: ["all"], people: 2 },
    { id: "three", operations: ["host.check@1"], hosts: ["all"], people: 3 },
  ];
  world = { ...plain, state: { ...plain.state, policies: new Map(policies.map((one) => [one.id, one])) } };
});

function proposalBytes(change: Fields = {}): Uint8Array {
  return encodeCanonical({
    v: 1,
    workspace: world.workspace,
    operation: "gateway.restart@1",
    args: {},
    targets: [{ host: world.host, expect: { gatewayBoot: "boot-0001" } }],
    exp: LATER + 3_600,
    id: nonceOf("proposal"),
    ...change,
  });
}

async function touched(passkey: SoftwareCredential, bytes: Uint8Array, change: Fields = {}): Promise<Asserted> {
  const approval = {
    v: 1,
    workspace: world.workspace,
    kind: "proposal",
    subject: digestOf("proposal", bytes),
    decision: "approve",
    at: LATER,
    ...change,
  };
  return asserted(passkey, "approval", { body: encodeCanonical(approval) });
}

interface Told {
  readonly bytes?: Uint8Array;
  readonly approvals?: readonly Asserted[];
  readonly by?: string;
  readonly person?: string;
  readonly judging?: Partial<Judging>;
}

async function read({ bytes = proposalBytes(), approvals, by = "p-ada", person = "p-otto", judging }: Told) {
  const row: ProposalRow = {
    kind: "command",
    digest: digestOf("proposal", bytes),
    body: toBase64url(bytes),
    approvals: [...(approvals ?? [await touched(world.people.ada.passkey, bytes)])],
    by,
    madeAt: LATER - 60,
    expires: LATER + 3_600,
  };
  const known = { state: world.state, now: LATER, originClass: "signer", ...judging } as const;
  return (await readProposal(row, known, { person, nameOf: (id) => id.slice(2) }))?.view;
}

function standing(view: WaitingCommand | undefined): string | undefined {
  if (view === undefined) return undefined;
  const { standing: found } = view;
  return "trouble" in found ? `${found.kind} ${found.trouble.code}` : found.kind;
}

describe("a proposed command", () => {
  it("is shown as the bytes say, with the touches that verify here", async () => {
    const view = await read({});
    expect(view?.facts.targets.map(({ host, expect: pinned }) => [host.label, pinned])).toEqual([
      ["host", { gatewayBoot: "boot-0001" }],
    ]);
    expect(view?.approvals.map(({ name }) => name)).toEqual(["ada"]);
    expect(view?.people).toBe(2);
    expect(view?.facts.digest).toBe(digestOf("proposal", proposalBytes()));
  });

  it("is carried out by the last person, and waits for the first one", async () => {
    expect(standing(await read({}))).toBe("carry-out");
    expect(standing(await read({ person: "p-ada" }))).toBe("waits");
  });

  it("is joined where still more people are needed", async () => {
    const bytes = proposalBytes({ operation: "host.check@1", targets: [{ host: world.host, expect: {} }] });
    const view = await read({ bytes });
    expect(view?.standing).toEqual({ kind: "join", missing: 1 });
  });

  it("cannot be approved by another passkey of the same person", async () => {
    const bytes = proposalBytes();
    const approvals = [await touched(world.people.ada.passkey, bytes), await touched(world.people.ada.daily, bytes)];
    const view = await read({ bytes, approvals, person: "p-ada" });
    expect(view?.standing).toEqual({ kind: "waits", missing: 1 });
    expect(standing(await read({ bytes, approvals }))).toBe("carry-out");
  });

  it("cannot be approved by somebody whom the first alone added within a day, and says until when", async () => {
    const now = NOW + 3_600;
    const bytes = proposalBytes({ exp: now + 3_600 });
    const view = await read({ bytes, judging: { now } });
    expect(standing(view)).toBe("not-you people");
    expect(view?.standing.kind === "not-you" && view.standing.trouble.next).toContain("23 h");
  });

  it("is told the other way round too: the one whom I added proposed it", async () => {
    const now = NOW + 3_600;
    const bytes = proposalBytes({ exp: now + 3_600 });
    const approvals = [await touched(world.people.otto.passkey, bytes)];
    const view = await read({ bytes, approvals, by: "p-otto", person: "p-ada", judging: { now } });
    expect(view?.standing.kind === "not-you" && view.standing.trouble.what).toContain("You alone added otto");
  });

  it("is not approved by two whom a third alone added within a day", async () => {
    const now = NOW + 3_600;
    const bytes = proposalBytes({ exp: now + 3_600 });
    const approvals = [await touched(world.people.otto.passkey, bytes)];
    const people = new Map(world.state.people);
    const vera = people.get("p-vera");
    if (vera === undefined) throw new TypeError("no vera");
    const state = { ...world.state, people: people.set("p-vera", { ...vera, roles: ["operator"] }) };
    const view = await read({ bytes, approvals, by: "p-otto", person: "p-vera", judging: { now, state } });
    expect(standing(view)).toBe("not-you people");
    expect(view?.standing.kind === "not-you" && view.standing.trouble.what).toContain("alone added you and otto");
  });

  it.each(["p-vera", "p-nora", "p-scot"])("is nothing for %s to approve", async (person) => {
    expect(standing(await read({ person }))).toMatch(/^not-you (role|host_scope)$/);
  });

  it("that is critical is not approved on a page of the edge", async () => {
    const bytes = proposalBytes({ operation: "host.drill@1", args: { scenario: "lost-device" } });
    const judging = { originClass: "daily" } as const;
    expect(standing(await read({ bytes, judging, person: "p-ada", approvals: [] }))).toBe("over approval_missing");
    const daily = [await touched(world.people.ada.daily, bytes)];
    expect(standing(await read({ bytes, approvals: daily }))).toBe("over role");
  });

  it("is over after its end, without its host, and when nobody's touch verifies", async () => {
    expect(standing(await read({ bytes: proposalBytes({ exp: LATER - 1 }) }))).toBe("over proposal_expired");
    const gone = proposalBytes({ targets: [{ host: "h-gone", expect: {} }] });
    expect(standing(await read({ bytes: gone }))).toBe("over target");
    const touch = await touched(world.people.ada.passkey, proposalBytes());
    const assertion = { ...touch.assertion, signature: flipBase64url(touch.assertion.signature, 80) };
    expect(standing(await read({ approvals: [{ ...touch, assertion }] }))).toBe("over approval_missing");
  });

  it.each<readonly [string, Fields]>([
    ["another proposal", { subject: nonceOf("another") }],
    ["another workspace", { workspace: nonceOf("elsewhere") }],
  ])("counts no touch over %s", async (_, change) => {
    const bytes = proposalBytes();
    const approvals = [await touched(world.people.ada.passkey, bytes, change)];
    expect((await read({ bytes, approvals }))?.approvals).toEqual([]);
  });

  it("counts no touch that was made for a command", async () => {
    const bytes = proposalBytes();
    const body = approvalCodec.encode({
      v: 1,
      workspace: world.workspace,
      kind: "intent",
      subject: digestOf("proposal", bytes),
      decision: "approve",
      after: 1,
    });
    const approvals = [await asserted(world.people.ada.passkey, "approval", { body })];
    expect((await read({ bytes, approvals }))?.approvals).toEqual([]);
  });

  it("of another workspace, or of an operation that nobody knows, is not shown at all", async () => {
    expect(await read({ bytes: proposalBytes({ workspace: nonceOf("elsewhere") }), approvals: [] })).toBeUndefined();
    expect(await read({ bytes: proposalBytes({ operation: "host.melt@1" }), approvals: [] })).toBeUndefined();
    expect(await read({ bytes: new Uint8Array([1]), approvals: [] })).toBeUndefined();
  });

  it("reads no more than what the codec admits", () => {
    expect(() => proposalCodec.decode(proposalBytes({ more: 1 }))).toThrow();
  });
});
