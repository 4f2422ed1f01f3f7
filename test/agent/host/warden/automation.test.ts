/** Commands that carry out a proposal, and commands of automation keys, at the journal of the host. */
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { fromBase64url, toBase64url, utf8Text } from "../../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../../protocol/canonical.ts";
import { preparedCodec, type Prepared } from "../../../../protocol/messages.ts";
import { digestOf, type Signer } from "../../../../protocol/signing.ts";
import type { SealedCommand } from "../../../fixtures/command.ts";
import { nonceOf, signed, signerOf } from "../../../fixtures/keys.ts";
import { applied, asserted, NOW, stated, type Fields, type World } from "../../../fixtures/workspace.ts";
import { Rig, theWorld, until } from "./rig.ts";

const KEY = "k-pipeline";
const RATE = { commands: 2, seconds: 600 };
let world: World;
let key: Signer;
beforeAll(async () => {
  const plain = await theWorld();
  key = await signerOf("pipeline");
  const granting = await stated(
    { state: plain.state, by: plain.people.ada.passkey },
    {
      kind: "automation-key.add",
      body: {
        id: KEY,
        publicKey: key.publicKey,
        label: "CI",
        operations: [{ operation: "gateway.restart@1", limits: [] }],
        hosts: [plain.host],
        rate: RATE,
        until: NOW + 86_400,
      },
    },
  );
  world = {
    ...plain,
    statements: [...plain.statements, granting],
    state: await applied(plain.state, granting),
  };
});

let host: Rig;
async function open(): Promise<void> {
  host = await Rig.open({ world });
  await host.welcome();
}
afterEach(async () => {
  expect(host.faults).toEqual([]);
  await host.close();
});

let count = 0;
async function preparedForKey(): Promise<Prepared> {
  const body = encodeCanonical({
    v: 1,
    workspace: world.workspace,
    host: world.host,
    actor: { automationKey: KEY },
    operation: "gateway.restart@1",
    jti: nonceOf(`jti of a key ${String((count += 1))}`),
  });
  const frame = await host.prepareWith(await signed(key, "prepare", body));
  if (frame.kind !== "prepared") throw new Error(JSON.stringify(frame));
  return preparedCodec.decode(fromBase64url(frame.signed.body));
}

async function commandOfKey(): Promise<SealedCommand> {
  const { challenge, now, facts } = await preparedForKey();
  return host.seal((draft) => {
    draft.intent = {
      ...draft.intent,
      actor: { automationKey: KEY },
      trustHead: world.state.head,
      id: nonceOf(`of a key ${String((count += 1))}`),
    };
    draft.target = { ...draft.target, challenge, iat: now, expect: { gatewayBoot: facts.gatewayBoot } };
    draft.sessionSigner = key;
    draft.approvals = [];
    draft.rewrite = withoutSession;
  });
}

function withoutSession(envelope: Uint8Array): Uint8Array {
  const { session: _session, ...rest } = JSON.parse(utf8Text(envelope)) as Fields;
  return encodeCanonical(rest);
}

describe("an automation key", () => {
  it("restarts the gateway by its signature alone", async () => {
    await open();
    await host.deliver((await commandOfKey()).bytes);
    expect(host.lastReceipt().verdict).toBe("executed");
    expect(host.gateway.restarts).toBe(1);
  });

  it("is held to its rate, over a restart of this process", async () => {
    await open();
    await host.deliver((await commandOfKey()).bytes);
    await host.deliver((await commandOfKey()).bytes, 2);
    expect(host.gateway.restarts).toBe(2);
    await host.deliver((await commandOfKey()).bytes, 3);
    expect(host.lastReceipt()).toMatchObject({ verdict: "refused", code: "automation_rate" });
    host = await host.reopen();
    await host.welcome();
    await host.deliver((await commandOfKey()).bytes, 4);
    expect(host.lastReceipt()).toMatchObject({ verdict: "refused", code: "automation_rate" });
    expect(host.gateway.restarts).toBe(2);
    host.clock.advance(RATE.seconds);
    await host.deliver((await commandOfKey()).bytes, 5);
    expect(host.lastReceipt().verdict).toBe("executed");
  });

  it("counts what was begun, whatever became of it", async () => {
    await open();
    host.gateway.restart = () => Promise.resolve({ before: "boot-0001", after: undefined });
    await host.deliver((await commandOfKey()).bytes);
    await host.deliver((await commandOfKey()).bytes, 2);
    expect(host.lastReceipt().verdict).toBe("failed");
    await host.deliver((await commandOfKey()).bytes, 3);
    expect(host.lastReceipt().code).toBe("automation_rate");
  });

  it("is refused while two histories are claimed", async () => {
    await open();
    const by = world.people.ada.passkey;
    const state = world.state;
    for (const roles of [[], ["operator"]]) {
      const change = await stated({ state, by }, { kind: "role.assign", body: { person: "p-nora", roles } });
      await host.receive({ kind: "trust", page: { statements: [change] } });
    }
    const body = encodeCanonical({
      v: 1,
      workspace: world.workspace,
      host: world.host,
      actor: { automationKey: KEY },
      operation: "gateway.restart@1",
      jti: nonceOf("frozen"),
    });
    expect(await host.prepareWith(await signed(key, "prepare", body))).toMatchObject({ code: "trust_frozen" });
  });
});

