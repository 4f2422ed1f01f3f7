/**
 * What a statement did, in words. The log names people by ids, whose names this machine does not know; a label that a
 * person chose is shown escaped.
 */
import { fromBase64url } from "../../protocol/bytes.ts";
import { digestOf } from "../../protocol/signing.ts";
import type { Freeze, TrustState } from "../../protocol/trust/state.ts";
import {
  statementCodec,
  type BodyOf,
  type SignedStatement,
  type StatementKind,
} from "../../protocol/trust/statements.ts";

type Describe<K extends StatementKind> = (body: BodyOf<K>, state: TrustState) => string;

const SENTENCES: { readonly [K in StatementKind]: Describe<K> } = {
  "person.add": ({ id, roles }) => `person ${id} added, with ${listOf(roles)}`,
  "credential.add": ({ credentialId, person }) => `passkey ${short(credentialId)} of person ${person} added`,
  "role.define": ({ id }) => `role ${id} defined`,
  "role.assign": ({ person, roles }) => `person ${person} has ${listOf(roles)}`,
  "host.admit": ({ host, label }) => `host ${host} (${JSON.stringify(label)}) admitted`,
  "host.remove": ({ host }) => `host ${host} removed`,
  "automation-key.add": ({ id }) => `automation key ${id} added`,
  "origin.add": ({ origin }) => `page ${origin} added`,
  "dispatch-key.rotate": () => "the edge's delivery key changed",
  "ledger-key.rotate": () => "the edge's ledger key changed",
  "policy.set": ({ id, people, execOnceFrom }) =>
    execOnceFrom !== undefined
      ? `rule ${id} lets ${execOnceFrom.people.join(", ")} allow a command once where the edge serves the page`
      : `rule ${id} asks for ${String(people)} people`,
  "fork.resolve": ({ keep }) => `the fork ended; ${short(keep)} is kept`,
  "root.rotate": () => "another edge took over",
  "person.revoke": ({ person }) => `person ${person} revoked`,
  "credential.revoke": ({ credential }, state) => {
    const owner = state.chain.credentials.get(credential)?.person;
    return `passkey ${short(credential)}${owner === undefined ? "" : ` of person ${owner}`} revoked`;
  },
  "role.revoke": ({ grant }, state) => {
    const owner = [...state.chain.people.values()].find((person) => person.grant === grant)?.id;
    return owner === undefined ? `grant ${short(grant)} revoked` : `the roles of person ${owner} revoked`;
  },
  "automation-key.revoke": ({ automationKey }) => `automation key ${automationKey} revoked`,
  "origin.revoke": ({ origin }) => `page ${origin} revoked`,
};

export interface Described {
  readonly kind: StatementKind;
  readonly digest: string;
  readonly sentence: string;
}

/** `state`: after it was taken. */
export function describeStatement({ statement: text }: SignedStatement, state: TrustState): Described {
  const bytes = fromBase64url(text);
  const statement = statementCodec.decode(bytes);
  return { kind: statement.kind, digest: digestOf("statement", bytes), sentence: sentenceOf(statement, state) };
}

function sentenceOf<K extends StatementKind>(
  { kind, body }: { readonly kind: K; readonly body: BodyOf<K> },
  state: TrustState,
): string {
  return SENTENCES[kind](body, state);
}

function listOf(roles: readonly string[]): string {
  return roles.length === 0 ? "no role" : `the roles ${roles.join(", ")}`;
}

/** The first characters of an id, enough to compare by eye. */
export function short(text: string): string {
  return text.slice(0, 12);
}

/** Why a host obeys nothing but revocations, and what to do about it. */
export function explainFreeze({ reason, place, mine, other }: Freeze): readonly string[] {
  const next =
    "Until an administrator resolves it (page People, in the signer), this host takes revocations and nothing else.";
  if (reason === "fork")
    return [
      `Two different statements claim place ${String(place)}: ${short(mine)} and ${short(other)}. Either two administrators changed something in the same moment, or somebody forges a second history.`,
      next,
    ];
  return [
    `Statement ${String(place)} (${short(mine)}) was approved by somebody whom an earlier revocation (${short(other)}) names. Whatever follows it counts for nothing.`,
    next,
  ];
}
