/**
 * Runs the real Worker and its objects in workerd, does each thing that a day consists of a few times, and gives what one
 * of it is charged as. Small fleets suffice: what grows with the fleet is measured at two sizes.
 */
import { startPlain } from "../../parity/plain.ts";
import { bundleWorker } from "../../parity/bundle.ts";
import { adminOf, type Edge } from "../../fixtures/edge/page.ts";
import { Town } from "../../fixtures/edge/town.ts";
import { NOTHING, type Counted } from "./counts.ts";
import { WitnessingHost } from "./witnessing-host.ts";

/** What each part of a day costs. */
export interface Units {
  /** One host, connected, for as long as three keep-alives: nothing, or the promise is broken. */
  readonly idle: Counted;
  readonly telemetry: Counted;
  /** Another one within the minute, which is not written down. */
  readonly telemetryAgain: Counted;
  /** A batch of samples, the first of an hour, which completes the steps of the hour before. */
  readonly historyHour: Counted;
  /** Another one within the hour. */
  readonly history: Counted;
  /** Asked, signed, delivered, receipted. */
  readonly command: Counted;
  /** A tunnel ends and is opened again. */
  readonly connection: Counted;
  readonly checkpoint: Counted;
  readonly checkpointHost: Counted;
  readonly poll: Counted;
  readonly pollHost: Counted;
}

/** Longer than the period of checkpoints. */
const SETTLE_MS = 13_000;
const MOMENT_MS = 1_500;
/** The alarm that a host's object sets while something is unfinished goes off after two seconds. */
const ALARM_MS = 3_500;
/** Figures are written down once in a minute. */
const MINUTE_MS = 48_000;
const FEW = 3;
const MORE = 6;
const POLLS = 4;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function each(counted: Counted, by: (key: keyof Counted, value: number) => number): Counted {
  const keys = Object.keys(counted) as (keyof Counted)[];
  return Object.fromEntries(keys.map((key) => [key, by(key, counted[key])])) as unknown as Counted;
}

const over = (counted: Counted, times: number): Counted => each(counted, (_key, value) => round(value / times));
const minus = (one: Counted, other: Counted): Counted => each(one, (key, value) => round(value - other[key]));
/** What a part that grows with the fleet costs for one host, and beside all hosts; never less than nothing. */
const slope = (few: Counted, more: Counted): Counted =>
  each(more, (key, value) => Math.max(0, round((value - few[key]) / (MORE - FEW))));
const rest = (few: Counted, host: Counted): Counted =>
  each(few, (key, value) => Math.max(0, round(value - FEW * host[key])));

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

class Counter {
  readonly #edge: Edge;

  constructor(edge: Edge) {
    this.#edge = edge;
  }

  async of(work: () => Promise<void>): Promise<Counted> {
    const before = await this.#now();
    await work();
    return minus(await this.#now(), before);
  }

  async #now(): Promise<Counted> {
    return { ...NOTHING, ...(await adminOf(this.#edge, "/admin/bench-counts")).body };
  }
}

async function command(town: Town, host: WitnessingHost): Promise<() => Promise<void>> {
  const { prepare } = await town.prepareBody(host.peer.host);
  const { body } = await town.submission(host.peer.host);
  return async () => {
    const asked = town.page.must("prepare", { params: { host: host.peer.host }, body: { prepare } });
    await host.answerPrepare();
    await asked;
    await town.page.must("command", { body });
  };
}

export async function countUnits(): Promise<Units> {
  const bundle = await bundleWorker("test/bench/cost/counting-worker.ts");
  const edge = await startPlain(bundle);
  try {
    return await count(edge);
  } finally {
    await edge.stop();
    bundle.remove();
  }
}

async function join(town: Town, names: readonly string[]): Promise<readonly WitnessingHost[]> {
  const hosts: WitnessingHost[] = [];
  for (const name of names) hosts.push(await WitnessingHost.admitted(town, name));
  for (const host of hosts) {
    await host.look();
    await host.open();
  }
  await pause(SETTLE_MS);
  return hosts;
}

async function count(edge: Edge): Promise<Units> {
  const town = await Town.at(edge);
  const counter = new Counter(edge);
  const few = await join(town, ["one", "two", "three"]);
  const idle = await counter.of(async () => {
    for (let i = 0; i < FEW; i += 1) {
      for (const host of few) host.ping();
      await pause(SETTLE_MS / FEW);
    }
  });
  await pause(MINUTE_MS);
  const telemetry = await counter.of(async () => {
    for (const host of few) host.report();
    await pause(MOMENT_MS);
  });
  const telemetryAgain = await counter.of(async () => {
    for (const host of few) host.report();
    await pause(MOMENT_MS);
  });
  const historyHour = await counter.of(() => samples(few, 0));
  const history = await counter.of(() => samples(few, 1));
  const runs: (() => Promise<void>)[] = [];
  for (const host of few) runs.push(await command(town, host));
  const commands = await counter.of(async () => {
    for (const run of runs) await run();
    await pause(ALARM_MS);
  });
  const checkpointFew = await counter.of(() => pause(SETTLE_MS));
  const pollFew = await polls(town, counter);
  const connections = await counter.of(async () => {
    for (const host of few) host.close();
    await pause(MOMENT_MS);
    for (const host of few) await host.open();
    await pause(ALARM_MS);
  });
  await pause(SETTLE_MS);
  for (const host of few) await host.look();
  const [last] = await join(town, ["four", "five", "six"]);
  if (last === undefined) throw new TypeError("no host");
  await (
    await command(town, last)
  )();
  await pause(ALARM_MS);
  const checkpointMore = await counter.of(() => pause(SETTLE_MS));
  const pollMore = await polls(town, counter);
  const checkpointHost = slope(checkpointFew, checkpointMore);
  const pollHost = slope(pollFew, pollMore);
  return {
    idle,
    telemetry: over(telemetry, FEW),
    telemetryAgain: over(telemetryAgain, FEW),
    historyHour: over(historyHour, FEW),
    history: over(history, FEW),
    command: over(commands, FEW),
    connection: over(connections, FEW),
    checkpoint: rest(checkpointFew, checkpointHost),
    checkpointHost,
    poll: rest(pollFew, pollHost),
    pollHost,
  };
}

async function samples(hosts: readonly WitnessingHost[], batch: number): Promise<void> {
  for (const host of hosts) host.sample(batch);
  await pause(MOMENT_MS);
}

/** One look at the fleet; the first of all asks the hosts for figures, which is not counted here. */
async function polls(town: Town, counter: Counter): Promise<Counted> {
  await town.page.must("hosts");
  await pause(MOMENT_MS);
  const counted = await counter.of(async () => {
    for (let i = 0; i < POLLS; i += 1) await town.page.must("hosts");
  });
  return over(counted, POLLS);
}
