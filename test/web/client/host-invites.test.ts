import { beforeAll, describe, expect, it } from "vitest";
import { joinFileCodec } from "../../../protocol/join-file.ts";
import type { EdgeClient } from "../../../web/client/http.ts";
import { HostInvites } from "../../../web/client/host-invites.ts";
import { TroubleError, UNREACHABLE } from "../../../web/client/trouble.ts";
import { TrustKeeper } from "../../../web/client/trust.ts";
import type { StoredSession } from "../../../web/client/vault.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { asserted, makeWorld, NOW, SIGNER_RP_ID, type Name, type World } from "../../fixtures/workspace.ts";
import { FarEnd } from "./far-end.ts";

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});

const answer = { edge: "wss://agents.example:443", token: nonceOf("token"), expires: NOW + 900 };

async function deskOf(who: Name, reply: unknown) {
  const far = new FarEnd(world).deps();
  const trust = new TrustKeeper(far);
  await trust.refresh();
  far.clock.set(NOW);
  const client = {
    call: () => (reply === undefined ? Promise.reject(new TroubleError(UNREACHABLE)) : Promise.resolve(reply)),
  } as unknown as EdgeClient;
  return new HostInvites({
    client,
    clock: far.clock,
    trust,
    session: () => ({ digest: nonceOf("session"), person: `p-${who}` }) as StoredSession,
    touch: ({ kind, body }) => asserted(world.people[who].passkey, kind, { body }),
    rpId: SIGNER_RP_ID,
  });
}

async function made(desk: HostInvites) {
  const files: Blob[] = [];
  const kinds: string[] = [];
  for await (const { kind } of desk.make((file) => files.push(file))) kinds.push(kind);
  return { files, kinds };
}

describe("a join file of the page", () => {
  it("names the workspace that this page knows, and where the edge says that agents dial", async () => {
    const { files, kinds } = await made(await deskOf("ada", { ...answer, workspace: nonceOf("another") }));
    expect(kinds).toEqual(["touch", "sending", "done"]);
    const text = (await files[0]?.text()) ?? "";
    expect(text.endsWith("\n")).toBe(true);
    expect(joinFileCodec.decode(new TextEncoder().encode(text.trimEnd()))).toEqual({
      v: 1,
      edge: answer.edge,
      workspace: world.workspace,
      token: answer.token,
    });
  });

  it("is not there when the edge gave no token, or something else than an address", async () => {
    for (const reply of [undefined, { ...answer, edge: "https://evil.example/x" }]) {
      const { files, kinds } = await made(await deskOf("ada", reply));
      expect([files, kinds.at(-1)]).toEqual([[], "failed"]);
    }
  });

  it("is offered to those who may admit hosts", async () => {
    const may = async (who: Name): Promise<boolean> => (await deskOf(who, answer)).mayMake.value;
    expect([await may("ada"), await may("otto")]).toEqual([true, false]);
  });
});
