/** What a look from outside says to people: why there is none, and what a port that was knocked at did. */
import type { OutcomeWords } from "../outcome-words.ts";
import type { KnockState } from "./outside.ts";

/** Of one port. `closed` is the edge's word for two things that it cannot tell apart. */
export const knockWords = {
  open: "answers",
  closed: "refuses, or could not be tried",
  filtered: "says nothing",
  error: "could not be tried",
} as const satisfies Record<KnockState, string>;

/** What commonly answers there; of other ports only the host knows. */
export const portNames: Readonly<Record<number, string>> = {
  22: "SSH",
  80: "web",
  443: "web, encrypted",
  18789: "OpenClaw gateway",
};

export const lookOutcomeWords: Readonly<Record<string, OutcomeWords>> = {
  look_too_often: {
    what: "The edge looked at this host less than a minute ago, so it did not look again.",
    next: "Wait a minute, then ask anew.",
  },
  look_same_machine: {
    what: "The edge runs on this machine, so what it sees is not what the internet sees. It did not look.",
    next: "Look from an edge on another machine, or with a port scanner of your own from elsewhere.",
  },
  look_no_address: {
    what: "The edge does not know from which address this host is connected, so it did not look.",
    next: "See whether a proxy stands between this host and the edge, then ask anew.",
  },
  look_odd_address: {
    what: "The address from which this host is connected belongs to no single machine, so the edge did not look.",
    next: "See how this host reaches the edge: over a proxy, a translator of addresses, or its own link only.",
  },
  look_unasked: {
    what: "The edge found no command under way that asks for this look, so it did not look.",
    next: "Ask anew.",
  },
  look_silent: {
    what: "The edge did not say in time what it saw.",
    next: "Ask anew in a minute. An edge older than this page cannot look at all.",
  },
  look_untrue: {
    what: "The edge's answer did not fit what this host asked, so nothing of it was kept.",
    next: "Ask anew. If it happens again, do not trust this edge's word.",
  },
  look_cut: {
    what: "A more urgent command came, so this host did not wait for the edge's answer.",
    next: "Ask anew.",
  },
};
