/** What every part of a transaction is handed: the machine, the records, and whoever watches it in a test. */
import { systemCode } from "../../shared/edge-error.ts";
import type { Disk } from "./disk.ts";
import type { Hands } from "./hands.ts";
import type { Records } from "./record.ts";

export const transactionSteps = ["snapshot", "check", "arm", "apply", "probe", "disarm"] as const;
export type TransactionStep = (typeof transactionSteps)[number];

export interface Transacting {
  readonly hands: Hands;
  readonly records: Records;
  /** Called as each step is over; for tests that cut the power there. */
  readonly afterStep: (step: TransactionStep) => Promise<void>;
  readonly log: (line: string) => void;
}

export function hasSystemd({ disk }: { readonly disk: Disk }): boolean {
  return disk.state("/run/systemd/system").kind === "directory";
}

export function sentenceOf(error: unknown): string {
  if (systemCode(error) === "EROFS")
    return `A part of this machine's file system can only be read, and a change needs it. Mount it so that it can be written, then try again (${messageOf(error)}).`;
  return messageOf(error);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "unknown";
}
