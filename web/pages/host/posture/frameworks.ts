/**
 * Which controls of which frameworks the checks support: ids alone, because the texts are their authors'. Pure.
 */
import { checkIds, checks, type CheckId } from "../../../../protocol/posture.ts";
import type { Controls } from "../../../../protocol/posture/entry.ts";

export const frameworks = {
  soc2: "SOC 2",
  iso27001: "ISO 27001",
  nist80053: "NIST 800-53",
  hipaa: "HIPAA",
  pci4: "PCI DSS 4",
} as const satisfies Record<keyof Controls, string>;
export type Framework = keyof typeof frameworks;
export const frameworkNames = Object.keys(frameworks) as readonly Framework[]; // its own keys

/** Each control that a check names, with the checks that support it, in the order of its id. */
export function controlsOf(framework: Framework): readonly (readonly [id: string, of: readonly CheckId[]])[] {
  const held = new Map<string, CheckId[]>();
  for (const check of checkIds) {
    const named: Controls = checks[check].controls;
    for (const id of named[framework] ?? []) held.set(id, [...(held.get(id) ?? []), check]);
  }
  return [...held].toSorted(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
}
