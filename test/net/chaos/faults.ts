/**
 * What goes wrong in a run. Two hands deal at the same time, each from its own shuffled deck, so that every kind of
 * fault comes before one comes twice: one hits processes and disks, the other the network. A seed repeats the decks.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { CommandStep } from "../../../agent/host/log.ts";
import type { Machine } from "./machine.ts";
import type { Impairment } from "./network.ts";
import type { Random } from "./random.ts";
import { HOSTS, type Town } from "./town.ts";

interface Fault {
  readonly name: string;
  /** Resolves when the fault is over and whoever restarts things has. */
  strike(town: Town, random: Random): Promise<unknown> | void;
}

const machineOf = (town: Town, random: Random) => town.machine(random.pick(HOSTS));
const moment = (random: Random, from: number, to: number): number => Math.round(random.between(from, to));

/** A blow at the very moment is another test than one at any moment: between what is done and what is written of it. */
const STEPS: readonly CommandStep[] = ["prepared", "verified", "journaled", "executing", "executed", "receipted"];
const STEP_MILLISECONDS = 2_000;

async function atStep(town: Town, random: Random): Promise<Machine> {
  const machine = machineOf(town, random);
  await machine.step(random.pick(STEPS), STEP_MILLISECONDS);
  return machine;
}

const processFaults: readonly Fault[] = [
  { name: "workerd killed", strike: ({ edge }) => edge.killWorkerd() },
  { name: "front killed", strike: ({ edge }) => edge.replace("SIGKILL") },
  { name: "edge redeployed", strike: ({ edge }) => edge.replace("SIGTERM") },
  { name: "edge's own agent killed", strike: ({ edge }) => edge.killAgent() },
  { name: "edge's disk full", strike: ({ edge }, random) => edge.fillDisk(moment(random, 500, 3_000)) },
  { name: "agent killed", strike: (town, random) => machineOf(town, random).kill(moment(random, 0, 1_000)) },
  { name: "agents killed", strike: (town) => Promise.all(town.machines.map((machine) => machine.kill(0))) },
  {
    name: "agent killed at a step",
    strike: async (town, random) => (await atStep(town, random)).kill(moment(random, 0, 500)),
  },
  {
    name: "workerd killed at a step",
    async strike(town, random) {
      await atStep(town, random);
      town.edge.killWorkerd();
    },
  },
  {
    name: "front killed at a step",
    async strike(town, random) {
      await atStep(town, random);
      await town.edge.replace("SIGKILL");
    },
  },
  { name: "agent frozen", strike: (town, random) => machineOf(town, random).freeze(moment(random, 500, 4_000)) },
  { name: "agent's disk full", strike: (town, random) => machineOf(town, random).fillDisk(moment(random, 500, 4_000)) },
  {
    name: "agent killed on a full disk",
    async strike(town, random) {
      const machine = machineOf(town, random);
      const full = machine.fillDisk(moment(random, 1_000, 3_000));
      await machine.kill(moment(random, 0, 500));
      await full;
    },
  },
  { name: "proxy killed", strike: (town) => town.killProxy() },
];

/** A line that is bad for a while. */
function badLine(name: string, of: (random: Random) => Impairment, isEdgeToo = true): Fault {
  return {
    name,
    async strike({ network }, random) {
      const place = random.pick(isEdgeToo ? [...HOSTS, "edge"] : HOSTS);
      network.set(place, of(random));
      await wait(moment(random, 1_000, 5_000));
      network.set(place);
    },
  };
}

const networkFaults: readonly Fault[] = [
  badLine("loss", (random) => ({ loss: random.between(0.02, 0.3) })),
  badLine("delay", (random) => ({ delay: random.between(20, 400), jitter: random.between(0, 100) })),
  badLine("reordering", (random) => ({ delay: 10, jitter: 10, reorder: random.between(0.1, 0.5) })),
  badLine("duplication", (random) => ({ duplicate: random.between(0.1, 0.6) })),
  badLine("partition", () => ({ cutOut: true, cutIn: true })),
  badLine("partition, outwards", () => ({ cutOut: true })),
  badLine("partition, inwards", () => ({ cutIn: true })),
  badLine("everything", () => ({ loss: 0.1, delay: 100, jitter: 80, reorder: 0.2, duplicate: 0.2 })),
  {
    name: "NAT rebinding",
    async strike({ network }, random) {
      network.rebind(random.pick(HOSTS));
      await wait(moment(random, 200, 1_000));
    },
  },
  {
    name: "NAT rebinding at a step",
    async strike(town, random) {
      const { name } = await atStep(town, random);
      town.network.rebind(name);
    },
  },
  {
    // What the host says next is lost, and so is the connection that it says it on.
    name: "line dead at a step",
    async strike(town, random) {
      const { name } = await atStep(town, random);
      town.network.set(name, { cutOut: true, cutIn: true });
      await wait(moment(random, 200, 2_000));
      town.network.rebind(name);
      town.network.set(name);
    },
  },
  {
    name: "NAT rebinding on a bad line",
    async strike({ network }, random) {
      const host = random.pick(HOSTS);
      network.set(host, { delay: 80, jitter: 60, loss: 0.05 });
      await wait(moment(random, 500, 2_000));
      network.rebind(host);
      await wait(moment(random, 500, 2_000));
      network.set(host);
    },
  },
];

export interface Hands {
  /** Names of the faults that struck, and how often each. */
  readonly struck: ReadonlyMap<string, number>;
  /** Lets the faults that are under way end, and leaves no line impaired. */
  stop(): Promise<void>;
}

export interface Pace {
  /** Milliseconds between two faults of one hand, at most. */
  readonly pauseMilliseconds: number;
}

export function startFaults(town: Town, random: Random, pace: Pace): Hands {
  const struck = new Map<string, number>();
  let isStopped = false;
  async function deal(deck: readonly Fault[], hand: Random): Promise<void> {
    for (;;) {
      for (const fault of hand.shuffled(deck)) {
        await wait(moment(hand, pace.pauseMilliseconds / 5, pace.pauseMilliseconds));
        if (isStopped) return;
        struck.set(fault.name, (struck.get(fault.name) ?? 0) + 1);
        await fault.strike(town, hand);
      }
    }
  }
  const hands = [deal(processFaults, random.fork()), deal(networkFaults, random.fork())];
  return {
    struck,
    stop: async () => {
      isStopped = true;
      await Promise.all(hands);
      for (const place of [...HOSTS, "edge"]) town.network.set(place);
    },
  };
}
