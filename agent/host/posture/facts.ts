/** Every fact there is, by name: the union of what the areas' collectors give. */
import type { Fact } from "./fact.ts";
import type { GatewayFacts } from "./collectors/gateway.ts";
import type { IdentityFacts } from "./collectors/identity.ts";
import type { IntegrityFacts } from "./collectors/integrity.ts";
import type { NetworkFacts } from "./collectors/network.ts";
import type { SecretFacts } from "./collectors/secrets.ts";
import type { SshFacts } from "./collectors/ssh.ts";

export interface Facts extends GatewayFacts, SshFacts, NetworkFacts, IdentityFacts, SecretFacts, IntegrityFacts {}

export type FactName = keyof Facts;
export type FactSet = { readonly [N in FactName]?: Fact<Facts[N]> };

/** How checks read: a fact that nobody collected is unknown, never absent. */
export interface FactReader {
  get<N extends FactName>(name: N): Fact<Facts[N]>;
}

export function readerOf(facts: FactSet): FactReader {
  return {
    // The set's type pairs each name with its own value; a generic lookup loses that pairing.
    get: (name) => facts[name] ?? { kind: "unknown", why: "not_run", source: name },
  };
}