describe("a proposal", () => {
  const proposalOf = (gatewayBoot: string | undefined): Uint8Array =>
    encodeCanonical({
      v: 1,
      workspace: world.workspace,
      operation: "gateway.restart@1",
      args: {},
      targets: [{ host: world.host, expect: { gatewayBoot } }],
      exp: NOW + 3_600,
      id: nonceOf("proposal"),
    });

  async function carryingOut(proposal: Uint8Array): Promise<SealedCommand> {
    const { challenge, now } = await host.prepared();
    const subject = digestOf("proposal", proposal);
    const { workspace, people } = world;
    const approval = encodeCanonical({ v: 1, workspace, kind: "proposal", subject, decision: "approve", at: NOW });
    const first = await asserted(people.otto.passkey, "approval", { body: approval });
    return host.seal((draft) => {
      draft.intent = {
        ...draft.intent,
        trustHead: world.state.head,
        proposal: subject,
        id: nonceOf(`carrying out ${String((count += 1))}`),
      };
      draft.target = { ...draft.target, challenge, iat: now, expect: { gatewayBoot: "boot-0001" } };
      draft.envelope = { proposal: { body: toBase64url(proposal), approvals: [first] } };
    });
  }

  it("is carried out once, whoever sends the second intent for it, over a restart of this process", async () => {
    await open();
    const proposal = proposalOf("boot-0001");
    const first = await carryingOut(proposal);
    const second = await carryingOut(proposal);
    expect(second.digest).not.toBe(first.digest);
    await host.deliver(first.bytes);
    expect(host.lastReceipt()).toMatchObject({ verdict: "executed", intent: first.digest });
    await host.deliver(second.bytes, 2);
    expect(host.lastReceipt()).toMatchObject({ verdict: "executed", intent: first.digest, number: 1 });
    host = await host.reopen();
    await host.welcome();
    const third = await carryingOut(proposal);
    await host.deliver(third.bytes, 3);
    await until(() => host.receipts().length > 0);
    expect(host.lastReceipt()).toMatchObject({ intent: first.digest, number: 1 });
    expect(host.gateway.restarts).toBe(1);
  });
});

describe("a frozen trust log", () => {
  it("refuses a command that was verified before, and runs nothing", async () => {
    await open();
    const command = await host.command((draft) => {
      draft.intent = { ...draft.intent, trustHead: world.state.head };
    });
    // The history that this command belongs to is held already; its sibling comes while the gateway is asked.
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    const { promise: answer, resolve: reply } = Promise.withResolvers<string>();
    host.gateway.bootId = () => {
      ask();
      return answer;
    };
    await host.receive({ kind: "deliver", number: 1, envelope: toBase64url(command.bytes) });
    await asked;
    const earlier = await theWorld();
    const sibling = await stated(
      { state: earlier.state, by: world.people.ada.passkey },
      { kind: "role.assign", body: { person: "p-nora", roles: ["operator"] } },
    );
    await host.receive({ kind: "trust", page: { statements: [sibling] } });
    expect(host.context.trust.state?.frozen?.reason).toBe("fork");
    expect(host.context.trust.state?.head).toEqual(world.state.head);
    reply("boot-0001");
    await until(() => host.receipts().length === 1);
    expect(host.lastReceipt()).toMatchObject({ verdict: "refused", code: "trust_frozen" });
    expect(host.gateway.restarts).toBe(0);
    expect(host.logged).toContainEqual(expect.objectContaining({ event: "trust_fork", code: "fork" }));
  });
});
