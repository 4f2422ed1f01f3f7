/** The three processes of an installation, found by what the kernel says, and ended without a word. */
import { readdirSync, readFileSync } from "node:fs";

export const victims = ["workerd", "agent", "front"] as const;
export type Victim = (typeof victims)[number];

/** What the command line of each child of `up` contains, and no other's. */
const marks = { workerd: "workerd\0serve\0", agent: "\0host\0run\0" } as const;

/** The process that plays this part under this `up` now; undefined while it is being started again. */
export function findVictim(victim: Victim, up: number): number | undefined {
  if (victim === "front") return up;
  return childrenOf(up).find((pid) => commandOf(pid).includes(marks[victim]));
}

function childrenOf(parent: number): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent);
}

function parentOf(pid: number): number | undefined {
  const stat = readProcess(pid, "stat");
  return stat === "" ? undefined : Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

function commandOf(pid: number): string {
  return readProcess(pid, "cmdline");
}

/** Processes end while one looks. */
function readProcess(pid: number, file: "stat" | "cmdline"): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ESRCH") return "";
    throw error;
  }
}
