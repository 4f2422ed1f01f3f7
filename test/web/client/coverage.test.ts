/** Which hosts hold the newest trust head: only the host's own signed word counts, and only about this very head. */
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { HostRow } from "../../../protocol/contracts.ts";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import type { Signed } from "../../../protocol/messages.ts";
import type { Signer } from "../../../protocol/signing.ts";
import { Hosts } from "../../../web/client/hosts.ts";
import { TrustKeeper } from "../../../web/client/trust.ts";
import type { HostView } from "../../../web/state/backend.ts";
import { nonceOf, signed } from "../../fixtures/keys.ts";
import { applied, makeWorld, NOW, stated, type Fields, type World } from "../../fixtures/workspace.ts";
import { TrustEdge } from "./trust-edge.ts";

let world: World;
let edge: TrustEdge;
let trust: TrustKeeper;
let hosts: Hosts;
beforeAll(async () => {
  world = await makeWorld();
});
beforeEach(async () => {
  edge = await TrustEdge.open(world);
  const deps = edge.deps();
  trust = new TrustKeeper(deps);
  await trust.refresh();
  hosts = new Hosts({ ...deps, trust });
});

function ack(change: Fields = {}, key: Signer = world.keys.host): Promise<Signed> {
  const { workspace, host, state } = world;
  return signed(key, "trust-ack", encodeCanonical({ v: 1, workspace, host, trustHead: state.head, ...change }));
}

async function viewWith(trustAck: Signed | undefined): Promise<HostView> {
  const row: HostRow = { ...world.hostBody, status: "admitted", connected: true };
  edge.answers.set("hosts", () => ({ hosts: [trustAck === undefined ? row : { ...row, trustAck }], now: NOW }));
  await hosts.load();
  const fleet = hosts.fleet.value;
  const [view] = fleet.state === "ready" ? fleet.value : [];
  if (view === undefined) throw new TypeError("no host is shown");
  return view;
}

describe("a host has confirmed", () => {
  it("when it signed the head that this browser verified", async () => {
    expect((await viewWith(await ack())).trustBehind).toBe(false);
  });

  it("and no longer has once the log grew, without another look at the fleet", async () => {
    await viewWith(await ack());
    const by = world.people.ada.passkey;
    const revoke = await stated({ state: world.state, by }, { kind: "person.revoke", body: { person: "p-vera" } });
    edge.state = await applied(world.state, revoke);
    edge.log.push(revoke);
    await trust.refresh();
    expect(hosts.fleet.value).toMatchObject({ value: [{ trustBehind: true }] });
  });

  it("not when it said nothing, or somebody else said it, or it is about another head", async () => {
    expect((await viewWith(undefined)).trustBehind).toBe(true);
    expect((await viewWith(await ack({}, world.keys.stranger))).trustBehind).toBe(true);
    const other = { ...world.state.head, revoked: nonceOf("others") };
    expect((await viewWith(await ack({ trustHead: other }))).trustBehind).toBe(true);
    expect((await viewWith(await ack({ extra: 1 }))).trustBehind).toBe(true);
  });

  it("and is frozen only by its own signed word", async () => {
    const frozen = { reason: "fork", place: 2, mine: nonceOf("mine"), other: nonceOf("other") };
    expect((await viewWith(await ack({ frozen }))).frozen).toEqual(frozen);
    expect((await viewWith(await ack({ frozen }, world.keys.stranger))).frozen).toBeUndefined();
  });
});
