/**
 * What becomes of a packet at one hook. A drop in any base chain is final, an acceptance only ends its own chain: so a stranger
 * is let in when every base chain of the hook may accept him.
 */
import { both, either, type Level } from "./level.ts";
import { holds, keysHold, type Packet } from "./packet.ts";
import {
  baseChains,
  chainNamed,
  type Chain,
  type Ruleset,
  type Rule,
  type Statement,
  type Translation,
  type Verdict,
} from "./rule.ts";

/** Where the kernel looks for the connection that a packet belongs to (NF_IP_PRI_CONNTRACK). */
const TRACKING_PRIORITY = -200;
/** The kernel allows 16. */
const MAX_DEPTH = 20;

export interface Passage {
  /** How surely it is let through. */
  readonly accepted: Level;
  /** The rule that lets it through: by the comment on it, or its chain. */
  readonly by: { readonly chain: string; readonly comment: string | undefined } | undefined;
  readonly translations: readonly {
    readonly level: Level;
    readonly translation: Translation;
    readonly chain: string;
  }[];
  /** Words of rules that were not understood and could have decided. */
  readonly unread: readonly string[];
}

export type Hook = "prerouting" | "prerouting nat" | "input" | "forward" | "output";

/** Through all base chains at a hook, those that change destinations apart; "yes" where there is none. */
export function pass(ruleset: Ruleset, at: Hook, packet: Packet): Passage {
  const [hook = "", kind = "filter"] = at.split(" ");
  const chains = baseChains(ruleset, hook, packet.family)
    .filter(({ base }) => (base?.type === "nat") === (kind === "nat"))
    .toSorted((one, other) => (one.base?.priority ?? 0) - (other.base?.priority ?? 0));
  let accepted: Level = "yes";
  let by: Passage["by"];
  const translations: Passage["translations"][number][] = [];
  const unread: string[] = [];
  for (const chain of chains) {
    const isUntracked = (chain.base?.priority ?? 0) < TRACKING_PRIORITY;
    const walk = new Walk(ruleset, isUntracked ? { ...packet, isUntracked } : packet);
    const through = walk.base(chain);
    accepted = both(accepted, through);
    by = walk.by ?? by;
    translations.push(...walk.translations);
    if (through === "maybe") unread.push(...walk.unread);
  }
  return { accepted, by, translations, unread: [...new Set(unread)] };
}

class Walk {
  readonly translations: { level: Level; translation: Translation; chain: string }[] = [];
  readonly unread: string[] = [];
  by: Passage["by"];
  #accepted: Level = "no";
  #drops = 0;
  readonly #ruleset: Ruleset;
  readonly #packet: Packet;

  constructor(ruleset: Ruleset, packet: Packet) {
    this.#ruleset = ruleset;
    this.#packet = packet;
  }

  base(chain: Chain): Level {
    const rest = this.#chain(chain, "yes", 0);
    return chain.base?.drops === true ? this.#accepted : either(this.#accepted, rest);
  }

  /** How surely the packet comes out at the end of the chain, undecided. */
  #chain(chain: Chain, entering: Level, depth: number): Level {
    if (depth > MAX_DEPTH) return this.#unreadable("depth");
    let path = entering;
    let returned: Level = "no";
    for (const rule of chain.rules) {
      if (path === "no") break;
      const result = this.#rule(rule, path, { chain, depth });
      path = result.path;
      returned = either(returned, result.returned);
    }
    return either(path, returned);
  }

  #rule(
    rule: Rule,
    path: Level,
    { chain, depth }: { readonly chain: Chain; readonly depth: number },
  ): { path: Level; returned: Level } {
    let matched = path;
    let left = path;
    let returned: Level = "no";
    for (const statement of rule.statements) {
      matched = this.#narrow(statement, matched);
      if (matched === "no") break;
      for (const [level, verdict] of this.#verdicts(statement, matched, chain)) {
        const result = this.#decide(verdict, { level, rule, chain, depth });
        if (result === undefined) continue;
        left = remaining(left, level, result.comesBack);
        returned = either(returned, result.returned);
      }
    }
    return { path: left, returned };
  }

  #narrow(statement: Statement, matched: Level): Level {
    if (statement.kind === "test") {
      const level = holds(statement.test, this.#packet);
      if (level === "maybe") this.unread.push(statement.test.keys.join(" . "));
      return both(matched, level);
    }
    if (statement.kind === "sometimes") return both(matched, "some");
    if (statement.kind !== "unknown") return matched;
    this.unread.push(statement.word);
    return both(matched, "maybe");
  }

  #verdicts(statement: Statement, matched: Level, chain: Chain): readonly (readonly [Level, Verdict])[] {
    if (statement.kind === "verdict") return [[matched, statement.verdict]];
    if (statement.kind === "translate") {
      const { translation } = statement;
      if (translation.family !== undefined && translation.family !== this.#packet.family) return [];
      this.translations.push({ level: matched, translation, chain: `${chain.table} ${chain.name}` });
      return [[matched, { kind: "accept" }]];
    }
    if (statement.kind !== "choice") return [];
    const { keys, entries } = statement;
    return entries
      .map(([element, verdict]) => [both(matched, keysHold(keys, element, this.#packet)), verdict] as const)
      .filter(([level]) => level !== "no");
  }

  #enter(name: string, { level, chain, depth }: { level: Level; chain: Chain; depth: number }): Level {
    const target = chainNamed(this.#ruleset, chain, name);
    return target === undefined ? this.#unreadable("jump") : this.#chain(target, level, depth + 1);
  }

  #unreadable(word: string): Level {
    this.#accepted = either(this.#accepted, "maybe");
    this.#drops += 1; // perhaps
    this.unread.push(word);
    return "maybe";
  }

  /** Undefined: nothing was decided. Else how surely it goes on behind this rule, of what reached the verdict. */
  #decide(
    verdict: Verdict,
    { level, rule, chain, depth }: { level: Level; rule: Rule; chain: Chain; depth: number },
  ): { comesBack: Level; returned: Level } | undefined {
    switch (verdict.kind) {
      case "continue":
        return undefined;
      case "return":
        return { comesBack: "no", returned: level };
      case "drop":
        this.#drops += 1;
        return { comesBack: "no", returned: "no" };
      case "queue": // a program decides, and nobody knows what
        this.#unreadable("queue");
        return { comesBack: "no", returned: "no" };
      case "accept":
        if (either(level, this.#accepted) !== this.#accepted || this.by === undefined)
          this.by = { chain: `${chain.table} ${chain.name}`, comment: rule.comment };
        this.#accepted = either(this.#accepted, level);
        return { comesBack: level === "maybe" ? "maybe" : "no", returned: "no" };
      case "jump":
      case "goto": {
        const before = this.#drops;
        const out = this.#enter(verdict.chain, { level, chain, depth });
        // "Maybe" after it does not tell whether anybody was taken away there.
        const left = level === "maybe" && this.#drops > before ? "no" : out;
        // After a goto the packet does not come back to here, but to whoever jumped here.
        return verdict.kind === "jump" ? { comesBack: left, returned: "no" } : { comesBack: "no", returned: out };
      }
    }
  }
}

/** What goes on to the next rule: those that the rule did not take, and those that came back from it. */
function remaining(path: Level, taken: Level, comesBack: Level): Level {
  if (taken === "yes") return comesBack;
  if (comesBack === taken) return path; // nobody was taken away
  if (path === "maybe" || taken === "maybe") return "maybe";
  return "some";
}
