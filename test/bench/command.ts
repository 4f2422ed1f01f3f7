/**
 * Round trip of a signed no-op command, prepare to receipt, warm and from an in-process client, against `ssh host
 * true` on loopback with a fresh connection and with a multiplexed one, in the same run and in turn. And the processor
 * time that each of our processes spends on one command, which another program's load does not change much.
 */
import { row, percentile, timed, type Bench, type Row } from "./bench.ts";
import { startInstallation, type BenchInstallation } from "./installation.ts";
import { processesOf, processorMs } from "./processes.ts";
import { startSsh, type Ssh } from "./ssh.ts";

const WARM_UP = 40;
/** In turn, so that whatever else the machine does befalls all three alike. */
const ROUNDS = 5;
const COMMANDS_A_ROUND = 40;
const FRESH_A_ROUND = 6;
const FRESH_TARGET = 1 / 15;
const MULTIPLEXED_TARGET = 1;

/** One command; how many times its state was asked for after the answer to it. */
async function once({ operator, host }: BenchInstallation): Promise<number> {
  const sent = await operator.build("host.check@1", host);
  let status = await operator.submit(sent);
  let questions = 0;
  for (; status.state !== "receipted"; questions++) {
    if (status.state === "refused") throw new Error(`the command was refused: ${status.code}`);
    status = await operator.status(sent, host);
  }
  return questions;
}

interface Taken {
  readonly ours: number[];
  readonly fresh: number[];
  readonly multiplexed: number[];
  readonly processor: Map<string, number>;
  questions: number;
}

async function measure(installation: BenchInstallation, ssh: Ssh): Promise<Taken> {
  const taken: Taken = { ours: [], fresh: [], multiplexed: [], processor: new Map(), questions: 0 };
  const processes = processesOf(installation);
  const command = async (): Promise<void> => {
    taken.questions += await once(installation);
  };
  for (let i = 0; i < ROUNDS; i++) {
    const before = processes.map(({ pid }) => processorMs(pid));
    taken.ours.push(...(await timed(COMMANDS_A_ROUND, command)));
    for (const [p, { name, pid }] of processes.entries()) {
      const used = processorMs(pid) - (before[p] ?? 0);
      taken.processor.set(name, (taken.processor.get(name) ?? 0) + used);
    }
    taken.fresh.push(...(await timed(FRESH_A_ROUND, ssh.fresh)));
    taken.multiplexed.push(...(await timed(COMMANDS_A_ROUND, ssh.multiplexed)));
  }
  return taken;
}

function rowsOf({ ours, fresh, multiplexed, processor, questions }: Taken): readonly Row[] {
  const p50 = { name: "command p50", value: percentile(ours, 0.5), unit: "ms" };
  const against = (name: string, values: readonly number[], fraction: number) => ({
    name: `ssh, ${name}, p${fraction * 100}`,
    value: percentile(values, fraction),
  });
  return [
    row({ ...p50, baseline: against("fresh connection", fresh, 0.5), target: FRESH_TARGET }),
    row({ ...p50, baseline: against("multiplexed", multiplexed, 0.5), target: MULTIPLEXED_TARGET }),
    row({
      name: "command p99",
      value: percentile(ours, 0.99),
      unit: "ms",
      baseline: against("multiplexed", multiplexed, 0.99),
    }),
    ...[...processor].map(([name, used]) =>
      row({ name: `processor time, ${name}`, value: used / ours.length, unit: "ms a command" }),
    ),
    row({ name: "further questions", value: questions / ours.length, unit: "a command" }),
  ];
}

export const command: Bench = {
  name: "command",
  about: "signed no-op command, prepare to receipt, against ssh",
  async run() {
    const ssh = await startSsh();
    if ("skipped" in ssh) return ssh;
    const installation = await startInstallation({ gateway: "none" });
    try {
      for (let i = 0; i < WARM_UP; i++) await once(installation);
      await timed(3, ssh.fresh);
      await timed(3, ssh.multiplexed);
      return rowsOf(await measure(installation, ssh));
    } finally {
      await installation.stop();
      await ssh.stop();
    }
  },
};
