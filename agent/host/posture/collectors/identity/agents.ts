/** Our own programs that live beside a gateway, and as whom. */
import { known, type Fact } from "../../fact.ts";
import type { Machine } from "../../machine.ts";
import type { statuses } from "./processes.ts";

export interface AgentRow {
  readonly pid: number;
  readonly uid: number;
  /** `run`, `link`, `reader`, `warden`. */
  readonly role: string;
}

const OURS = /(?:^|\/)(?:agent\.cjs|clawhold|clawhold\.[cm]js)$/;
const ROLES = new Set(["run", "link", "reader", "warden"]);

export async function findAgents(
  machine: Machine,
  all: Awaited<ReturnType<typeof statuses>>,
): Promise<Fact<readonly AgentRow[]>> {
  const found = await Promise.all(
    all
      .filter(({ name }) => /^(?:node|MainThread|clawhold)/.test(name))
      .map(async ({ pid, status }): Promise<readonly AgentRow[]> => {
        const file = await machine.read(`/proc/${String(pid)}/cmdline`);
        const words = file.kind === "text" ? file.text.split("\0") : [];
        const role = roleOf(words);
        return role === undefined ? [] : [{ pid, uid: status.uid, role }];
      }),
  );
  const rows = found.flat();
  const excerpt = rows.map(({ role, uid }) => `${role}: user number ${String(uid)}`).join("; ") || "none";
  return known(rows, { level: "runtime", source: "/proc", at: machine.now(), raw: JSON.stringify(rows), excerpt });
}

/** Of `node /opt/clawhold/current/agent.cjs host link ...`. */
export function roleOf(words: readonly string[]): string | undefined {
  const at = words.findIndex((word) => OURS.test(word));
  const [verb, role] = words.slice(at + 1);
  return at >= 0 && verb === "host" && role !== undefined && ROLES.has(role) ? role : undefined;
}
