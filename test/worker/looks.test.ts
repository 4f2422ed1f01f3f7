/**
 * A look from outside, at the edge: who gets one, for which address, how often. The hosts here are scripted, honest or not. Where a
 * knock goes out at all it goes to an address of RFC 5737, and what comes of it is not judged here (test/net/outside.test.ts does).
 */
import { beforeAll, describe, expect, it } from "vitest";
import { knockAt, type ConnectOut } from "../../durable-objects/outbound/knock.ts";
import { fromBase64url } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { knockStates, lookedCodec, type LookAnswer } from "../../protocol/posture/outside.ts";
import { digestOf, verifySignature, type Signer } from "../../protocol/signing.ts";
import { HostPeer, type Tunnel } from "../fixtures/edge/host-peer.ts";
import type { Edge } from "../fixtures/edge/page.ts";
import { Town } from "../fixtures/edge/town.ts";
import { nonceOf, signed, signerOf } from "../fixtures/keys.ts";
import type { Fields } from "../fixtures/workspace.ts";
import { edge, fresh, ledgerBodies, upgrade } from "./client.ts";

const PUBLIC = "198.51.100.7";
const PORTS = [22, 80, 443, 18_789];
const VIOLATION = 1008;
const FLOOD = 4005;

let town: Town;
beforeAll(async () => {
  town = await Town.at(edge);
});

/** The same edge, as a front states it that a host comes from there. */
const edgeFrom = (source: string | undefined): Edge => ({
  ...edge,
  async connect(peer) {
    const { webSocket } = await upgrade(peer, {}, source === undefined ? {} : { "cf-connecting-ip": source });
    if (webSocket === null) throw new Error("no socket");
    webSocket.accept();
    return webSocket;
  },
});

interface Standing {
  readonly peer: HostPeer;
  readonly tunnel: Tunnel;
}

async function hostFrom(source: string | undefined, name: string, colocated = false): Promise<Standing> {
  const peer = await HostPeer.at(edgeFrom(source), `looked at ${name}`, town.workspace);
  await peer.join({ join: { colocated } });
  const { status } = await town.state("host.admit", { ...peer.admission, colocated });
  expect(status).toBe(200);
  return { peer, tunnel: await peer.open((await town.trust()).head) };
}

/** A person's command, as far as to the host. */
async function commanded({ peer, tunnel }: Standing, operation = "posture.look@1"): Promise<string> {
  const { body, digest } = await town.submission(peer.host, { operation });
  const said = town.page.call("command", { body });
  await tunnel.next("deliver");
  void said; // waits for a receipt that may never come
  return digest;
}

const nameOf = ({ heard }: Tunnel): string =>
  heard.flatMap((frame) => (frame.kind === "challenge" ? [frame.tunnel] : []))[0] ?? "";

async function ask({ peer, tunnel }: Standing, change: Fields, signer: Signer = peer.key): Promise<string> {
  const { workspace, host } = peer;
  const question = { v: 1, workspace, host, tunnel: nameOf(tunnel), intent: nonceOf("nobody's"), ports: PORTS };
  const body = encodeCanonical({ ...question, nonce: fresh(), ...change });
  tunnel.say({ kind: "look", signed: await signed(signer, "look", body) });
  return digestOf("look", body);
}

async function answered({ peer, tunnel }: Standing, look: string): Promise<LookAnswer> {
  const { signed: word } = await tunnel.next("looked");
  const body = fromBase64url(word.body);
  const publicKey = (await town.trust()).dispatchKey;
  expect(await verifySignature({ kind: "looked", body, signature: word.signature, publicKey })).toBe(true);
  const looked = lookedCodec.decode(body);
  expect(looked).toMatchObject({ workspace: town.workspace, host: peer.host, look });
  return looked.answer;
}

const refusedAs = (code: string): Fields => ({ kind: "refused", code });

describe("a look that a person asked for", () => {
  it("knocks at where the tunnel comes from, once for one command, and once a minute", async () => {
    const host = await hostFrom(PUBLIC, "honest");
    const intent = await commanded(host);
    const answer = await answered(host, await ask(host, { intent }));
    expect(answer).toMatchObject({ kind: "seen", vantage: "internet", address: PUBLIC });
    const ports = answer.kind === "seen" ? answer.ports : [];
    expect(ports.map(({ port }) => port)).toEqual(PORTS);
    for (const { state } of ports) expect(knockStates).toContain(state);
    // Said again, by the host or by whoever sits between: the command is used up.
    expect(await answered(host, await ask(host, { intent }))).toEqual(refusedAs("look_unasked"));
    // And another command does not make it an instrument for asking every second.
    const next = await commanded(host);
    expect(await answered(host, await ask(host, { intent: next }))).toEqual(refusedAs("look_too_often"));
  });

  it("uses up the commands before it as well: two that are never answered are no knock each minute for ever", async () => {
    const host = await hostFrom(PUBLIC, "alternating");
    const [first, second] = [await commanded(host), await commanded(host)];
    expect(await answered(host, await ask(host, { intent: second }))).toMatchObject({ kind: "seen" });
    expect(await answered(host, await ask(host, { intent: first }))).toEqual(refusedAs("look_unasked"));
  });

  it("is in the log, with who asked, before the host has the command that lets it ask", async () => {
    const host = await hostFrom(PUBLIC, "logged");
    const intent = await commanded(host);
    const entries = await ledgerBodies(town.workspace);
    expect(entries.filter(({ detail }) => (detail as Fields)["intent"] === intent)).toMatchObject([
      {
        action: "command.accepted",
        target: host.peer.host,
        actor: { kind: "person" },
        detail: { operation: "posture.look@1" },
      },
    ]);
  });
});

