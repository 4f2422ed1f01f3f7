/**
 * Sealed readings of a host as pages see them: what was read, when, and why not. Whoever implements the desk makes the
 * keys, verifies every part and opens it; a page gets a value of the read's own schema or a sentence.
 * All text in a reading is the gateway's own: pages show it with web/components/foreign.tsx and with nothing else.
 * May not: hold a sentence of a page, or keep anything beyond the life of the page.
 */
import type { ReadArgs, ReadName, ReadResult } from "../../protocol/reads.ts";
import type { CheckId } from "../../protocol/posture.ts";
import type { FixOptions } from "../../protocol/posture/options.ts";
import type { Result } from "./backend.ts";

export type { ContentKind, ReadArgs, ReadName, ReadResult } from "../../protocol/reads.ts";

export interface Question<N extends ReadName> {
  readonly host: string;
  readonly operation: N;
  readonly args: ReadArgs<N>;
}

export interface KeptReading<N extends ReadName> {
  readonly value: ReadResult<N>;
  /** When this page had it, edge time: compare with `Backend.now()`. The host's own `value.at` is its claim. */
  readonly readAt: number;
}

export interface ChosenPlan {
  readonly host: string;
  readonly check: CheckId;
  readonly options: FixOptions;
}

export interface ReadingDesk {
  /**
   * Asks the host now. A trouble's code is the refusal's (`protocol/reading.ts`): `grant` means that a touch
   * (`content.read@1`) would open it.
   */
  read<N extends ReadName>(question: Question<N>): Promise<Result<KeptReading<N>>>;
  /** What mending a check would change with what a person typed; the edge reads which check, and nothing of the choices. */
  planWith(question: ChosenPlan): Promise<Result<ReadResult<"posture.plan-with@1">>>;
  /** What this page read last for the same question; kept in memory only, gone with the session. */
  last<N extends ReadName>(question: Question<N>): KeptReading<N> | undefined;
}
