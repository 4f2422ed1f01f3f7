import { beforeAll, describe, expect, it } from "vitest";
import { fromBase64url } from "../../../protocol/bytes.ts";
import { changeDigest } from "../../../protocol/contracts/edge-action.ts";
import { approvalCodec, edgeActionCodec } from "../../../protocol/messages.ts";
import { digestOf } from "../../../protocol/signing.ts";
import { verifyTouch } from "../../../protocol/trust/approvals.ts";
import { approveChange, type EdgeActionDeps } from "../../../web/client/edge-action.ts";
import { TroubleError } from "../../../web/client/trouble.ts";
import { TrustKeeper } from "../../../web/client/trust.ts";
import type { StoredSession } from "../../../web/client/vault.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { asserted, makeWorld, SIGNER_RP_ID, type World } from "../../fixtures/workspace.ts";
import { FarEnd } from "./far-end.ts";

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});

const session = { digest: nonceOf("session"), person: "p-ada" } as StoredSession;
const change = { setting: "alertThresholds", thresholds: { minute: 2, hour: 9 } } as const;

async function depsOf(signedIn: StoredSession | undefined = session): Promise<EdgeActionDeps & { allowed: string[] }> {
  const deps = new FarEnd(world).deps();
  const trust = new TrustKeeper(deps);
  await trust.refresh();
  deps.clock.set(1_800_000_000);
  const allowed: string[] = [];
  const touch: NonNullable<EdgeActionDeps["touch"]> = ({ kind, body, allow }) => {
    allowed.push(...allow);
    return asserted(world.people.ada.passkey, kind, { body });
  };
  return { clock: deps.clock, trust, session: () => signedIn, touch, rpId: SIGNER_RP_ID, allowed };
}

describe("a change of the edge", () => {
  it("is approved as exactly this change, for this endpoint, from this session, by a passkey of this person", async () => {
    const deps = await depsOf();
    const { action, approval, change: sent } = await approveChange(deps, "alertSettingsChange", change);
    const bytes = fromBase64url(action);
    expect(edgeActionCodec.decode(bytes)).toMatchObject({
      workspace: world.workspace,
      session: session.digest,
      endpoint: "alertSettingsChange",
      change: changeDigest(change),
      at: 1_800_000_000,
    });
    expect(approvalCodec.decode(fromBase64url(approval.body))).toMatchObject({
      kind: "edge-action",
      subject: digestOf("edge-action", bytes),
    });
    expect(await verifyTouch(world.state, approval, "approval")).toMatchObject({ ok: true });
    expect(sent).toBe(change);
    expect(deps.allowed).toEqual([world.people.ada.passkey.pinned.credentialId]);
  });

  it("never has one nonce twice", async () => {
    const deps = await depsOf();
    const first = await approveChange(deps, "alertSettingsChange", change);
    const second = await approveChange(deps, "alertSettingsChange", change);
    expect(first.action).not.toBe(second.action);
  });

  it("is asked of nobody who is signed out", async () => {
    const deps = { ...(await depsOf()), session: () => undefined };
    await expect(approveChange(deps, "alertSettingsChange", change)).rejects.toBeInstanceOf(TroubleError);
    expect(deps.allowed).toEqual([]);
  });
});