describe("nobody is knocked at", () => {
  it("without a command", async () => {
    const host = await hostFrom(PUBLIC, "unasked");
    expect(await answered(host, await ask(host, {}))).toEqual(refusedAs("look_unasked"));
  });

  it("for a command about something else", async () => {
    const host = await hostFrom(PUBLIC, "something else");
    const intent = await commanded(host, "host.check@1");
    expect(await answered(host, await ask(host, { intent }))).toEqual(refusedAs("look_unasked"));
  });

  it("for another host's command", async () => {
    const [one, two] = [await hostFrom(PUBLIC, "one"), await hostFrom(PUBLIC, "two")];
    const intent = await commanded(one);
    expect(await answered(two, await ask(two, { intent }))).toEqual(refusedAs("look_unasked"));
  });

  it("for a command that was answered already", async () => {
    const host = await hostFrom(PUBLIC, "answered");
    const intent = await commanded(host);
    host.tunnel.say(await host.peer.receipt(intent));
    await host.tunnel.next("ack");
    expect(await answered(host, await ask(host, { intent }))).toEqual(refusedAs("look_unasked"));
  });

  it.each([
    ["that nobody states", undefined, "look_no_address"],
    ["that is a name", "gateway.example.org", "look_no_address"],
    ["that is this machine", "127.0.0.1", "look_same_machine"],
    ["that is this machine in other clothes", "::ffff:127.0.0.1", "look_same_machine"],
    ["where clouds hand out credentials", "169.254.169.254", "look_odd_address"],
  ])("at an address %s", async (what, source, code) => {
    const host = await hostFrom(source, what);
    const intent = await commanded(host);
    expect(await answered(host, await ask(host, { intent }))).toEqual(refusedAs(code));
  });

  it("on the machine of the edge itself, wherever the tunnel seems to come from", async () => {
    const host = await hostFrom(PUBLIC, "colocated", true);
    const intent = await commanded(host);
    expect(await answered(host, await ask(host, { intent }))).toEqual(refusedAs("look_same_machine"));
  });
});

describe("a host that does not keep to it loses its tunnel", () => {
  it.each([
    ["a port off the list", { ports: [22, 25] }],
    ["nine ports", { ports: [22, 80, 443, 8_080, 8_081, 8_082, 8_083, 8_084, 18_789] }],
    ["a port twice", { ports: [22, 22] }],
    ["an address", { address: "203.0.113.1" }],
    ["another tunnel", { tunnel: nonceOf("another tunnel") }],
    ["another host", { host: "h-0123456789abcdef0123" }],
  ])("for a question with %s", async (what, change) => {
    const host = await hostFrom(PUBLIC, `violating ${what}`);
    const intent = await commanded(host);
    await ask(host, { intent, ...change });
    expect(await host.tunnel.closed()).toBe(VIOLATION);
  });

  it("for one that its host key did not sign: the link alone cannot ask", async () => {
    const host = await hostFrom(PUBLIC, "a taken link");
    const intent = await commanded(host);
    await ask(host, { intent }, await signerOf("a taken link's own"));
    expect(await host.tunnel.closed()).toBe(VIOLATION);
  });

  it("for asking every second", async () => {
    const host = await hostFrom(PUBLIC, "insistent");
    for (let i = 0; i <= 30; i += 1) await ask(host, {});
    expect(await host.tunnel.closed()).toBe(FLOOD);
  });
});

describe("a knock", () => {
  type Far = "accepts" | "refuses" | "throws" | "silent";

  function far(ways: Readonly<Record<number, Far>>): {
    readonly connect: ConnectOut;
    readonly tried: string[];
    most: number;
  } {
    const seen = { tried: [] as string[], most: 0, open: 0 };
    const connect: ConnectOut = ({ hostname, port }) => {
      seen.tried.push(`${hostname} ${String(port)}`);
      seen.most = Math.max(seen.most, (seen.open += 1));
      const way = ways[port] ?? "refuses";
      if (way === "throws") throw new TypeError("connect");
      const opened =
        way === "accepts"
          ? Promise.resolve({})
          : way === "refuses"
            ? Promise.reject(new Error("no"))
            : new Promise<object>(() => undefined);
      const close = (): Promise<void> => {
        seen.open -= 1;
        return Promise.resolve();
      };
      return { opened, closed: new Promise<void>(() => undefined), close };
    };
    return Object.assign(seen, { connect });
  }

  it("tells an answer, a refusal, silence, and what could not be tried apart", async () => {
    const { connect } = far({ 22: "accepts", 80: "refuses", 443: "silent", 8_080: "throws" });
    expect(await knockAt(PUBLIC, [22, 80, 443, 8_080], connect)).toEqual([
      { port: 22, state: "open" },
      { port: 80, state: "closed" },
      { port: 443, state: "filtered" },
      { port: 8_080, state: "error" },
    ]);
  });

  it("opens four connections at a time, closes each, and writes an IPv6 address as one", async () => {
    const many = far(Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8].map((i) => [9_000 + i, "accepts"])));
    const ports = [1, 2, 3, 4, 5, 6, 7, 8].map((i) => 9_000 + i);
    expect((await knockAt("2001:db8::7", ports, many.connect)).map(({ port }) => port)).toEqual(ports);
    expect(many.most).toBe(4);
    expect(many.tried[0]).toBe("[2001:db8::7] 9001");
  });
});
