/**
 * How often anybody may ask: the rates, each with its reason, which endpoint counts towards which, and the arithmetic of
 * counting. Pure: whoever counts keeps the number and brings the time.
 */
import type { EndpointName } from "./contracts.ts";

export interface Rate {
  /** Calls that come back in `seconds`. */
  readonly quota: number;
  readonly seconds: number;
  /** Calls that may come at once after a rest. */
  readonly burst: number;
}

interface Entry extends Rate {
  /** What is counted together. */
  readonly by: "address" | "session" | "automation-key" | "host";
  /** Counted instead of the session's general rate, and not beside it. */
  readonly isApart?: true;
  readonly why: string;
}

export const rates = {
  health: {
    by: "address",
    quota: 60,
    seconds: 60,
    burst: 60,
    why: "A fixed answer that costs nothing; monitors ask every few seconds.",
  },
  unauthenticated: {
    by: "address",
    quota: 10,
    seconds: 60,
    burst: 10,
    why: "Whoever has proven nothing needs a nonce, or an invitation's state, now and then.",
  },
  "sign-in": {
    by: "address",
    quota: 5,
    seconds: 60,
    burst: 5,
    why: "A touch takes some seconds; five people behind one address may come in the same minute.",
  },
  registration: {
    by: "address",
    quota: 5,
    seconds: 60,
    burst: 5,
    why: "A passkey is made once; two calls each, and a second try.",
  },
  setup: {
    by: "address",
    quota: 8,
    seconds: 60,
    burst: 8,
    why: "The whole setup is four calls, once in the life of a workspace.",
  },
  join: {
    by: "address",
    quota: 10,
    seconds: 60,
    burst: 10,
    why: "A person joins one host at a time; a script joins some.",
  },
  install: {
    by: "address",
    quota: 30,
    seconds: 60,
    burst: 30,
    why: "Three files for each machine that is added; a rack of them comes from one address.",
  },
  authenticated: {
    by: "session",
    quota: 100,
    seconds: 60,
    burst: 300,
    why: "An open page asks about twenty times a minute; one that is just opened, or many tabs at once, ask for more.",
  },
  administrator: {
    by: "session",
    quota: 300,
    seconds: 60,
    burst: 900,
    why: "Whoever looks after many hosts and people has many pages open.",
  },
  "log-reading": {
    by: "session",
    isApart: true,
    quota: 300,
    seconds: 60,
    burst: 900,
    why: "Two calls for each window of 60 entries that somebody scrolls to, one for each part of a search; cheap, and signed.",
  },
  "export-part": {
    by: "session",
    isApart: true,
    quota: 600,
    seconds: 60,
    burst: 1_200,
    why: "Parts of a copy that a touch allowed, some hundred entries each: 100,000 entries are about 400.",
  },
  reading: {
    by: "session",
    isApart: true,
    quota: 240,
    seconds: 60,
    burst: 480,
    why: "A log that is followed asks every two seconds, and each list of a host's page once when it is opened.",
  },
  "step-up": {
    by: "session",
    quota: 30,
    seconds: 60,
    burst: 60,
    why: "Each is a touch, and nobody touches twice in two seconds; a batch of renewals is some dozens at once.",
  },
  export: {
    by: "session",
    quota: 5,
    seconds: 60,
    burst: 10,
    why: "A copy of the log costs the edge more than anything else that is read.",
  },
  invitation: {
    by: "session",
    quota: 10,
    seconds: 60,
    burst: 20,
    why: "Somebody types a name for each.",
  },
  passkey: {
    by: "session",
    quota: 6,
    seconds: 60,
    burst: 10,
    why: "Two calls for each passkey, and nobody makes more than a few.",
  },
  look: {
    by: "host",
    quota: 1,
    seconds: 60,
    burst: 1,
    why: "Each is up to eight connections of the edge to somebody's address; nobody mends a firewall faster.",
  },
  automation: {
    by: "automation-key",
    quota: 300,
    seconds: 60,
    burst: 300,
    why: "A pipeline asks after its commands every second or two.",
  },
} as const satisfies Record<string, Entry>;
export type RateName = keyof typeof rates;
export const rateNames = Object.keys(rates) as readonly RateName[];

/**
 * The rate of each endpoint. Calls of a signed-in person count towards `authenticated` (or `administrator`) too, unless the
 * rate stands apart; calls that turn out to prove nothing count towards `unauthenticated`. A ticket was counted when it was made.
 */
