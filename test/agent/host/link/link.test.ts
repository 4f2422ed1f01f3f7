import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startLink, type Link, type LinkState } from "../../../../agent/host/link/link.ts";
import type { HostLogLine } from "../../../../agent/host/log.ts";
import { makeAuthority } from "../../../../agent/edge/certificates.ts";
import type { Telemetry } from "../../../../protocol/telemetry.ts";
import { nonceOf } from "../../../fixtures/keys.ts";
import type { World } from "../../../fixtures/workspace.ts";
import { issueClient } from "../../edge/fixtures/client-certificates.ts";
import { Rig, theWorld, until } from "../warden/rig.ts";
import { fixedPair, greet, startScriptedEdge, type ScriptedEdge } from "./scripted-edge.ts";

let world: World;
let edge: ScriptedEdge;
let rig: Rig;
let link: Link | undefined;
let states: LinkState[];
let logged: HostLogLine[];
let faults: unknown[];
let telemetry: Telemetry | undefined;

beforeAll(async () => {
  world = await theWorld();
});
beforeEach(async () => {
  edge = await startScriptedEdge();
  rig = await Rig.open({ world, certFingerprint: edge.fingerprint });
  states = [];
  logged = [];
  faults = [];
  telemetry = undefined;
});
afterEach(async () => {
  await link?.stop();
  link = undefined;
  await rig.close();
  await edge.stop();
  expect(faults).toEqual([]);
});

function start(change: Partial<Parameters<typeof startLink>[0]> = {}): Link {
  link = startLink({
    edge: edge.url,
    pairs: fixedPair(edge.tls),
    warden: rig.warden,
    telemetry: () => telemetry,
    onState: (state) => states.push(state),
    onFault: (error) => faults.push(error),
    environment: {},
    elapsed: () => performance.now(),
    wall: () => Date.now(),
    random: () => 0,
    log: (line) => logged.push(line),
    ...change,
  });
  return link;
}

const violations = (): unknown[] =>
  logged.flatMap((line) => (line["event"] === "tunnel_violation" ? [line["code"]] : []));
const waiting = (): Extract<LinkState, { kind: "waiting" }>[] =>
  states.flatMap((state) => (state.kind === "waiting" ? [state] : []));

describe("an honest edge", () => {
  it("is greeted over TLS 1.3 with our certificate, and gets our frames", async () => {
    telemetry = aTelemetry();
    start();
    const connection = await edge.next();
    expect(connection.authorized).toBe(true);
    await greet(connection, { world, fingerprint: edge.fingerprint });
    await connection.frame("trust-ack");
    expect((await connection.frame("telemetry")).telemetry).toEqual(telemetry);
    expect(states.at(-1)).toEqual({ kind: "connected" });
  });

  it("hears at once when the gateway's state changes, and nothing before the handshake", async () => {
    telemetry = aTelemetry();
    const running = start();
    const connection = await edge.next();
    running.report();
    await greet(connection, { world, fingerprint: edge.fingerprint });
    await connection.frame("telemetry");
    expect(connection.frames.map((frame) => frame.kind)).toEqual(["hello", "trust-ack", "telemetry"]);
    telemetry = { ...aTelemetry(), gateway: { state: "stopped", demo: false, listens: [] } };
    running.report();
    await until(() => connection.frames.length === 4);
    expect(connection.frames.at(-1)).toEqual({ kind: "telemetry", telemetry });
  });

  it("is asked again after it went away", async () => {
    start();
    const first = await edge.next();
    first.socket.terminate();
    const second = await edge.next();
    await greet(second, { world, fingerprint: edge.fingerprint });
    await second.frame("trust-ack");
    expect(waiting()[0]?.code).toBe("closed_1006");
  });

  it("may ask us to come back: drain", async () => {
    start();
    const first = await edge.next();
    await greet(first, { world, fingerprint: edge.fingerprint });
    await first.frame("trust-ack");
    first.send({ kind: "drain" });
    expect((await first.closed).code).toBe(1000);
    await edge.next();
  });

  it("that asks for life gets it", async () => {
    start();
    const connection = await edge.next();
    connection.socket.send("ping");
    await until(() => connection.texts.includes("pong"));
  });
});

describe("a half-open connection", () => {
  it("is cut when nothing answers a ping", async () => {
    start({ keepAliveMilliseconds: 30 });
    const connection = await edge.next();
    await until(() => connection.texts.includes("ping"));
    expect((await connection.closed).code).toBe(1006);
    await edge.next();
  });

  it("lives as long as pongs come", async () => {
    start({ keepAliveMilliseconds: 30 });
    const connection = await edge.next();
    connection.socket.on("message", (data: Buffer) => {
      if (data.toString("utf8") === "ping") connection.socket.send("pong");
    });
    await until(() => connection.texts.filter((text) => text === "ping").length > 5);
    expect(connection.socket.readyState).toBe(1);
  });
});

