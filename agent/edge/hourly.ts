/** What a running edge has to do now and then: tried every hour, and a failure is told and not the end. */
import type { EdgeLog } from "./edge-log.ts";

export interface Chore {
  readonly work: () => Promise<void>;
  /** With which a failure is logged. */
  readonly code: string;
}

const HOUR_MILLISECONDS = 3_600_000;

export async function attempt({ work, code }: Chore, log: EdgeLog): Promise<void> {
  try {
    await work();
  } catch (error) {
    log({ level: "error", code, detail: String(error) });
  }
}

/** Returns what ends it. An edge that runs for months must not let its certificate lapse. */
export function hourly(chore: Chore, log: EdgeLog): () => void {
  const timer = setInterval(() => void attempt(chore, log), HOUR_MILLISECONDS);
  timer.unref();
  return () => clearInterval(timer);
}