export const endpointRates = {
  health: "health",
  setupState: "setup",
  setupOptions: "setup",
  setupPasskey: "setup",
  setupRoot: "setup",
  signInNonce: "unauthenticated",
  signIn: "sign-in",
  signOut: "authenticated",
  me: "authenticated",
  trust: "authenticated",
  trustState: "step-up",
  passkeyOptions: "passkey",
  passkey: "passkey",
  hosts: "authenticated",
  host: "authenticated",
  prepare: "authenticated",
  hostRead: "reading",
  hostHistory: "authenticated",
  ticket: "authenticated",
  live: "unauthenticated",
  command: "step-up",
  commandStatus: "authenticated",
  commandEvidence: "authenticated",
  activity: "log-reading",
  entryProof: "log-reading",
  checkpoints: "log-reading",
  consistency: "log-reading",
  looking: "authenticated",
  erase: "step-up",
  retention: "authenticated",
  retentionChange: "step-up",
  exportStart: "export",
  exportPart: "export-part",
  exportTicket: "export",
  exportDownload: "unauthenticated",
  streams: "authenticated",
  streamChange: "step-up",
  streamTest: "step-up",
  streamReplay: "step-up",
  alerts: "authenticated",
  alertAcknowledge: "authenticated",
  alertResolve: "authenticated",
  refusalRates: "authenticated",
  alertSettings: "authenticated",
  alertSettingsChange: "step-up",
  alertTest: "step-up",
  sessions: "authenticated",
  sessionEnd: "step-up",
  automationTrust: "automation",
  automationPrepare: "automation",
  automationCommand: "automation",
  automationStatus: "automation",
  invitations: "authenticated",
  invite: "invitation",
  uninvite: "invitation",
  invitationState: "unauthenticated",
  invitationOptions: "registration",
  invitationPasskey: "registration",
  proposals: "authenticated",
  propose: "step-up",
  joinProposal: "step-up",
  withdrawProposal: "step-up",
  hostInvite: "step-up",
  networks: "authenticated",
  networksChange: "step-up",
  edgeKeys: "authenticated",
} as const satisfies Record<EndpointName, RateName>;

/** How one rate stands for whoever asked. */
export interface Standing {
  readonly name: RateName;
  readonly rate: Rate;
  readonly isAllowed: boolean;
  readonly remaining: number;
  /** Until at least one call is there; 0 when one is. */
  readonly waitSeconds: number;
  /** Until nothing is used any more. */
  readonly resetSeconds: number;
}

export interface Counted {
  /** To be kept: when everything used so far has come back, milliseconds. */
  readonly full: number;
  readonly standing: Standing;
}

/**
 * One more call (the generic cell rate algorithm: one number says all of a bucket). A refused call uses nothing. `full`:
 * what was kept, 0 at first; `now`: milliseconds. A clock that was set back by more than a bucket starts anew.
 */
export function countCall(
  name: RateName,
  rate: Rate,
  { full, now }: { readonly full: number; readonly now: number },
): Counted {
  const interval = (rate.seconds * 1_000) / rate.quota;
  const room = interval * rate.burst;
  const used = full - now > room ? 0 : Math.max(0, full - now);
  const isAllowed = used + interval <= room;
  const after = isAllowed ? used + interval : used;
  return {
    full: Math.ceil(now + after),
    standing: {
      name,
      rate,
      isAllowed,
      remaining: Math.floor((room - after) / interval),
      waitSeconds: Math.max(0, Math.ceil((after + interval - room) / 1_000)),
      resetSeconds: Math.ceil(after / 1_000),
    },
  };
}

/** For deployments with many people behind one address: every number of the table times this. */
export function scaled({ quota, seconds, burst }: Rate, factor: number): Rate {
  return { quota: quota * factor, seconds, burst: burst * factor };
}

/**
 * The fields of draft-ietf-httpapi-ratelimit-headers-10, of the tightest of several rates first. A bucket of `burst` calls
 * that is full again after some seconds is a quota over that window.
 */
export function rateLimitFields(standings: readonly Standing[]): Readonly<Record<string, string>> {
  if (standings.length === 0) return {};
  const policy = ({ name, rate }: Standing): string =>
    `"${name}";q=${rate.burst};w=${Math.ceil((rate.burst * rate.seconds) / rate.quota)}`;
  const limit = ({ name, remaining, isAllowed, waitSeconds, resetSeconds }: Standing): string =>
    // Beside a Retry-After both shall mean the same moment.
    `"${name}";r=${remaining};t=${isAllowed ? resetSeconds : waitSeconds}`;
  return {
    "ratelimit-policy": standings.map(policy).join(", "),
    ratelimit: standings.map(limit).join(", "),
  };
}

/** Failed proofs of one address within this time that end in a ban: more than anybody's wrong passkey of a bad day. */
export const BAN_FAILURES = 10;
export const BAN_WINDOW_SECONDS = 600;
/** How long the first ban lasts, and each further one: a mistake costs a minute, a program a day. */
export const BAN_SECONDS = [60, 300, 1_800, 14_400, 86_400] as const;
/** Without a further ban for so long, the next one is a first one again. */
export const BAN_MEMORY_SECONDS = 7 * 86_400;
