/** The packet filter as the kernel holds it: one call of nft, and two of iptables where it says that it put rules there. */
import type { Machine, Ran } from "../../machine.ts";
import { hasXtables, parseRuleset } from "./nft/parse.ts";
import { rulesetDigest } from "./nft/digest.ts";
import type { Ruleset } from "./nft/rule.ts";
import { parseSaved } from "./nft/xtables.ts";

const MAX_BYTES = 16 << 20;
export const LISTING = "nft -j list ruleset";

type Fault = {
  readonly kind: "not_root" | "missing_tool" | "timeout" | "failed" | "malformed";
  readonly source: string;
};

export type Listed = Fault | (Answer & { readonly ruleset: Ruleset });

/** What nft and iptables answered, not read yet: that takes longer than asking. */
export interface Answer {
  readonly kind: "listed";
  readonly digest: string;
  readonly raw: string;
  readonly saved: { readonly ip: string; readonly ip6: string };
  /** Tables of the old iptables that stand beside it; empty ones decide nothing and are left out. */
  readonly legacy: readonly string[];
}

/** Also for who mends: what is in the kernel now, and the digest by which it is known again. */
export async function listRuleset(machine: Machine): Promise<Listed> {
  const answer = await askForRules(machine);
  if (answer.kind !== "listed") return answer;
  const ruleset = rulesOf(answer);
  return ruleset === undefined ? { kind: "malformed", source: LISTING } : { ...answer, ruleset };
}

export function rulesOf({ raw, saved }: Answer): Ruleset | undefined {
  return parseRuleset(raw, parseSaved(saved));
}

export async function askForRules(machine: Machine): Promise<Fault | Answer> {
  // Without root nft answers with nothing at all, which is not the same as no rules.
  if (!machine.isRoot) return { kind: "not_root", source: LISTING };
  const answer = await machine.run(["nft", "-j", "list", "ruleset"], { maxBytes: MAX_BYTES });
  if (answer.kind === "missing") return { kind: "missing_tool", source: LISTING };
  if (answer.kind === "timeout") return { kind: "timeout", source: LISTING };
  if (answer.kind !== "ran" || answer.exit !== 0) return { kind: "failed", source: `${LISTING}: ${faultOf(answer)}` };
  const { stdout: raw } = answer;
  const [ip, ip6] = hasXtables(raw)
    ? await Promise.all([save(machine, "iptables-nft-save"), save(machine, "ip6tables-nft-save")])
    : ["", ""];
  const digest = rulesetDigest(raw, [ip, ip6]);
  if (digest === undefined) return { kind: "malformed", source: LISTING };
  return { kind: "listed", digest, raw, saved: { ip, ip6 }, legacy: await legacyTables(machine) };
}

function faultOf(answer: Ran): string {
  return answer.kind === "ran" ? (answer.stderr.trim().split("\n")[0] ?? "").slice(0, 120) : answer.kind;
}

/** Empty when it is missing: then its rules stay unread, and nothing is claimed about them. */
async function save(machine: Machine, program: string): Promise<string> {
  const answer = await machine.run([program], { maxBytes: MAX_BYTES });
  return answer.kind === "ran" && answer.exit === 0 ? answer.stdout : "";
}

/** The kernel names the tables that somebody used; asked for their rules only then, because asking makes them. */
async function legacyTables(machine: Machine): Promise<readonly string[]> {
  const found: string[] = [];
  for (const [file, program] of [
    ["/proc/net/ip_tables_names", "iptables-legacy-save"],
    ["/proc/net/ip6_tables_names", "ip6tables-legacy-save"],
  ] as const) {
    const names = await machine.read(file);
    if (names.kind !== "text" || names.text.trim() === "") continue;
    const answer = await machine.run([program]);
    const isEmpty = answer.kind === "ran" && answer.exit === 0 && !/^-A |^:\S+ DROP/m.test(answer.stdout);
    if (!isEmpty)
      found.push(
        ...names.text
          .trim()
          .split("\n")
          .map((name) => `${program.replace("-legacy-save", "")} ${name}`),
      );
  }
  return found;
}
