/**
 * Whoever kept a copy of the edge's dispatch key after it was changed: what they deliver is refused on a tunnel that is
 * open, although everything else in it is honest, and the same command by the new key runs.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Signer } from "../../../../protocol/signing.ts";
import { signerOf } from "../../../fixtures/keys.ts";
import { stated } from "../../../fixtures/workspace.ts";
import type { SealedCommand } from "../../../fixtures/command.ts";
import { Rig } from "./rig.ts";

let host: Rig;
let next: Signer;
beforeEach(async () => {
  host = await Rig.open();
  next = await signerOf("next dispatch");
  await host.welcome();
});
afterEach(async () => {
  expect(host.faults).toEqual([]);
  await host.close();
});

async function change(): Promise<void> {
  const { state, people } = host.world;
  const body = { key: next.publicKey };
  const rotated = await stated({ state, by: people.ada.passkey }, { kind: "dispatch-key.rotate", body });
  await host.receive({ kind: "trust", page: { statements: [rotated] } });
}

/** One command, delivered by each of these keys. */
async function commandBy(...signers: readonly Signer[]): Promise<readonly SealedCommand[]> {
  const { challenge, now, facts, trustHead } = await host.prepared();
  return Promise.all(
    signers.map((signer) =>
      host.seal((draft) => {
        draft.intent = { ...draft.intent, trustHead };
        draft.target = { ...draft.target, challenge, iat: now, expect: { gatewayBoot: facts.gatewayBoot } };
        draft.dispatch.signer = signer;
      }),
    ),
  );
}

describe("a dispatch key that was changed", () => {
  it("delivers nothing any more on an open tunnel; what it delivered before stays done", async () => {
    const [first] = await commandBy(host.world.keys.dispatch);
    await host.deliver(first?.bytes ?? new Uint8Array());
    expect(host.gateway.restarts).toBe(1);
    await change();
    const [byOld, byNew] = await commandBy(host.world.keys.dispatch, next);
    await host.deliver(byOld?.bytes ?? new Uint8Array(), 2);
    expect(host.last("refused")).toMatchObject({ subject: byOld?.digest, code: "dispatch" });
    expect(host.gateway.restarts).toBe(1);
    await host.deliver(byNew?.bytes ?? new Uint8Array(), 2);
    expect(host.lastReceipt()).toMatchObject({ intent: byNew?.digest, verdict: "executed" });
    expect(host.gateway.restarts).toBe(2);
  });

  it("does not yet count before the host was told", async () => {
    const [byNew] = await commandBy(next);
    await host.deliver(byNew?.bytes ?? new Uint8Array());
    expect(host.last("refused")).toMatchObject({ code: "dispatch" });
    expect(host.gateway.restarts).toBe(0);
  });
});
