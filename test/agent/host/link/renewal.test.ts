/** A certificate changes over real TLS: link, pairs on disk and warden as an agent wires them, against a scripted edge. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { keeperOf } from "../../../../agent/host/certificate-keeper.ts";
import { startLink, type Link } from "../../../../agent/host/link/link.ts";
import { TlsPairs } from "../../../../agent/host/link/tls-pairs.ts";
import { openHostState, type HostState } from "../../../../agent/host/state.ts";
import { fromBase64url, toBase64url } from "../../../../protocol/bytes.ts";
import { certificateRequestCodec, helloCodec } from "../../../../protocol/tunnel.ts";
import { issueClient } from "../../edge/fixtures/client-certificates.ts";
import type { World } from "../../../fixtures/workspace.ts";
import { Rig, theWorld, until } from "../warden/rig.ts";
import { greet, issueFor, startScriptedEdge, type Connection, type ScriptedEdge } from "./scripted-edge.ts";

const DAY_MILLISECONDS = 86_400_000;

let world: World;
let edge: ScriptedEdge;
let directory: string;
let state: HostState;
let rig: Rig;
let pairs: TlsPairs;
let link: Link;
let faults: unknown[];

beforeAll(async () => {
  world = await theWorld();
});
beforeEach(async () => {
  edge = await startScriptedEdge();
  directory = mkdtempSync(join(tmpdir(), "clawhold-renewal-"));
  state = openHostState(directory);
  const now = Date.now();
  const term = { notBefore: new Date(now - 80 * DAY_MILLISECONDS), notAfter: new Date(now + 10 * DAY_MILLISECONDS) };
  const due = await issueClient(edge.agents, term);
  state.saveTls({ v: 1, key: `${due.key}\n`, certificate: `${due.cert}\n`, edgeCa: edge.authority.certificate });
  faults = [];
  pairs = new TlsPairs(state, () => undefined);
  rig = await Rig.open({ world, certificates: keeperOf(pairs, () => link.redial()) });
  rig.clock.wallMilliseconds = now;
  link = startLink({
    edge: edge.url,
    pairs,
    environment: {},
    warden: rig.warden,
    telemetry: () => undefined,
    onState: () => undefined,
    onFault: (error) => faults.push(error),
    elapsed: () => performance.now(),
    wall: () => Date.now(),
    random: () => 0,
    log: () => undefined,
  });
});
afterEach(async () => {
  await link.stop();
  await rig.close();
  await edge.stop();
  rmSync(directory, { recursive: true, force: true });
  expect(faults).toEqual([]);
});

/** The next connection, welcomed for the certificate that it shows. */
async function welcomed(): Promise<Connection> {
  const connection = await edge.next();
  await greet(connection, { world, fingerprint: connection.fingerprint ?? "" });
  await connection.frame("trust-ack");
  return connection;
}

async function answered(connection: Connection): Promise<void> {
  rig.warden.tick();
  const { signed } = await connection.frame("certificate-request");
  const { csr } = certificateRequestCodec.decode(fromBase64url(signed.body));
  const certificate = toBase64url(await issueFor(fromBase64url(csr), edge.agents));
  connection.send({ kind: "certificate", certificate });
}

const bootOf = ({ frames }: Connection): string | undefined => {
  const hello = frames.find((frame) => frame.kind === "hello");
  return hello === undefined ? undefined : helloCodec.decode(fromBase64url(hello.signed.body)).hostBoot;
};

describe("a host whose certificate is due", () => {
  it("comes back at once with the new one, as the same boot, and keeps it", async () => {
    const first = await welcomed();
    await answered(first);
    expect(await first.closed).toEqual({ code: 1000, reason: "renewed" });
    await until(() => edge.connections.length === 2);
    const second = await welcomedAgain();
    expect(second.authorized).toBe(true);
    expect(second.fingerprint).not.toBe(first.fingerprint);
    await until(() => state.nextTls() === undefined);
    expect(pairs.inUse.fingerprint).toBe(second.fingerprint);
    expect(new TlsPairs(state, () => undefined).inUse.fingerprint).toBe(second.fingerprint);
    expect(bootOf(second)).toBe(bootOf(first));
  });

  it("comes back with the old one when the edge does not take the new one", async () => {
    const first = await welcomed();
    edge.problem = { status: 403, code: "certificate_untrusted" };
    await answered(first);
    await first.closed;
    await until(() => edge.refused === 1);
    edge.problem = undefined;
    await until(() => edge.connections.length === 2);
    const second = await welcomedAgain();
    expect(second.fingerprint).toBe(first.fingerprint);
    expect(state.tls()?.certificate).toBe(pairs.inUse.tls.certificate);
    expect(pairs.retry()).toBe(true);
  });
});

async function welcomedAgain(): Promise<Connection> {
  const connection = edge.connections.at(-1) ?? expect.fail("no connection");
  await greet(connection, { world, fingerprint: connection.fingerprint ?? "" });
  await connection.frame("trust-ack");
  return connection;
}
