/** Join files made in a signer: where the edge runs elsewhere, by the touch of somebody who may admit hosts. */
import { beforeAll, describe, expect, it } from "vitest";
import { approvedBody, type Bends } from "../fixtures/edge/edge-action.ts";
import { HostPeer } from "../fixtures/edge/host-peer.ts";
import { EdgePage, fresh, type Reply } from "../fixtures/edge/page.ts";
import { Town } from "../fixtures/edge/town.ts";
import { edge, edgeWith, ledgerBodies } from "./client.ts";
import { env } from "./environment.ts";

const ENDPOINT = "wss://agents.example:443";

let town: Town;
beforeAll(async () => {
  town = await Town.at(edge);
});

async function invited(settings: Parameters<typeof edgeWith>[0], bends?: Bends): Promise<Reply> {
  const { signer, cookie } = town.page;
  const page = new EdgePage(edgeWith(settings), signer, cookie);
  const change = { setting: "hostInvite" };
  return page.call("hostInvite", { body: await approvedBody(town.founded, { endpoint: "hostInvite", change }, bends) });
}

const deployed = { SIGNER_ORIGIN: undefined, AGENT_ENDPOINT: ENDPOINT } as unknown as Parameters<typeof edgeWith>[0];
const tokens = async (): Promise<number> => (await env.DB.prepare("SELECT hash FROM join_tokens").all()).results.length;

describe("a join file", () => {
  it("has the address of this edge's agents and a token, and its entry names who made it", async () => {
    const { status, body } = await invited(deployed);
    expect(status).toBe(200);
    expect(body).toMatchObject({ edge: ENDPOINT });
    expect((await ledgerBodies(town.workspace)).at(-1)).toMatchObject({
      action: "join-token.made",
      actor: { kind: "person", id: "p-ada" },
    });
    const peer = await HostPeer.at(edge, "invited", town.workspace);
    expect(await peer.join({ token: String(body["token"]) })).toBeUndefined();
    const again = await HostPeer.at(edge, "second", town.workspace);
    expect((await again.join({ token: String(body["token"]) }))?.code).toBe("join_token_used");
  });

  it("is not made before its entry is", async () => {
    const before = await tokens();
    await env.DB.exec("CREATE TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    expect((await invited(deployed)).code).toBe("ledger_unavailable");
    await env.DB.exec("DROP TRIGGER full");
    expect(await tokens()).toBe(before);
  });

  it("costs a touch over exactly this", async () => {
    const before = await tokens();
    expect((await invited(deployed, { action: { session: fresh() } })).code).toBe("approval_wrong");
    expect(await tokens()).toBe(before);
  });

  it("of an edge on a machine of its owner's is made on that machine", async () => {
    expect((await invited({})).code).toBe("invite_elsewhere");
  });

  it("needs an address that agents can dial", async () => {
    const nowhere = { ...deployed, AGENT_ENDPOINT: undefined } as unknown as typeof deployed;
    expect((await invited(nowhere)).code).toBe("no_agent_endpoint");
  });
});
