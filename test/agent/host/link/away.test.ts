/** A host that was away while the workspace changed its dispatch key and much else: one connection is enough to catch up. */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { fromBase64url } from "../../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../../protocol/canonical.ts";
import { MAX_STATEMENTS_PER_PAGE } from "../../../../protocol/limits.ts";
import type { Signer } from "../../../../protocol/signing.ts";
import type { TrustState } from "../../../../protocol/trust/state.ts";
import type { SignedStatement } from "../../../../protocol/trust/statements.ts";
import { helloCodec } from "../../../../protocol/tunnel.ts";
import { TUNNEL } from "../../../fixtures/command.ts";
import { nonceOf, signed, signerOf } from "../../../fixtures/keys.ts";
import { applied, stated, type World } from "../../../fixtures/workspace.ts";
import { theWorld } from "../warden/rig.ts";
import { LinkRig } from "./link-rig.ts";
import type { Connection } from "./scripted-edge.ts";

const MANY = 200;

let world: World;
let next: Signer;
/** What was stated while the host was away: the rotation first, then everything else. */
let missed: SignedStatement[];
let newest: TrustState;
beforeAll(async () => {
  world = await theWorld();
  next = await signerOf("the next dispatch key");
  missed = [];
  newest = world.state;
  const by = world.people.ada.passkey;
  const say = async (statement: SignedStatement): Promise<void> => {
    newest = await applied(newest, statement);
    missed.push(statement);
  };
  await say(await stated({ state: newest, by }, { kind: "dispatch-key.rotate", body: { key: next.publicKey } }));
  for (let i = 0; i < MANY; i += 1)
    await say(
      await stated(
        { state: newest, by },
        { kind: "person.add", body: { id: `p-new-${String(i)}`, name: nonceOf("n"), roles: [] } },
      ),
    );
});

let host: LinkRig;
beforeEach(async () => {
  host = await LinkRig.open(world);
  host.start();
  await host.welcomed();
  host.edge.connections.at(-1)?.socket.terminate();
});
afterEach(async () => {
  await host.close();
  expect(host.faults).toEqual([]);
});

/** An edge of today: it brings what the hello's head lacks, in pages, then proves itself with `key`. */
async function meet(connection: Connection, statements: readonly SignedStatement[], key: Signer): Promise<void> {
  connection.send({ kind: "challenge", edgeNonce: nonceOf("edge nonce"), tunnel: TUNNEL });
  const hello = helloCodec.decode(fromBase64url((await connection.frame("hello")).signed.body));
  expect(hello.trustHead).toEqual(world.state.head);
  for (let i = 0; i < statements.length; i += MAX_STATEMENTS_PER_PAGE)
    connection.send({ kind: "trust", page: { statements: statements.slice(i, i + MAX_STATEMENTS_PER_PAGE) } });
  const body = encodeCanonical({
    v: 1,
    workspace: world.workspace,
    host: world.host,
    tunnel: hello.tunnel,
    certFingerprint: host.edge.fingerprint,
    hostNonce: hello.nonce,
    edgeNonce: hello.edgeNonce,
  });
  connection.send({ kind: "welcome", signed: await signed(key, "welcome", body) });
}

describe("a host that was away for a rotation of the dispatch key", () => {
  it("takes trust first and then believes the new key, in one connection", async () => {
    const connection = await host.edge.next();
    await meet(connection, missed.slice(0, 1), next);
    await connection.frame("trust-ack");
    expect(host.rig.warden.standing().trustHead?.n).toBe(world.state.head.n + 1);
    expect(host.states.at(-1)).toEqual({ kind: "connected" });
  });

  it("and for two hundred statements more, likewise", async () => {
    const connection = await host.edge.next();
    const before = host.edge.connections.length;
    await meet(connection, missed, next);
    await connection.frame("trust-ack");
    expect(host.rig.warden.standing().trustHead).toEqual(newest.head);
    expect(host.states.at(-1)).toEqual({ kind: "connected" });
    expect(host.edge.connections).toHaveLength(before);
  });

  it("does not believe the old key any more, nor the new one before it was told", async () => {
    const first = await host.edge.next();
    await meet(first, [], next);
    expect(await first.closed).toEqual({ code: 1008, reason: "edge_unproven" });
    const second = await host.edge.next();
    await meet(second, missed.slice(0, 1), world.keys.dispatch);
    expect(await second.closed).toEqual({ code: 1008, reason: "edge_unproven" });
  });
});
