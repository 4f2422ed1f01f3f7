/**
 * A gateway of a version that nobody has tried is looked at and stopped, but not changed: its requests may mean something
 * else by now.
 */
import { supportOf } from "../versions-support.ts";
import { Refusal, type Acting } from "./acting.ts";

/** Before every operation that does not merely stop or tighten. @throws {Refusal} */
export function mustKnowVersion({ version }: Acting): void {
  if (version === undefined || supportOf(version) !== "known") throw new Refusal("version_unknown");
}
