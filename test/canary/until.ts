/** Waits for what happens, and names it when it does not. */
import { setTimeout as wait } from "node:timers/promises";

const PATIENCE_MILLISECONDS = 90_000;
const LOOK_MILLISECONDS = 250;

/** `look` says undefined or false for: not yet. */
export async function until<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<T>> {
  const end = performance.now() + PATIENCE_MILLISECONDS;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false) return found;
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await wait(LOOK_MILLISECONDS);
  }
}
