/**
 * The part of a lockdown that is about the gateway's own list of rules for commands, apart from its configuration: which
 * rules are loose, and what they become. Pure. It only ever tightens: what is strict already keeps its words.
 */
import type { ExecRules } from "./exec-defaults.ts";
import type { ExecDefaults } from "./versions-file.ts";

/** What is asked before a command by the gateway's other list of rules; the stricter of the two wins. */
export const LOCKED_EXEC = { security: "allowlist", ask: "on-miss", askFallback: "deny" } as const;
/** Who has no rules of his own goes by these. */
const ANY_AGENT = "*";
/** A second lockdown does what is left. */
const MAX_AGENTS = 32;
const MAX_NAMED = 500;

export interface ExecStep {
  readonly path: string;
  readonly from: ExecDefaults;
  readonly to: ExecDefaults;
}

export interface ExecPlan {
  readonly steps: readonly ExecStep[];
  /** What is to be written; undefined where nothing is loose. */
  readonly rules: ExecRules | undefined;
}

export function planExec({ agents = {}, ...present }: ExecRules): ExecPlan {
  const defaults = tightened(present);
  const common = { ...defaults, ...agents[ANY_AGENT] };
  const inherited = { ...common, ...tightened(common) };
  const loose = Object.entries(agents)
    .slice(0, MAX_NAMED)
    .flatMap(([name, own]) => {
      const counts = { ...(name === ANY_AGENT ? defaults : inherited), ...own };
      const to = tightened(counts);
      return to === counts ? [] : [{ name, from: counts, to }];
    })
    .slice(0, MAX_AGENTS);
  const steps = [
    ...(defaults === present ? [] : [{ path: "defaults", from: present, to: defaults }]),
    ...loose.map(({ name, from, to }) => ({ path: `agents.${name}`, from, to })),
  ];
  const own = Object.fromEntries(loose.map(({ name, to }) => [name, to]));
  return { steps, rules: steps.length === 0 ? undefined : { ...defaults, agents: own } };
}

/** The same rules where they are tight. What happens when nobody answers is a door of its own. */
function tightened(rules: ExecDefaults): ExecDefaults {
  const { security = "full", ask = "off", askFallback = "deny" } = rules;
  if (security === "full" && ask !== "always") return LOCKED_EXEC;
  return askFallback === "deny" ? rules : { ...rules, askFallback: "deny" };
}
