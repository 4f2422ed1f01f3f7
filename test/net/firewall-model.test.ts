/**
 * Our reading of the packet filter against the kernel's: rule sets by chance are loaded into a namespace, another namespace
 * connects, and what the model calls open must open, what it calls closed must not. "Unknown" claims nothing.
 */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { afterAll, beforeAll, expect, it } from "vitest";
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import { inboundOf, type Standing } from "../../agent/host/posture/collectors/network/nft/inbound.ts";
import { parseRuleset } from "../../agent/host/posture/collectors/network/nft/parse.ts";
import { nothingSaved } from "../../agent/host/posture/collectors/network/nft/xtables.ts";
import { inNamespace, makeMachines, namespaceOf, UNDERLAY } from "./machines.ts";

const NFT = "/usr/sbin/nft";
const PORTS = [22, 80, 443, 8080, 18_789, 40_000];
const ROUNDS = 60;
/** Whom the model calls shut out is given up soon: a miss of ours would open at once. */
const SHUT_MILLISECONDS = 200;
const OPEN_MILLISECONDS = 10_000;

/** The model is about first packets; what belongs to a connection goes on. */
const ANSWERS = "ct state established,related accept\n";

const LISTEN = `
  const { createServer } = require("node:net");
  const ports = JSON.parse(process.argv[1]);
  let left = ports.length;
  for (const port of ports)
    createServer((socket) => socket.destroy()).listen(port, "0.0.0.0", () => { if ((left -= 1) === 0) console.log("{}"); });`;
const DIAL = `
  const { connect } = require("node:net");
  const dial = ({ port, wait }) => new Promise((resolve) => {
    const socket = connect({ host: process.argv[1], port, timeout: wait });
    const over = (isOpen) => { socket.destroy(); resolve([port, isOpen]); };
    socket.once("connect", () => over(true)).once("timeout", () => over(false)).once("error", () => over(false));
  });
  require("node:readline").createInterface({ input: process.stdin }).on("line", async (line) =>
    console.log(JSON.stringify(await Promise.all(JSON.parse(line).map(dial)))));
  console.log("{}");`;

const standing: Standing = {
  outside: [{ name: "net0", ip: [UNDERLAY.host], ip6: [] }],
  interfaceTowards: () => undefined,
  isOwn: (address) => address === UNDERLAY.host,
  forwards: { 4: false, 6: false },
};

const closers: Closers = [];
let ask: (line: string) => Promise<unknown>;

beforeAll(async () => {
  const machines = makeMachines();
  closers.push(() => Promise.resolve(machines.remove()));
  await program("host", LISTEN, JSON.stringify(PORTS));
  ask = await program("edge", DIAL, UNDERLAY.host);
});

afterAll(() => closeAll(closers));

/** Resolves once it said that it is ready; each line to it is answered by one. */
async function program(
  name: "edge" | "host",
  source: string,
  word: string,
): Promise<(line: string) => Promise<unknown>> {
  const argv = [`--net=/run/netns/${namespaceOf(name)}`, process.execPath, "-e", source, word];
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn("/usr/bin/nsenter", argv, {
    stdio: ["pipe", "pipe", "inherit"],
  });
  closers.push(() => {
    child.kill("SIGKILL");
    return Promise.resolve();
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error("the program ended");
    return JSON.parse(value);
  };
  await next();
  return (line) => {
    child.stdin.write(`${line}\n`);
    return next();
  };
}

let seed = 20_261_121;
function below(limit: number): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return (seed >>> 8) % limit;
}
function one<T>(...choices: readonly [T, ...T[]]): T {
  return choices[below(choices.length)] ?? choices[0];
}
const port = (): string => String(one(22, 80, 443, 8080, 18_789, 40_000));

/** Tests that hold for every packet of the dialler, or for none: what holds for some says nothing about him. */
function test(): string {
  return one(
    () => `tcp dport ${port()}`,
    () => `tcp dport != ${port()}`,
    () => `tcp dport { ${one("22", "80", "443")}, 1000-9000 }`,
    () => `tcp dport ${one("1-1023", "1024-65535")}`,
    () => "tcp dport @listed",
    () => `meta l4proto ${one("tcp", "udp")} th dport ${port()}`,
    () => `udp dport ${port()}`,
    () => `iifname ${one('"net0"', '"lo"', '"net*"', '!= "lo"', '{ "eth0", "net0" }')}`,
    () => `ip saddr ${one("203.0.113.7", "!= 203.0.113.7", "10.0.0.0/8", "{ 203.0.113.7, 192.0.2.0/24 }")}`,
    () => `ip daddr ${one(UNDERLAY.host, "203.0.113.9", `!= ${UNDERLAY.host}`)}`,
    () => `ct state ${one("new", "established,related", "invalid", "{ new, established }")}`,
    () => `fib daddr type ${one("local", "broadcast", "!= local")}`,
    () => `meta nfproto ${one("ipv4", "ipv6")}`,
    () => `meta mark ${one("0", "7")}`,
    () => "ip protocol tcp",
    () => "icmp type echo-request",
  )();
}

