/**
 * A rule case bends one thing and says which verdict must follow. Cases take the modules they judge as a parameter,
 * so that the same table runs against the product, against mutated copies of it, and in other runtimes.
 */
import * as assertion from "../../../protocol/assertion.ts";
import * as canonical from "../../../protocol/canonical.ts";
import * as clientData from "../../../protocol/client-data.ts";
import * as der from "../../../protocol/der.ts";
import * as ed25519 from "../../../protocol/ed25519.ts";
import * as ledger from "../../../protocol/ledger.ts";
import * as operations from "../../../protocol/operations.ts";
import * as publicKey from "../../../protocol/public-key.ts";
import * as roles from "../../../protocol/roles.ts";
import * as apply from "../../../protocol/trust/apply.ts";
import * as fork from "../../../protocol/trust/fork.ts";
import * as state from "../../../protocol/trust/state.ts";
import * as verify from "../../../protocol/verify.ts";
import * as read from "../../../protocol/verify/read.ts";
import * as sessionEnd from "../../../protocol/verify/session-end.ts";

export interface Modules {
  readonly assertion: typeof assertion;
  readonly canonical: typeof canonical;
  readonly clientData: typeof clientData;
  readonly der: typeof der;
  readonly ed25519: typeof ed25519;
  readonly ledger: typeof ledger;
  readonly operations: typeof operations;
  readonly publicKey: typeof publicKey;
  readonly roles: typeof roles;
  readonly apply: typeof apply;
  readonly fork: typeof fork;
  readonly state: typeof state;
  readonly verify: typeof verify;
  readonly sessionEnd: typeof sessionEnd;
  readonly read: typeof read;
}

export const product: Modules = {
  assertion,
  canonical,
  clientData,
  der,
  ed25519,
  ledger,
  operations,
  publicKey,
  roles,
  apply,
  fork,
  state,
  verify,
  sessionEnd,
  read,
};

export interface RuleCase {
  readonly name: string;
  readonly expected: string;
  run(modules: Modules): Promise<string>;
}

/** Remembers the first result of an expensive fixture. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
