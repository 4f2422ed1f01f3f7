/**
 * A sentence for each action of the ledger. One row per action: a new action does not compile without its sentence.
 * Names of people and hosts are isolated; no text of a gateway comes near.
 */
import type { ComponentChildren } from "preact";
import type { LedgerAction } from "../../../protocol/ledger.ts";
import { explainRefusal, refusalCodes } from "../../../protocol/refusals.ts";
import type { IconName } from "../../icons.tsx";
import type { LedgerEntry } from "../../state/backend.ts";
import { Name, sayStatement } from "./statement-sentences.tsx";
import { certificateRows } from "./certificate-sentences.tsx";
import { pastOf, verbOf } from "./operation-words.ts";
import { alertAbout, approvalFault, banSentence, settingDone, touchFor } from "./alert-words.ts";

interface Row {
  readonly icon: IconName;
  readonly say: (entry: LedgerEntry) => ComponentChildren;
}

export function reasonOf(code: string | undefined): string {
  const known = refusalCodes.find((one) => one === code);
  if (known !== undefined) return explainRefusal(known).what;
  return code === undefined ? "no reason was given" : code.replaceAll("_", " ");
}

const did =
  (what: string) =>
  ({ actor }: LedgerEntry): ComponentChildren => (
    <>
      <Name of={actor} /> {what}
    </>
  );

function sayReceipt({ actor, target, requester, detail }: LedgerEntry): ComponentChildren {
  const host = actor.kind === "host" ? actor : target;
  switch (detail.verdict) {
    case "executed":
      if (requester !== undefined) {
        return (
          <>
            <Name of={requester} /> {pastOf(detail.operation)} on <Name of={host} />
          </>
        );
      }
      return (
        <>
          <Name of={host} /> {pastOf(detail.operation)}
        </>
      );
    case "refused":
      return (
        <>
          <Name of={host} /> refused to {verbOf(detail.operation)}: {reasonOf(detail.code)}
        </>
      );
    case "failed":
      return (
        <>
          <Name of={host} /> tried to {verbOf(detail.operation)}, and failed
        </>
      );
    case "interrupted":
      return (
        <>
          <Name of={host} /> was interrupted while it was about to {verbOf(detail.operation)}
        </>
      );
    case undefined:
      return (
        <>
          <Name of={host} /> answered a command
        </>
      );
  }
}

function proposedOf({ operation, statementKind }: LedgerEntry["detail"]): string {
  return operation === undefined ? (statementKind ?? "a change of who may do what") : verbOf(operation);
}

function countOf(calls: number | undefined): string {
  return calls === 1 ? "one request" : `${calls ?? 0} requests`;
}

function erasedWords(erased: LedgerEntry["detail"]["erased"]): string {
  if (erased === undefined) return "a personal value";
  return erased.field === "name" ? "a name" : `the ${erasedFields[erased.field]} of entry ${erased.index}`;
}

const erasedFields = { source: "address", country: "country", device: "device" } as const;

