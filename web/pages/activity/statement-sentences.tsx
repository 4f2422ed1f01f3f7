/** Sentences for changes of who may do what; names of people and hosts are isolated. */
import type { ComponentChildren } from "preact";
import type { LedgerEntry, Party } from "../../state/backend.ts";
import { nameOf } from "./names.ts";

export function Name({ of }: { readonly of: Party | undefined }) {
  return (
    <strong>
      <bdi>{nameOf(of)}</bdi>
    </strong>
  );
}

const statementSentences: Readonly<Record<string, (entry: LedgerEntry) => ComponentChildren>> = {
  "person.add": ({ actor, target }) => (
    <>
      <Name of={actor} /> added <Name of={target} />
    </>
  ),
  "credential.add": ({ actor }) => (
    <>
      <Name of={actor} /> added a passkey
    </>
  ),
  "role.assign": ({ actor, target }) => (
    <>
      <Name of={actor} /> changed the roles of <Name of={target} />
    </>
  ),
  "host.admit": ({ actor, target }) => (
    <>
      <Name of={actor} /> admitted <Name of={target} />
    </>
  ),
  "host.remove": ({ actor, target }) => (
    <>
      <Name of={actor} /> removed <Name of={target} />
    </>
  ),
};

export function sayStatement(entry: LedgerEntry): ComponentChildren {
  const known = statementSentences[entry.detail.statementKind ?? ""];
  if (known !== undefined) return known(entry);
  return (
    <>
      <Name of={entry.actor} /> changed who may do what
    </>
  );
}
