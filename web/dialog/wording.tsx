/**
 * What each operation says in the dialog: the question, one plain sentence of what will happen, the effect on the
 * button, the headings of its endings. One row per operation of the protocol; a new one does not compile without.
 * May not: put anything into words that is not in the parsed intent, except what is marked as the host's claim.
 */
import type { ComponentChildren } from "preact";
import type { OperationId, PreparedCommand } from "../state/backend.ts";
import { operationWords, type OperationWords } from "../../protocol/operation-words.ts";
import { formatNumberOf } from "../format.ts";

export interface Wording {
  readonly question: (host: string) => string;
  readonly sentence: (command: Pick<PreparedCommand, "host" | "hostSays">) => ComponentChildren;
  /** The same for several hosts at once; `hosts` is "5 hosts". */
  readonly manySentence: (hosts: string, activeSessions: number | undefined) => ComponentChildren;
  /** Second line of the approve button; starts lower case, names effect and host. */
  readonly effect: (host: string) => string;
  readonly doing: (host: string) => string;
  readonly busyStep: (host: string) => string;
  readonly done: (host: string) => string;
  readonly failed: (host: string) => string;
  readonly undo: string;
}

const special: Partial<Record<OperationId, Wording>> = {
  "gateway.restart@1": {
    question: (host) => `Restart the gateway on ${host}?`,
    sentence: restartSentence,
    manySentence: (hosts, activeSessions) => (
      <>
        On each of {hosts} the gateway stops and starts again.{" "}
        <strong>
          {activeSessions === undefined
            ? "Active sessions are cut off"
            : `${formatNumberOf(activeSessions, "active session")} in all ${activeSessions === 1 ? "is" : "are"} cut off`}
        </strong>
        , usually for 8 to 15 seconds; cron jobs due meanwhile run late.
      </>
    ),
    effect: (host) => `restarts the gateway on ${host}`,
    doing: (host) => `Restarting the gateway on ${host}`,
    busyStep: (host) => `${host} checks it and restarts the gateway`,
    done: (host) => `${host} restarted`,
    failed: (host) => `The restart on ${host} failed`,
    undo: "Nothing to undo.",
  },
  "host.check@1": {
    question: (host) => `Check the way to ${host}?`,
    sentence: ({ host }) => (
      <>
        Nothing changes on {host.label}. It proves that <strong>a signed command reaches it and comes back</strong>.
      </>
    ),
    manySentence: (hosts) => (
      <>
        Nothing changes on any of {hosts}. It proves for each that{" "}
        <strong>a signed command reaches it and comes back</strong>.
      </>
    ),
    effect: (host) => `checks the way to ${host}`,
    doing: (host) => `Checking the way to ${host}`,
    busyStep: (host) => `${host} checks it`,
    done: (host) => `The way to ${host} works`,
    failed: (host) => `The check of ${host} failed`,
    undo: "Nothing to undo.",
  },
  "host.drill@1": {
    question: (host) => `Rehearse a critical command on ${host}?`,
    sentence: ({ host }) => (
      <>
        Nothing changes on {host.label}. It proves that{" "}
        <strong>a critical command, approved by as many people as your rules ask for</strong>, is carried out, and shows
        how that feels before you need it.
      </>
    ),
    manySentence: (hosts) => (
      <>
        Nothing changes on any of {hosts}. It proves that{" "}
        <strong>a critical command, approved by as many people as your rules ask for</strong>, is carried out on each.
      </>
    ),
    effect: (host) => `rehearses a critical command on ${host}`,
    doing: (host) => `Rehearsing on ${host}`,
    busyStep: (host) => `${host} checks every approval`,
    done: (host) => `The rehearsal on ${host} went well`,
    failed: (host) => `The rehearsal on ${host} failed`,
    undo: "Nothing to undo.",
  },
};

/** Where the table's words read badly at the end. */
const endings: Partial<Record<OperationId, (host: string) => string>> = {
  "content.read@1": (host) => `Content of ${host} is open to this page`,
};

/** What an operation says for which the table's own words are enough. */
function plain({ effect, verb, past, undo }: OperationWords): Wording {
  const lower = verb.charAt(0).toLowerCase() + verb.slice(1);
  return {
    question: (host) => `${verb} on ${host}?`,
    sentence: ({ host }) => effect(host.label),
    manySentence: (hosts) => effect(`each of ${hosts}`),
    effect: (host) => `${lower} on ${host}`,
    doing: (host) => `${verb} on ${host}`,
    busyStep: (host) => `${host} checks it and carries it out`,
    done: (host) => `${past.charAt(0).toUpperCase()}${past.slice(1)} on ${host}`,
    failed: (host) => `${verb} failed on ${host}`,
    undo,
  };
}

function wordingOf(name: OperationId, words: OperationWords): Wording {
  const done = endings[name];
  return special[name] ?? { ...plain(words), ...(done === undefined ? {} : { done }) };
}

export const wordings = Object.fromEntries(
  Object.entries(operationWords).map(([name, words]) => [name, wordingOf(name as OperationId, words)]),
) as Record<OperationId, Wording>; // one entry for each key of a complete table

/** What will happen, for one host or for several. */
export function sentenceFor(
  operation: OperationId,
  hosts: readonly { readonly label: string }[],
  activeSessions?: number,
): ComponentChildren {
  const row: Wording = wordings[operation];
  const [only, ...others] = hosts;
  if (only === undefined || others.length > 0)
    return row.manySentence(formatNumberOf(hosts.length, "host"), activeSessions);
  const host = { label: only.label, words: [] };
  return row.sentence({ host, hostSays: activeSessions === undefined ? {} : { activeSessions } });
}

function restartSentence({ hostSays }: Pick<PreparedCommand, "hostSays">): ComponentChildren {
  const { activeSessions } = hostSays;
  if (activeSessions === undefined) {
    return (
      <>
        The gateway stops and starts again. <strong>Active sessions are cut off</strong>, usually for 8 to 15 seconds;
        cron jobs due meanwhile run late.
      </>
    );
  }
  if (activeSessions === 0) {
    return (
      <>
        The gateway stops and starts again, usually within 8 to 15 seconds. <strong>No session is active</strong>; cron
        jobs due meanwhile run late.
      </>
    );
  }
  return (
    <>
      The gateway stops and starts again.{" "}
      <strong>
        {formatNumberOf(activeSessions, "active session")} {activeSessions === 1 ? "is" : "are"} cut off
      </strong>
      , usually for 8 to 15 seconds; cron jobs due meanwhile run late.
    </>
  );
}
