import { beforeAll, describe, expect, it } from "vitest";
import { fromBase64url, toBase64url } from "../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import { intentCodec, prepareCodec, type Intent } from "../../../protocol/messages.ts";
import { digestOf, type Signer } from "../../../protocol/signing.ts";
import type { TrustState } from "../../../protocol/trust/state.ts";
import type { CommandDeps } from "../../../web/client/asking.ts";
import { askHosts, type CarriedProposal } from "../../../web/client/fleet-orders.ts";
import { SessionKeys } from "../../../web/client/session-keys.ts";
import { makeSessionKeys } from "../../../web/client/signer.ts";
import { TroubleError, UNREACHABLE } from "../../../web/client/trouble.ts";
import type { Vault } from "../../../web/client/vault.ts";
import type { Order } from "../../../web/state/orders.ts";
import { nonceOf, signerOf } from "../../fixtures/keys.ts";
import { applied, asserted, hostBodyOf, makeWorld, stated, type Fields, type World } from "../../fixtures/workspace.ts";

const NAMES = ["host", "vps-b", "vps-c"] as const;

let world: World;
let state: TrustState;
let hostIds: readonly string[];
const signers = new Map<string, Signer>();

beforeAll(async () => {
  world = await makeWorld();
  ({ state } = world);
  for (const name of NAMES) {
    const body = await hostBodyOf(name);
    signers.set(body.host, await signerOf(name));
    if (state.hosts.has(body.host)) continue;
    state = await applied(state, await stated({ state, by: world.people.ada.passkey }, { kind: "host.admit", body }));
  }
  hostIds = [...signers.keys()];
});

interface Far {
  /** What a host answers; undefined: nothing. */
  readonly answer?: (host: string, honest: Fields) => Fields | undefined;
  readonly signer?: (host: string) => Signer;
  readonly asked?: string[];
}

async function deps({ answer = (_, honest) => honest, signer, asked = [] }: Far): Promise<CommandDeps> {
  const { keys, publicKey } = await makeSessionKeys();
  const vault = { get: () => Promise.resolve(undefined), set: () => Promise.resolve() } as unknown as Vault;
  const session = new SessionKeys({ vault, client: { use: () => undefined } });
  const certificate = await asserted(world.people.ada.passkey, "session", { body: new Uint8Array([1]) });
  session.enter({
    keys,
    publicKey,
    certificate,
    successor: certificate,
    digest: nonceOf("session"),
    person: "p-ada",
    credentialId: "c",
    expires: 1,
  });
  const call = async (
    name: string,
    { params, body }: { params: { host: string }; body: { prepare: { body: string }; successor: unknown } },
  ) => {
    expect(name).toBe("prepare");
    asked.push(params.host);
    // Whatever a later key signs says which step-up named that key.
    expect(body.successor).toBe(certificate);
    const prepare = fromBase64url(body.prepare.body);
    const honest = {
      v: 1,
      workspace: world.workspace,
      host: params.host,
      prepare: digestOf("prepare", prepare),
      challenge: nonceOf(`challenge ${params.host}`),
      hostBoot: nonceOf("boot"),
      now: 1_000,
      trustHead: state.head,
      facts: { gatewayBoot: `boot-${params.host}`, activeSessions: 2 },
    };
    expect(prepareCodec.decode(prepare).host).toBe(params.host);
    const said = answer(params.host, honest);
    if (said === undefined) throw new TroubleError(UNREACHABLE);
    const bytes = encodeCanonical(said);
    const by = signer?.(params.host) ?? signers.get(params.host);
    return { prepared: { body: toBase64url(bytes), signature: (await by?.sign("prepared", bytes)) ?? "" } };
  };
  const trust = { refresh: () => Promise.resolve(state), state: { value: state }, nameOf: () => "Ada" };
  return { client: { call }, trust, hosts: {}, keys: session, now: () => 1_000 } as unknown as CommandDeps;
}

const order = (change: Partial<Order> = {}): Order => ({
  operation: "gateway.restart@1",
  args: {},
  hostIds,
  ...change,
});

const intentOf = (exact: string): Intent => intentCodec.decode(new TextEncoder().encode(exact));

