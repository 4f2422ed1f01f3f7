/** A trust log of more than one page. */
import { beforeAll, describe, expect, it } from "vitest";
import { fromBase64url } from "../../protocol/bytes.ts";
import { statementCodec, type TrustPage } from "../../protocol/trust/statements.ts";
import { addMember } from "../fixtures/edge/people.ts";
import { HostPeer } from "../fixtures/edge/host-peer.ts";
import { Town } from "../fixtures/edge/town.ts";
import { applied, stated } from "../fixtures/workspace.ts";
import { edge, now } from "./client.ts";

let town: Town;
beforeAll(async () => {
  town = await Town.at(edge);
  await addMember(town, "p-gone", []);
  expect((await town.state("person.revoke", { person: "p-gone" })).status).toBe(200);
});

describe("a long log", () => {
  it("comes in pages that lead on and together hold all of it, for pages and hosts alike", async () => {
    const peer = await HostPeer.at(edge, "long reader", town.workspace);
    await peer.join();
    let state = await town.trust();
    for (let i = 0; i < 66; i++) {
      const knew = [...state.revocations.keys()].filter((digest) => !state.chain.knew.has(digest));
      const renewal = await stated(
        { state, by: town.founded.passkey },
        { kind: "role.assign", body: { person: "p-ada", roles: ["admin"] } },
        (draft) => void (draft.statement["at"] = Math.max(now(), state.chain.at)),
      );
      const body = knew.length === 0 ? renewal : { ...renewal, knew };
      expect((await town.page.call("trustState", { body })).status).toBe(200);
      state = await applied(state, body);
    }
    const read: string[] = [];
    const { head } = await town.page.must("trust");
    const { n } = head as { readonly n: number };
    for (let after = 0; after < n;) {
      const { page } = (await town.page.must("trust", { query: `?after=${after}` })) as { readonly page: TrustPage };
      expect(page.statements.length).toBeLessThanOrEqual(64);
      const chain = page.statements.filter(({ statement }) => {
        const { kind } = statementCodec.decode(fromBase64url(statement));
        return !kind.endsWith(".revoke");
      });
      expect(chain.length).toBeGreaterThan(0);
      read.push(...chain.map(({ statement }) => statement));
      after += chain.length;
    }
    expect(new Set(read).size).toBe(n);
    const tunnel = await peer.connect();
    await tunnel.hello();
    await tunnel.next("welcome");
    const told = tunnel.heard.flatMap((frame) => (frame.kind === "trust" ? frame.page.statements : []));
    expect(new Set(told.map(({ statement }) => statement)).size).toBe(n + (await town.trust()).revocations.size);
  }, 60_000);
});
