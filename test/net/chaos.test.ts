/**
 * Chaos: the real product in a network that loses, delays, reorders, doubles, cuts and forgets, while its processes are
 * killed and its disks fill, under a stream of honest commands. At the end nothing that was acknowledged is lost,
 * nothing ran twice and nothing is stuck. CLAWHOLD_CHAOS_SECONDS=600 runs as long as that (60 unless given),
 * CLAWHOLD_CHAOS_SEED repeats the order of the faults. Needs root.
 */
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import { afterAll, describe, expect, it } from "vitest";
import { ensure, namespaces } from "../tasks/debian.ts";
import { judge } from "./chaos/judge.ts";
import { PYTHON } from "./chaos/network.ts";
import { reportOf } from "./chaos/report.ts";
import { run } from "./chaos/run.ts";
import { Town } from "./chaos/town.ts";

const SECONDS = wholeOf("CLAWHOLD_CHAOS_SECONDS") ?? 60;
const SEED = wholeOf("CLAWHOLD_CHAOS_SEED") ?? Date.now() % 1_000_000_000;
/** A short run deals as fast as it can; in a long one hosts come back in between, and more commands meet each fault. */
const PAUSE_MILLISECONDS = SECONDS <= 60 ? 1_500 : 6_000;
/** Starting, coming to rest and stopping. */
const BESIDE_SECONDS = 240;

function wholeOf(name: string): number | undefined {
  const text = process.env[name];
  if (text === undefined || text === "") return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${name} is not a whole number`);
  return value;
}

const missing = namespaces() ?? ensure(PYTHON);

describe.skipIf(missing !== undefined)("chaos", () => {
  const closers: Closers = [];
  let town: Town | undefined;

  afterAll(() => closeAll(closers), 60_000);

  it(
    "loses nothing, runs nothing twice, leaves nothing stuck",
    async () => {
      console.log(`chaos: ${String(SECONDS)} s of faults, seed ${String(SEED)}`);
      town = await Town.start(SEED, closers);
      const result = await run({
        town,
        seed: SEED,
        milliseconds: SECONDS * 1_000,
        pace: { pauseMilliseconds: PAUSE_MILLISECONDS },
      });
      const findings = judge(result.history);
      console.log(reportOf(result, findings));
      expect(findings).toEqual([]);
      expect(result.history.effects.flatMap(({ executions }) => executions).length).toBeGreaterThan(0);
    },
    (SECONDS + BESIDE_SECONDS) * 1_000,
  );
});
