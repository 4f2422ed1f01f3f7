/** Why a host does not answer a question, in words; one row per refusal of the protocol. */
import type { ReadRefusal } from "../../protocol/reading.ts";
import type { Trouble } from "../state/backend.ts";

interface Words {
  /** Continues the host's name. */
  readonly what: string;
  readonly why?: string;
  readonly next: string;
}

const rows: Readonly<Record<ReadRefusal, Words>> = {
  clock: {
    what: "goes by another time than this question.",
    why: "Its clock was set, or the question was long on its way.",
    next: "Read again.",
  },
  repeated: {
    what: "was asked this very question before.",
    why: "Something between this page and the host said it twice.",
    next: "Read again; the question is made anew.",
  },
  operation: { what: "does not know this question.", next: "Update the agent on the host." },
  arguments: { what: "cannot use what was asked with.", next: "Reload the page, or update the agent on the host." },
  role: { what: "gives this to other roles.", next: "Ask an administrator for a role that may read it." },
  host_scope: { what: "is not among the hosts of your role.", next: "Ask an administrator for a role that covers it." },
  grant: {
    what: "shows this after a touch.",
    why: "Content is opened for one sign-in, for at most 15 minutes.",
    next: "Open it with your passkey.",
  },
  local_policy: {
    what: "does not show this: the deny list on the host forbids it.",
    next: "Whoever owns the machine can change the list.",
  },
  busy: { what: "answers too many questions at once.", next: "Read again in a moment." },
  gateway: {
    what: "has no answer from its gateway that it could show.",
    why: "The gateway is stopped, starting, or says something that this version does not know.",
    next: "Look at the gateway's state, then read again.",
  },
  not_found: { what: "does not have it any more.", next: "Read the list again." },
  unsupported: { what: "runs a gateway whose version cannot say this.", next: "Update OpenClaw on the host." },
  too_large: {
    what: "has more of this than one answer can carry.",
    next: "Ask for less, or look at it on the machine itself.",
  },
};

/** The host's label is ours, from the trust log. */
export function readTrouble(code: ReadRefusal, who: string): Trouble {
  const { what, why, next } = rows[code];
  return { code, what: `${who} ${what}`, ...(why === undefined ? {} : { why }), next };
}
