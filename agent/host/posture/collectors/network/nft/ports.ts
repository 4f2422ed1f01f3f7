/** The ports between two numbers that the rules name are all treated alike: so a few of them speak for all 65,536. */
import type { Element, Keys, Ruleset, Statement } from "./rule.ts";

export const LAST_PORT = 65_535;
/** More than any rule set of one machine; beyond, an answer would take long. */
const MAX_CLASSES = 1_024;

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** Undefined: too many. */
export function portClasses(ruleset: Ruleset): readonly PortRange[] | undefined {
  const starts = new Set<number>([0]);
  const add = (from: number, to: number): void => {
    if (from >= 0 && from <= LAST_PORT) starts.add(from);
    if (to >= 0 && to < LAST_PORT) starts.add(to + 1);
  };
  for (const chain of ruleset.chains)
    for (const rule of chain.rules) for (const statement of rule.statements) addPorts(statement, add);
  if (starts.size > MAX_CLASSES) return undefined;
  const sorted = [...starts].toSorted((one, other) => one - other);
  return sorted.map((from, index) => ({ from, to: (sorted[index + 1] ?? LAST_PORT + 1) - 1 }));
}

type Add = (from: number, to: number) => void;

function addPorts(statement: Statement, add: Add): void {
  if (statement.kind === "test") addAll(statement.test.keys, statement.test.elements, add);
  else if (statement.kind === "choice")
    addAll(
      statement.keys,
      statement.entries.map(([element]) => element),
      add,
    );
  else if (statement.kind === "translate" && statement.translation.port !== undefined)
    add(statement.translation.port, statement.translation.port);
}

function addAll(keys: Keys, elements: readonly Element[], add: Add): void {
  for (const [index, key] of keys.entries()) {
    if (!key.endsWith(" dport")) continue;
    for (const element of elements) {
      const value = element[index];
      if (value?.kind === "one" && typeof value.value === "number") add(value.value, value.value);
      if (value?.kind === "range" && typeof value.from === "number" && typeof value.to === "number")
        add(value.from, value.to);
    }
  }
}

/** Neighbours that are alike become one range. */
export function merged<T extends PortRange>(ranges: readonly T[], alike: (one: T, other: T) => boolean): readonly T[] {
  const found: T[] = [];
  for (const range of ranges) {
    const before = found.at(-1);
    if (before !== undefined && before.to + 1 === range.from && alike(before, range))
      found[found.length - 1] = { ...before, to: range.to };
    else found.push(range);
  }
  return found;
}
