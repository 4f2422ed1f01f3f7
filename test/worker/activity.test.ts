import { beforeAll, describe, expect, it } from "vitest";
import { fromBase64url } from "../../protocol/bytes.ts";
import { checkEntry, CHAIN_START, commit, entryCodec, type ChainPosition } from "../../protocol/ledger.ts";
import type { ActivityRow } from "../../protocol/contracts.ts";
import { admin, edge, send } from "./client.ts";
import { HostPeer } from "../fixtures/edge/host-peer.ts";
import { Town } from "../fixtures/edge/town.ts";

let town: Town;
beforeAll(async () => {
  town = await Town.at(edge);
  await (await HostPeer.at(edge, "box", town.workspace)).join();
});

async function read(query: string): Promise<{ readonly rows: readonly ActivityRow[]; readonly head: ChainPosition }> {
  return (await town.page.must("activity", { query })) as unknown as { rows: ActivityRow[]; head: ChainPosition };
}

describe("activity", () => {
  it("walks the chain oldest first after a place, and verifies", async () => {
    let position = CHAIN_START;
    for (
      let page = await read("?after=0&limit=2");
      page.rows.length > 0;
      page = await read(`?after=${position.index}&limit=2`)
    ) {
      for (const row of page.rows) {
        const step = checkEntry(fromBase64url(row.body), row.hash, { workspace: town.workspace, position });
        if (!step.ok) throw new Error(step.fault);
        ({ position } = step);
      }
    }
    expect((await read("")).head).toEqual(position);
  });

  it("is newest first without a place, and older than one", async () => {
    const { rows, head } = await read("?limit=2");
    expect(rows.map(({ index }) => index)).toEqual([head.index, head.index - 1]);
    const older = await read(`?before=${head.index - 1}&limit=1`);
    expect(older.rows.map(({ index }) => index)).toEqual([head.index - 2]);
  });

  it("gives the openings of its commitments", async () => {
    const { rows } = await read("?after=0&limit=1");
    const [row] = rows;
    if (row?.source === undefined) throw new Error("no opening");
    expect(entryCodec.decode(fromBase64url(row.body)).source).toBe(commit({ field: "source", ...row.source }));
    expect(row.source.value).toBe("203.0.113.7");
  });

  it("refuses limits beyond the contract", async () => {
    for (const query of ["?limit=0", "?limit=501", "?limit=1.5", "?before=x"]) {
      expect((await town.page.call("activity", { query })).code).toBe("malformed_request");
    }
  });
});

describe("the admin door", () => {
  it("tells what runs, in ids and numbers", async () => {
    const { body } = await admin("/admin/status");
    expect(body).toMatchObject({
      workspace: town.workspace,
      sessions: 1,
      trustHead: { n: 0 },
      hosts: [{ label: "box", status: "quarantined", connected: false }],
    });
    expect((await send("admin", new Request("http://edge/health"))).status).toBe(200);
  });

  it("refuses what it does not know", async () => {
    expect((await admin("/admin/everything", {})).code).toBe("not_found");
    expect((await admin("/admin/revoke-certificate", { fingerprint: "x" })).code).toBe("malformed_request");
    expect((await send("admin", new Request("http://edge/admin/setup", { method: "POST", body: "no" }))).status).toBe(
      400,
    );
  });
});