describe("a hostile edge", () => {
  async function closesOn(
    say: (connection: Awaited<ReturnType<ScriptedEdge["next"]>>) => Promise<void> | void,
  ): Promise<{ code: number; reason: string }> {
    start();
    const connection = await edge.next();
    await say(connection);
    return connection.closed;
  }

  it("that speaks before its welcome is left", async () => {
    const ended = await closesOn((connection) => connection.send({ kind: "deliver", number: 1, envelope: "AAAA" }));
    expect(ended).toEqual({ code: 1008, reason: "out_of_order" });
  });

  it("that cannot sign with the dispatch key is left", async () => {
    const ended = await closesOn((connection) =>
      greet(connection, { world, fingerprint: edge.fingerprint, signer: world.keys.stranger }),
    );
    expect(ended).toEqual({ code: 1008, reason: "edge_unproven" });
    expect(states.some((state) => state.kind === "connected")).toBe(false);
  });

  it("that names another certificate is left: somebody stands between", async () => {
    const ended = await closesOn((connection) =>
      greet(connection, { world, fingerprint: edge.fingerprint, change: { certFingerprint: "0".repeat(64) } }),
    );
    expect(ended.reason).toBe("edge_unproven");
  });

  it.each([
    ["an unknown kind", '{"kind":"exec"}'],
    ["an unknown member", '{"extra":1,"kind":"drain"}'],
    ["another spelling", '{ "kind":"drain"}'],
    ["a duplicate key", '{"kind":"drain","kind":"drain"}'],
    ["text", "hello"],
    ["an empty frame", ""],
  ])("that sends %s is left", async (_name, text) => {
    const ended = await closesOn((connection) => connection.socket.send(text));
    expect(ended).toEqual({ code: 1008, reason: "malformed_frame" });
  });

  it("that sends binary is left", async () => {
    const ended = await closesOn((connection) =>
      connection.socket.send(Buffer.from('{"kind":"drain"}'), { binary: true }),
    );
    expect(ended).toEqual({ code: 1008, reason: "binary" });
  });

  it("that sends a giant frame is left", async () => {
    const ended = await closesOn((connection) => connection.socket.send("x".repeat(200_000)));
    expect([1006, 1009]).toContain(ended.code);
  });

  it("gets at most one answer to a flood", async () => {
    const ended = await closesOn(async (connection) => {
      await greet(connection, { world, fingerprint: edge.fingerprint });
      await connection.frame("trust-ack");
      for (let i = 0; i < 5_000; i += 1) connection.socket.send('{"kind":"ack","receipt":1}');
      connection.socket.send('{"kind":"exec"}');
    });
    expect(ended.code).toBe(1008);
    expect(violations().length).toBeLessThanOrEqual(1);
  });

  it("of another workspace is left", async () => {
    const ended = await closesOn(async (connection) => {
      connection.send({ kind: "challenge", edgeNonce: nonceOf("e"), tunnel: nonceOf("t") });
      const root = { ...world.root, root: `${world.root.root.slice(0, -4)}AAAA` };
      connection.send({ kind: "trust", page: { root, statements: [] } });
      await connection.closed;
    });
    expect(ended.reason).toMatch(/foreign_workspace|trust_refused/);
  });
});

describe("refusals", () => {
  const codes = [
    "certificate_missing",
    "certificate_untrusted",
    "certificate_expired",
    "certificate_replaced",
    "certificate_revoked",
    "certificate_unavailable",
    "certificate_unknown",
    "host_removed",
  ];
  it.each(codes)("%s has a sentence with a next step, and none of the edge's prose", async (code) => {
    edge.problem = { status: 403, code };
    start();
    await until(() => waiting().length > 0);
    const [first] = waiting();
    expect(first?.code).toBe(code);
    expect(first?.problem).toMatch(/join/);
    expect(first?.problem).not.toContain("hostile prose");
  });

  it("a certificate that is not valid yet is a matter of clocks, and joining would not help", async () => {
    edge.problem = { status: 403, code: "certificate_early" };
    start();
    await until(() => waiting().length > 0);
    expect(waiting()[0]?.problem).toMatch(/Compare the clocks/);
  });

  it("another host's certificate is named, when the edge finds out at the hello", async () => {
    start();
    (await edge.next()).socket.close(4006);
    await until(() => waiting().length > 0);
    expect(waiting()[0]).toMatchObject({ code: "closed_4006", problem: expect.stringContaining("another host") });
  });

  it("an unknown code is named, and a problem without one too", async () => {
    edge.problem = { status: 503, code: "something_new" };
    start();
    await until(() => waiting().length > 0);
    expect(waiting()[0]?.problem).toContain("503 something_new");
  });

  it("an edge of another authority is not spoken to", async () => {
    const other = await makeAuthority("somebody else", new Date());
    start({ pairs: fixedPair({ ...edge.tls, edgeCa: other.certificate }) });
    await until(() => waiting().length > 0);
    expect(waiting()[0]?.code).toMatch(/SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE/);
    expect(waiting()[0]?.problem).toContain("is not the edge this host joined");
    expect(edge.connections).toEqual([]);
  });

  it("a certificate for another name is not accepted", async () => {
    const elsewhere = await startScriptedEdge(["other.example"]);
    start({ edge: elsewhere.url, pairs: fixedPair(elsewhere.tls) });
    await until(() => waiting().length > 0);
    expect(waiting()[0]?.code).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
    await link?.stop();
    await elsewhere.stop();
  });

  it("nobody there", async () => {
    start({ edge: "wss://127.0.0.1:1" });
    await until(() => waiting().length > 0);
    expect(waiting()[0]).toMatchObject({ code: "ECONNREFUSED", problem: expect.stringContaining("Nothing answers") });
  });

  it("a client key that does not belong to its certificate never leaves the machine", async () => {
    const agents = await makeAuthority("agents", new Date());
    const other = await issueClient(agents);
    start({ pairs: fixedPair({ ...edge.tls, certificate: other.cert }) });
    await until(() => waiting().length > 0);
    expect(edge.connections).toEqual([]);
  });
});

function aTelemetry(): Telemetry {
  return {
    v: 1,
    at: 1_800_000_000,
    gateway: { state: "running", demo: false, listens: [] },
    host: {
      agentVersion: "0.1.0",
      platform: "linux",
      uptimeSeconds: 1,
      memoryTotalBytes: 1,
      memoryFreeBytes: 1,
      loadMilli: 1,
      cpus: 1,
      oneUser: false,
    },
  };
}
