/**
 * A gateway of a version that nobody has tried is looked at and stopped, but not changed: its requests may mean something
 * else by now.
 */
import { Refusal, type Acting } from "./acting.ts";

export function mustKnowVersion(acting: Acting): void {
  if (acting.version === undefined) throw new Refusal("version_unknown");
}
