/** What systemd itself thinks of a service's confinement on paper: 0 is the best, 10 the worst. Never enough alone. */
import type { Machine } from "../../machine.ts";
import type { UnitRow } from "./units.ts";

export interface ScoreRow {
  readonly unit: string;
  /** In tenths: 13 is 1.3. */
  readonly tenths: number;
}

export async function scoreOf(machine: Machine, { name, scope }: UnitRow): Promise<ScoreRow | undefined> {
  const manager = scope === "user" ? ["--user"] : [];
  const ran = await machine.run(["systemd-analyze", "security", ...manager, "--no-pager", "--", name]);
  const tenths = ran.kind === "ran" ? parseScore(ran.stdout) : undefined;
  return tenths === undefined ? undefined : { unit: name, tenths };
}

/** Of its last line; the same in 252 and 257. */
export function parseScore(text: string): number | undefined {
  const found = /Overall exposure level for \S+: (\d{1,2})\.(\d)\b/.exec(text);
  return found === null ? undefined : Number(found[1]) * 10 + Number(found[2]);
}
