/** What is kept, in words and numbers. Pure. */
import { retentionPresets, type Segment } from "../../../protocol/contracts/ledger.ts";
import { formatNumberOf } from "../../format.ts";

const MIN_DAYS = 90;
const MAX_DAYS = 36_500;
const DAY_SECONDS = 86_400;

/** What was typed: nothing keeps all; undefined is no number of days. */
export function daysOf(typed: string): number | "all" | undefined {
  const text = typed.trim();
  if (text === "") return "all";
  if (!/^[1-9]\d{0,4}$/.test(text)) return undefined;
  const days = Number(text);
  return days >= MIN_DAYS && days <= MAX_DAYS ? days : undefined;
}

export function policyWords(days: number | undefined): string {
  if (days === undefined) return "Everything is kept, for ever.";
  const named = days === retentionPresets.hipaa ? " (HIPAA)" : days === retentionPresets.pci ? " (PCI DSS)" : "";
  return `Entries are kept for ${formatNumberOf(days, "day")}${named}.`;
}

/** A segment is as old as its newest entry. */
export function isDue({ newest }: Pick<Segment, "newest">, days: number | undefined, now: number): boolean {
  return days !== undefined && now - newest > days * DAY_SECONDS;
}