const rows = {
  "workspace.created": {
    icon: "posture",
    say: ({ actor }) => (
      <>
        <Name of={actor} /> made this workspace and its first passkey
      </>
    ),
  },
  "session.started": {
    icon: "user",
    say: ({ actor }) => (
      <>
        <Name of={actor} /> signed in
      </>
    ),
  },
  "session.ended": {
    icon: "user",
    say: ({ actor }) => (
      <>
        <Name of={actor} /> signed out
      </>
    ),
  },
  "session.refused": {
    icon: "x",
    // The reason of a sign-in opens with "At sign-in,", which the sentence has said already.
    say: ({ detail }) => <>A sign-in was refused: {reasonOf(detail.code).replace(/^At sign-in, /, "")}</>,
  },
  "trust.stated": { icon: "people", say: sayStatement },
  "trust.refused": {
    icon: "x",
    say: ({ actor, detail }) => (
      <>
        A change of who may do what, by <Name of={actor} />, was refused: {reasonOf(detail.code)}
      </>
    ),
  },
  "host.joined": {
    icon: "host",
    say: ({ target, actor }) => (
      <>
        <Name of={target ?? actor} /> asked to join
      </>
    ),
  },
  "host.connected": {
    icon: "host",
    say: ({ target, actor }) => (
      <>
        <Name of={target ?? actor} /> connected
      </>
    ),
  },
  "host.disconnected": {
    icon: "offline",
    say: ({ target, actor }) => (
      <>
        <Name of={target ?? actor} /> lost its connection
      </>
    ),
  },
  "command.accepted": {
    icon: "touch",
    say: ({ actor, target, detail }) => (
      <>
        <Name of={actor} /> {actor.kind === "automation" ? "ordered" : "approved"}: {verbOf(detail.operation)} on{" "}
        <Name of={target} />
      </>
    ),
  },
  "command.refused": {
    icon: "x",
    say: ({ actor, target, detail }) => (
      <>
        A command of <Name of={actor} /> to {verbOf(detail.operation)} on <Name of={target} /> was refused:{" "}
        {reasonOf(detail.code)}
      </>
    ),
  },
  "command.receipt": { icon: "restart", say: sayReceipt },
  "passkey.registered": {
    icon: "key",
    say: ({ actor }) => (
      <>
        <Name of={actor} /> made a passkey
      </>
    ),
  },
  "session.revoked": {
    icon: "x",
    say: ({ actor, target }) => (
      <>
        <Name of={actor} /> ended a sign-in of <Name of={target} />
      </>
    ),
  },
  "invitation.made": {
    icon: "user",
    say: ({ actor }) => (
      <>
        <Name of={actor} /> invited somebody
      </>
    ),
  },
  "invitation.enrolled": {
    icon: "key",
    say: () => <>Somebody invited made a passkey; it counts once an administrator adds it</>,
  },
  "invitation.withdrawn": {
    icon: "x",
    say: ({ actor }) => (
      <>
        <Name of={actor} /> took an invitation back
      </>
    ),
  },
  "proposal.made": {
    icon: "people",
    say: ({ actor, detail }) => (
      <>
        <Name of={actor} /> proposed, for others to approve: {proposedOf(detail)}
      </>
    ),
  },
  "proposal.approved": {
    icon: "touch",
    say: ({ actor, detail }) => (
      <>
        <Name of={actor} /> joined a proposal: {proposedOf(detail)}
      </>
    ),
  },
  "proposal.withdrawn": {
    icon: "x",
    say: ({ actor }) => (
      <>
        <Name of={actor} /> withdrew a proposal
      </>
    ),
  },
  "join-token.made": {
    icon: "host",
    say: ({ actor }) =>
      actor.kind === "edge" ? (
        <>A join file was made on the machine that runs the control plane</>
      ) : (
        <>
          <Name of={actor} /> made a join file for another machine
        </>
      ),
  },
  ...certificateRows,
  "host.frozen": {
    icon: "warn",
    say: ({ target }) => (
      <>
        <Name of={target} /> was shown two histories of who may do what, and obeys neither
      </>
    ),
  },
  "host.reset": {
    icon: "warn",
    say: ({ target }) => (
      <>
        The owner of <Name of={target} /> let it forget whom it obeys
      </>
    ),
  },
  "alert.raised": {
    icon: "warn",
    say: ({ target, detail }) => {
      const about = alertAbout(detail.code);
      return (
        <>
          An alert was raised{about !== undefined && `: ${about}`}
          {target !== undefined && (
            <>
              , <Name of={target} />
            </>
          )}
        </>
      );
    },
  },
  "alert.acknowledged": {
    icon: "ok",
    say: ({ actor }) => (
      <>
        <Name of={actor} /> acknowledged an alert
      </>
    ),
  },
  "alert.resolved": {
    icon: "ok",
    say: ({ actor }) => (
      <>
        <Name of={actor} /> resolved an alert
      </>
    ),
  },
  "setting.changed": {
    icon: "posture",
    say: ({ actor, detail }) => (
      <>
        <Name of={actor} /> {settingDone(detail.setting)}
      </>
    ),
  },
  "evidence.read": {
    icon: "user",
    say: ({ actor }) => (
      <>
        <Name of={actor} /> read what was signed for a command
      </>
    ),
  },
  "calls.counted": {
    icon: "user",
    say: ({ actor, detail }) => (
      <>
        <Name of={actor} /> made {countOf(detail.calls?.since)}
      </>
    ),
  },
  "ledger.exported": {
    icon: "posture",
    say: ({ actor }) => (
      <>
        <Name of={actor} /> took a copy of this log
      </>
    ),
  },
  "ledger.erased": {
    icon: "posture",
    say: ({ actor, detail }) => (
      <>
        <Name of={actor} /> erased {erasedWords(detail.erased)}
      </>
    ),
  },
  "ledger.sealed": {
    icon: "posture",
    say: ({ detail }) => (
      <>
        Entries {detail.segment?.first} to {detail.segment?.last} were sealed
      </>
    ),
  },
  "ledger.dropped": {
    icon: "posture",
    say: ({ actor, detail }) => (
      <>
        <Name of={actor} /> dropped entries {detail.segment?.first} to {detail.segment?.last}; their hashes stay
      </>
    ),
  },
  "checkpoint.refused": {
    icon: "warn",
    say: () => <>This log did not fit what was signed before, so no checkpoint was signed</>,
  },
  "witness.refused": {
    icon: "warn",
    say: ({ actor }) => (
      <>
        <Name of={actor} /> refused to witness this log
      </>
    ),
  },
  "witness.reset": {
    icon: "warn",
    say: ({ actor }) => (
      <>
        <Name of={actor} /> was made to forget what it had seen of this log
      </>
    ),
  },
  "stream.set-aside": {
    icon: "warn",
    say: ({ detail }) => (
      <>
        Entries {detail.range?.first} to {detail.range?.last} were set aside: a far end would not take them
      </>
    ),
  },
  "stream.replayed": { icon: "ok", say: did("had entries sent again that a far end had not taken") },
  "address.banned": { icon: "x", say: ({ detail }) => banSentence(detail.ban) },
  "address.unbanned": { icon: "ok", say: did("ended the ban of an address") },
  "approval.refused": {
    icon: "x",
    say: ({ actor, detail }) => (
      <>
        Something that <Name of={actor} /> signed{touchFor(detail.endpoint)} was refused:{" "}
        {approvalFault(detail.code) ?? reasonOf(detail.code)}
      </>
    ),
  },
} satisfies Record<LedgerAction, Row>;

export function Sentence({ entry }: { readonly entry: LedgerEntry }) {
  return <>{rows[entry.action].say(entry)}</>;
}

export function iconOf(entry: LedgerEntry): IconName {
  if (entry.action === "command.receipt" && entry.detail.verdict === "refused") return "x";
  if (entry.action === "command.receipt" && entry.detail.verdict !== "executed") return "warn";
  return rows[entry.action].icon;
}
