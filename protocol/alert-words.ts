/** What each kind of alert says to a person, wherever it is read: one sentence of what happened and why it matters, and the next step. */
import type { AlertKind } from "./alerts.ts";

export interface AlertWords {
  readonly what: string;
  readonly next: string;
}

export const alertWords = {
  "refusals.many": {
    what: "More was refused than usual. A forgotten tab does this, and so does somebody who tries keys.",
    next: "Look in Activity who was refused and by which rule; end the session or take away the key if nobody knows it.",
  },
  "witness.refused": {
    what: "A host refused to witness the activity log: what it was shown does not follow from what it saw before.",
    next: "Stop trusting this control plane's past. Compare it with an export from before: clawhold verify.",
  },
  "witness.stalled": {
    what: "This host no longer witnesses the activity log: a receipt of its own was not shown to be in the log in time.",
    next: "Look in Activity for the missing number under this host. If it stays missing, something removes entries.",
  },
  "witness.reset": {
    what: "Somebody with full power on this host made it forget what it had seen of the activity log.",
    next: "If you did not ask for it, compare the log with an export from before: clawhold verify.",
  },
  "ledger.rewritten": {
    what: "The log in the database is shorter than, or different from, what was signed or what a host has seen. No checkpoint is signed until it fits again.",
    next: "If a backup was restored, restore a newer one. Otherwise somebody rewrote the past: compare with an export, clawhold verify.",
  },
  "stream.failing": {
    what: "A far end that follows the activity log does not take entries. Nothing is lost: they wait, or are set aside to be sent again.",
    next: "Look at Streams what it answers, then let it resume.",
  },
  "address.banned": {
    what: "An address failed to sign in so often that it was turned away for half an hour or longer.",
    next: "Nobody who is signed in is affected. Look at Networks which address it is; spare it if it is yours, deny it if it is not.",
  },
  "host.cloned": {
    what: "A second machine connected with this host's key while the first was connected. It was turned away.",
    next: "If you did not copy or restore this machine, remove the host and join it again with new keys.",
  },
  "receipts.forked": {
    what: "This host signed two different receipts under one number: its machine was restored from a copy, or copied.",
    next: "Find out which machine is the real one, then remove the host and join it again with new keys.",
  },
  "trust.forked": {
    what: "This host was shown two histories of who may do what, and obeys neither.",
    next: "Open People in the signer and resolve the fork. Revoking still works until then.",
  },
  "certificate.ending": {
    what: "The certificate by which this host connects ends soon, and it was not renewed.",
    next: "Look whether the agent on this host is running and up to date; otherwise join the host again.",
  },
  "grant.ending": {
    what: "The roles of this person end soon.",
    next: "Open People in the signer and renew them, or let them end.",
  },
  "host.reset": {
    what: "Somebody with full power on this host made it forget whom it obeys.",
    next: "If you did not ask for it, treat the machine as taken over. Otherwise admit it again as a new host.",
  },
  "gateway.exposed": {
    what: "The gateway on this host is reachable from other machines: it listens beyond this machine, or something hands its port on.",
    next: "Open the host and bind the gateway to its own machine. If another program hands its port on, the page names the address: close it there.",
  },
  "exec.waiting": {
    what: "An agent on this host wants to run a command and waits for your answer.",
    next: "Open the host's approvals and allow or deny it. Without an answer it does not run.",
  },
  "exec.flood": {
    what: "Agents on this host asked to run more commands than anybody can judge in an hour. Those beyond ten were denied unasked.",
    next: "Open the host's log and sessions: an agent that asks so often is stuck, or somebody steers it.",
  },
  "posture.drift": {
    what: "A check on this host passed before and fails now: something on the machine was changed.",
    next: "Open the host's posture: it says what was seen, and what mending it would change.",
  },
  "posture.drift-critical": {
    what: "A check on this host that keeps others out passed before and fails now. Somebody opened a door, or is in.",
    next: "Open the host's posture now: it says what was seen. If nobody of yours did it, lock the gateway down and look at the machine.",
  },
  "posture.waiver-ending": {
    what: "A risk on this host was accepted for a while, and that ends within a week. From then on the check counts again.",
    next: "Open the host's posture and mend what was accepted, or accept it anew in the signer.",
  },
} as const satisfies Readonly<Record<AlertKind, AlertWords>>;
