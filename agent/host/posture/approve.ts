/**
 * Approving on the host itself: root says that what the last scan saw is as it should be. Prints what was taken in, for whoever
 * reads the log of it.
 */
import { parseArgs } from "node:util";
import type { CheckId } from "../../../protocol/posture.ts";
import { approvedIn, writeApproved } from "./collectors/network/approved.ts";
import { openPostureStore } from "./store.ts";
import { approve, BaselineError, type BaselineName, type Drift } from "./baseline.ts";

/** Which approved state a check is held against. */
export const baselineOf = {
  "ssh.keys.inventory": "ssh-keys",
  "fs.suid-drift": "setuid",
  "fim.baseline": "files",
} as const satisfies Partial<Record<CheckId, BaselineName>>;
/** Held against a digest of the rules instead, which fixes record too. */
const RULES = "fw.drift" satisfies CheckId;
type Approvable = keyof typeof baselineOf;

function isApprovable(check: string | undefined): check is Approvable {
  return check !== undefined && Object.hasOwn(baselineOf, check);
}

export interface Approving {
  /** Wall clock, whole seconds. */
  readonly now: number;
  readonly print: (line: string) => void;
}

/**
 * `approve --directory <path> --check <id> [--state <name>]`. The name is the one that the finding tells: with it nothing is
 * approved that came after. Exit codes: 0, 1 (nothing seen, or another state), 64.
 */
export function approveVerb(argv: readonly string[], { now, print }: Approving): number {
  const { values } = parseArgs({
    args: [...argv],
    options: { directory: { type: "string" }, check: { type: "string" }, state: { type: "string" } },
  });
  const { directory, check, state } = values;
  if (directory !== undefined && check === RULES) return approveRules(directory, { now, print, state });
  if (directory === undefined || !isApprovable(check)) {
    print(
      `Usage: approve --directory <path> --check ${[...Object.keys(baselineOf), RULES].join("|")} [--state <name>]`,
    );
    return 64;
  }
  try {
    const drift = approve(directory, {
      name: baselineOf[check],
      now,
      ...(state === undefined ? {} : { digest: state }),
    });
    print(JSON.stringify(told(drift)));
    return 0;
  } catch (error) {
    if (!(error instanceof BaselineError)) throw error;
    print(error.message);
    return 1;
  }
}

/** The rules of the packet filter as the last scan saw them; ports that were named before stay named. */
function approveRules(
  directory: string,
  { now, print, state }: Approving & { readonly state: string | undefined },
): number {
  const live = openPostureStore(directory).facts()["fw.live"];
  if (live?.kind !== "known" || (state !== undefined && state !== live.value.digest)) {
    print(
      live?.kind === "known"
        ? "The rules that were seen last are others."
        : "No scan has seen the rules of this machine.",
    );
    return 1;
  }
  const { digest } = live.value;
  writeApproved(directory, { ...approvedIn(directory), ruleset: { digest, at: now, author: "root of this machine" } });
  print(JSON.stringify({ ruleset: digest }));
  return 0;
}

function told({ added, changed, removed, total }: Drift) {
  return { total, added, changed, removed };
}