describe("one command to many hosts", () => {
  it("names every host once, sorted, each with its own challenge and what must still be so there", async () => {
    const asked = await askHosts(await deps({}), order({ hostIds: hostIds.toReversed() }));
    expect(asked.unanswered).toEqual([]);
    const command = asked.command();
    const { targets } = intentOf(command.exactIntent);
    expect(targets.map(({ host }) => host)).toEqual(hostIds.toSorted());
    for (const { host, challenge, iat, expect: pinned } of targets) {
      expect([challenge, iat, pinned]).toEqual([nonceOf(`challenge ${host}`), 1_000, { gatewayBoot: `boot-${host}` }]);
    }
    expect(command.facts.targets.map(({ hostId }) => hostId)).toEqual(hostIds.toSorted());
    expect(command.hosts.map(({ label }) => label).toSorted()).toEqual(NAMES.toSorted());
    expect(command.activeSessions).toBe(6);
  });

  it("shows what the bytes say: arguments, class, the actor", async () => {
    const drill = order({ operation: "host.drill@1", args: { scenario: "lost-device" } });
    const { facts, actor } = (await askHosts(await deps({}), drill)).command();
    expect(facts).toMatchObject({ operation: "host.drill@1", class: "critical", args: { scenario: "lost-device" } });
    expect(facts.targets.every(({ expect: pinned }) => Object.keys(pinned).length === 0)).toBe(true);
    expect(actor).toEqual({ name: "Ada", role: "admin" });
  });

  it("names a host that gave no challenge, with its reason, and puts it into no command", async () => {
    const [silent = "", ...others] = hostIds;
    const far = { answer: (host: string, honest: Fields) => (host === silent ? undefined : honest) };
    const asked = await askHosts(await deps(far), order());
    expect(asked.unanswered.map(({ id, trouble }) => [id, trouble.code])).toEqual([[silent, "unreachable"]]);
    expect(asked.mayLeaveOut).toBe(true);
    const { targets } = intentOf(asked.command().exactIntent);
    expect(targets.map(({ host }) => host)).toEqual(others.toSorted());
  });

  it.each<readonly [string, string, Far]>([
    ["not signed by that host", "not_the_host", { signer: () => world.keys.stranger }],
    ["for another question", "not_the_host", { answer: (_, honest) => ({ ...honest, prepare: nonceOf("other") }) }],
    ["of another workspace", "not_the_host", { answer: (_, honest) => ({ ...honest, workspace: nonceOf("other") }) }],
    [
      "of a host that holds other keys",
      "trust_behind",
      { answer: (_, honest) => ({ ...honest, trustHead: { n: 0, hash: nonceOf("old"), revoked: nonceOf("none") } }) },
    ],
    ["without what must be pinned", "no_gateway", { answer: (_, honest) => ({ ...honest, facts: {} }) }],
  ])("takes no answer %s", async (_, code, far) => {
    const asked = await askHosts(await deps(far), order());
    expect(asked.answered).toEqual([]);
    expect(asked.unanswered.map(({ trouble }) => trouble.code)).toEqual(hostIds.map(() => code));
  });

  it("asks only those again that gave none, and keeps the others", async () => {
    const [silent = ""] = hostIds;
    const silence = { over: false };
    const seen: string[] = [];
    const far = {
      asked: seen,
      answer: (host: string, honest: Fields) => (host === silent && !silence.over ? undefined : honest),
    };
    const asked = await askHosts(await deps(far), order());
    silence.over = true;
    seen.length = 0;
    const again = await asked.askAgain();
    expect(seen).toEqual([silent]);
    expect(intentOf(again.command().exactIntent).targets.map(({ host }) => host)).toEqual(hostIds.toSorted());
  });

  it("carries out a proposal on exactly its hosts, and says where it is no longer true", async () => {
    const [changed] = hostIds;
    const trouble = { code: "expect", what: "The gateway restarted since it was proposed." };
    const proposal: CarriedProposal = {
      digest: nonceOf("proposal"),
      carried: { body: "", approvals: [] },
      approvedBefore: ["Otto"],
      expected: () => undefined,
      stillSo: ({ prepared }) => (prepared.host === changed ? trouble : undefined),
    };
    const asked = await askHosts(await deps({}), order(), proposal);
    expect(asked.mayLeaveOut).toBe(false);
    expect(asked.unanswered.map((host) => [host.id, host.trouble])).toEqual([[changed, trouble]]);
    const fine = await askHosts(await deps({}), order(), { ...proposal, stillSo: () => undefined });
    const command = fine.command();
    expect(intentOf(command.exactIntent).proposal).toBe(proposal.digest);
    expect(command.approvedBefore).toEqual(["Otto"]);
  });
});
