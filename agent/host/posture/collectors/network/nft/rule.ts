/**
 * The rules of the kernel's packet filter, in the few words that decide what happens to a stranger's packet. What nft says in
 * words that are not known here is kept as `unknown`, so that it can make an answer unsure and never closed.
 */

/** What a test looks at, e.g. `tcp dport`, `ip saddr`, `meta iifname`, `ct state`; several when they are tested together. */
export type Keys = readonly [string, ...string[]];

export type Value =
  | { readonly kind: "one"; readonly value: string | number | boolean }
  | { readonly kind: "range"; readonly from: string | number; readonly to: string | number }
  | { readonly kind: "prefix"; readonly address: string; readonly length: number }
  /** Elements of a set that was not listed, or words that we do not know. */
  | { readonly kind: "unknown" };

/** One value for each key. */
export type Element = readonly Value[];

export interface Test {
  readonly keys: Keys;
  readonly isNegated: boolean;
  readonly elements: readonly Element[];
  /** Of `tcp flags & mask`: only these are looked at. */
  readonly mask?: readonly string[];
}

export type Verdict =
  | { readonly kind: "accept" | "drop" | "return" | "continue" | "queue" }
  | { readonly kind: "jump" | "goto"; readonly chain: string };

export interface Translation {
  /** Undefined: this machine itself, or an address that we cannot read. */
  readonly address: string | undefined;
  /** Undefined: stays. */
  readonly port: number | undefined;
  readonly toSelf: boolean;
  /** Undefined: of either. */
  readonly family?: 4 | 6;
}

export type Statement =
  | { readonly kind: "test"; readonly test: Test }
  | { readonly kind: "verdict"; readonly verdict: Verdict }
  | {
      readonly kind: "choice";
      readonly keys: Keys;
      readonly entries: readonly (readonly [Element, Verdict])[];
    }
  | { readonly kind: "translate"; readonly translation: Translation }
  /** A rate or a count: holds for some packets. */
  | { readonly kind: "sometimes" }
  | { readonly kind: "nothing" }
  | { readonly kind: "unknown"; readonly word: string };

export interface Rule {
  readonly statements: readonly Statement[];
  readonly comment: string | undefined;
}

export type Family = "ip" | "ip6" | "inet";

export interface Chain {
  readonly family: Family;
  readonly table: string;
  readonly name: string;
  readonly rules: readonly Rule[];
  /** Undefined: entered by jumps alone. */
  readonly base:
    | { readonly type: string; readonly hook: string; readonly priority: number; readonly drops: boolean }
    | undefined;
}

export interface Ruleset {
  readonly chains: readonly Chain[];
}

export function chainNamed(ruleset: Ruleset, beside: Chain, name: string): Chain | undefined {
  return ruleset.chains.find((one) => one.name === name && one.table === beside.table && one.family === beside.family);
}

export function baseChains(ruleset: Ruleset, hook: string, family: 4 | 6): readonly Chain[] {
  return ruleset.chains.filter(
    (one) => one.base?.hook === hook && (one.family === "inet" || one.family === (family === 4 ? "ip" : "ip6")),
  );
}
