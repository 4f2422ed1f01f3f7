/** How much of the machine a gateway may take, as its control group says it: what is written and not enforced is not there. */
import type { Machine } from "../../machine.ts";
import type { Look } from "../gateway/rows.ts";
import type { ProcessRow } from "./processes.ts";

export interface LimitRow {
  readonly gateway: string;
  /** Bytes; undefined: no limit. */
  readonly memory?: number;
  readonly tasks?: number;
  /** A number of microseconds in each period is the most it gets. */
  readonly hasCpuQuota: boolean;
  /** The machine's own. */
  readonly machineMemory: number;
  readonly core: string;
}

const GROUPS = "/sys/fs/cgroup";

export async function limitsOf(machine: Machine, processes: readonly ProcessRow[]): Promise<readonly Look<LimitRow>[]> {
  const info = await machine.read("/proc/meminfo");
  const kilobytes = info.kind === "text" ? Number(/^MemTotal:\s+(\d+) kB/m.exec(info.text)?.[1] ?? 0) : 0;
  return Promise.all(
    processes.map(async ({ gateway, group, coreLimit }) => {
      // A limit further up holds for all below.
      const groups = group
        .split("/")
        .slice(1)
        .map((_, index, parts) => `/${parts.slice(0, index + 1).join("/")}`);
      const smallest = async (file: string): Promise<number | undefined> => {
        const texts = await Promise.all(groups.map((one) => machine.read(`${GROUPS}${one}/${file}`)));
        const numbers = texts.flatMap((text) =>
          text.kind === "text" && /^\d+\s*$/.test(text.text) ? [Number(text.text)] : [],
        );
        return numbers.length === 0 ? undefined : Math.min(...numbers);
      };
      const cpu = await Promise.all(groups.map((one) => machine.read(`${GROUPS}${one}/cpu.max`)));
      const [memory, tasks] = await Promise.all([smallest("memory.max"), smallest("pids.max")]);
      return {
        row: {
          gateway,
          ...(memory === undefined ? {} : { memory }),
          ...(tasks === undefined ? {} : { tasks }),
          hasCpuQuota: cpu.some((text) => text.kind === "text" && /^\d+ \d+/.test(text.text)),
          machineMemory: kilobytes * 1_024,
          core: coreLimit,
        },
      };
    }),
  );
}