function verdict(): string {
  return one(
    "accept",
    "accept",
    "drop",
    "reject",
    "reject with tcp reset",
    "return",
    "jump side",
    "goto side",
    "counter",
    "jump deep",
  );
}

function rule(verdicts: () => string): string {
  if (below(8) === 0) return `tcp dport vmap { ${port()} : ${one("accept", "drop", "jump side")}, 5000-6000 : drop }`;
  if (below(10) === 0) return "ct state vmap { established : accept, related : accept, invalid : drop }";
  const tests = Array.from({ length: below(3) }, test).join(" ");
  return `${tests} ${verdicts()}`;
}

function ruleset(): string {
  const rules = (count: number, verdicts = verdict): string =>
    Array.from({ length: 1 + below(count) }, () => `${rule(verdicts)}\n`).join("");
  const last = (): string => one("accept", "drop", "return");
  const base = (hook: string, priority: number): string =>
    `type filter hook ${hook} priority ${String(priority)}; policy ${one("accept", "drop")};\n${ANSWERS}`;
  const leaf = (): string => one("accept", "drop", "return", "counter");
  const chains = `chain deep {\n${rules(2, leaf).replaceAll("jump side", last())}}\n
    chain side {\n${rules(3, () => one("accept", "drop", "return", "jump deep", "counter")).replaceAll("jump side", "drop")}}\n
    chain main {\n${base("input", 0)}${rules(6)}}\n`;
  const extra =
    below(3) === 0
      ? `chain early {\n${base("prerouting", -300).replace("policy drop", "policy accept")}${rules(2)}}\n`
      : "";
  const second = below(3) === 0 ? `chain late {\n${base("input", 10)}${rules(3)}}\n` : "";
  const set = `set listed { type inet_service; flags interval; elements = { ${one("22", "80", "443")}, 30000-50000 }; }\n`;
  return `table inet model {\n${set}${chains}${extra}${second}}\n`;
}

/** Two tests in one rule may exclude each other, and then nft does not take it. */
function load(host: string): string {
  for (let tries = 0; tries < 100; tries += 1) {
    const text = ruleset();
    try {
      inNamespace(host, NFT, `flush ruleset\n${text}`);
      return text;
    } catch (error) {
      if (!/conflicting|with this protocol|not supported/i.test(String(error))) throw error;
    }
  }
  throw new Error("nft takes none of them");
}

it("our reading of the packet filter is the kernel's", { timeout: 170_000 }, async () => {
  const host = namespaceOf("host");
  const counted = { open: 0, closed: 0, unknown: 0 };
  for (let round = 0; round < ROUNDS; round += 1) {
    const text = load(host);
    const rules = parseRuleset(inNamespace(host, NFT, "-j", "list", "ruleset"), nothingSaved);
    const found = rules === undefined ? undefined : inboundOf(rules, standing);
    const claims = PORTS.map((number) => {
      const hit = found?.openings.find(
        ({ protocol, from, to }) => protocol === "tcp" && from <= number && number <= to,
      );
      return { number, claim: hit?.answer ?? "closed" } as const;
    });
    const asked = claims.map(({ number, claim }) => ({
      port: number,
      wait: claim === "open" ? OPEN_MILLISECONDS : SHUT_MILLISECONDS,
    }));
    const answers = new Map((await ask(JSON.stringify(asked))) as readonly (readonly [number, boolean])[]);
    for (const { number, claim } of claims) {
      counted[claim] += 1;
      if (claim !== "unknown")
        expect(answers.get(number), `port ${String(number)}, ${claim}:\n${text}`).toBe(claim === "open");
    }
  }
  // It claims something about most of them, of both kinds.
  const total = ROUNDS * PORTS.length;
  expect(counted.open + counted.closed + counted.unknown).toBe(total);
  expect(Math.min(counted.open, counted.closed)).toBeGreaterThan(total / 10);
  expect(counted.unknown).toBeLessThan(total / 4);
});
