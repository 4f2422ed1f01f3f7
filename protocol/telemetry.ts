/**
 * What a host may say about its gateway: numbers, enums and ids from a closed list. Everything else that the
 * gateway knows (messages, titles, names, configuration, paths, tokens) stays on the host; an unknown field is
 * refused by the edge, so a careless change in the agent cannot leak.
 * The gateway is hostile: every value here is a claim, bounded in size and alphabet, and never a label of ours.
 */
import * as v from "valibot";
import { checkNames } from "./posture/ids.ts";
import { grades } from "./posture/words.ts";

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(1e15));
const version = v.pipe(v.string(), v.regex(/^[0-9A-Za-z][0-9A-Za-z.+-]{0,39}$/));
const bootId = v.pipe(v.string(), v.regex(/^[0-9A-Za-z-]{8,64}$/));
const day = v.pipe(v.string(), v.regex(/^\d{4}-\d{2}-\d{2}$/));
const address = v.pipe(v.string(), v.regex(/^[0-9a-fA-F:.]{2,45}$/));

/** Why the figures are what they are. `none`: this host runs no gateway that we know of. */
export const gatewayStates = [
  "running", // answers, and its health says ok
  "degraded", // answers, and says it is not well
  "starting", // the socket opens but it is not ready yet
  "stopped", // nothing listens where it used to listen
  "unauthorized", // it answers and does not accept our device or token
  "config_invalid", // its configuration file does not parse or validate
  "unsupported", // it speaks another protocol version
  "none",
] as const;

/** Ids of our own catalogue: another one is refused. */
const checksHere = v.pipe(
  v.array(v.picklist(checkNames)),
  v.maxLength(checkNames.length),
  v.check((all) => new Set(all).size === all.length, "each once"),
);

/** What the newest scan of this host found. What is in none of the lists was not looked at: the agent is older than the check. */
export const postureSchema = v.strictObject({
  /** When it was looked at; host wall clock, seconds. */
  at: count,
  score: v.pipe(count, v.maxValue(100)),
  grade: v.picklist(grades),
  /** False: looked at without root's rights. */
  privileged: v.boolean(),
  pass: checksHere,
  fail: checksHere,
  notApplicable: checksHere,
  error: checksHere,
  unverified: checksHere,
  /** Of these, accepted for now, and when the first of that runs out. */
  waived: checksHere,
  waivedUntil: v.optional(count),
});
export type PostureFigures = v.InferOutput<typeof postureSchema>;

export const telemetrySchema = v.strictObject({
  v: v.literal(1),
  /** Host wall clock, seconds. */
  at: count,
  gateway: v.strictObject({
    state: v.picklist(gatewayStates),
    /** True when Clawhold itself started this gateway for the demo. */
    demo: v.boolean(),
    version: v.optional(version),
    bootId: v.optional(bootId),
    uptimeSeconds: v.optional(count),
    /** Where the gateway's port is bound, as the host's own kernel says (not the gateway). */
    listens: v.pipe(v.array(v.strictObject({ address, port: count, loopback: v.boolean() })), v.maxLength(8)),
    rssBytes: v.optional(count),
    /** Event-loop delay in milliseconds as the gateway reports it, rounded up. */
    eventLoopDelayMs: v.optional(count),
    /** What this agent can do with that version: `newer` and `older` are read, never changed. */
    support: v.optional(v.picklist(["known", "newer", "older"])),
    /** `pending`: the file says something else than what runs. `drifted`: not what Clawhold last wrote or saw. */
    configuration: v.optional(v.picklist(["applied", "pending", "drifted", "invalid"])),
  }),
  sessions: v.optional(v.strictObject({ total: count, active: count })),
  usage: v.optional(
    v.strictObject({
      day,
      inputTokens: count,
      outputTokens: count,
      cacheReadTokens: count,
      totalTokens: count,
      /** Millionths of a US dollar. */
      costMicros: count,
      /** `refreshing`: the gateway's cache is being recomputed, figures may be zero or old. */
      freshness: v.picklist(["fresh", "refreshing", "stale"]),
      /** When the gateway computed these figures, host wall clock seconds. */
      asOf: count,
    }),
  ),
  posture: v.optional(postureSchema),
  agents: v.optional(count),
  /** `failing`: those whose last run failed. */
  cron: v.optional(v.strictObject({ total: count, enabled: count, failing: v.optional(count) })),
  /** Commands that wait for a person's answer; only where Clawhold answers them. */
  questions: v.optional(
    v.strictObject({
      waiting: count,
      /** Denied by this host because there were too many within the hour. */
      deniedUnasked: count,
    }),
  ),
  devices: v.optional(v.strictObject({ paired: count, pending: count })),
  channels: v.optional(v.strictObject({ configured: count, connected: count })),
  host: v.strictObject({
    agentVersion: version,
    platform: v.picklist(["linux", "darwin", "other"]),
    uptimeSeconds: count,
    memoryTotalBytes: count,
    memoryFreeBytes: count,
    /** Load average over one minute, in thousandths. */
    loadMilli: count,
    cpus: count,
    /** True while gateway and agent run as one OS user: then the gateway can act as the agent. */
    oneUser: v.boolean(),
  }),
});

export type Telemetry = v.InferOutput<typeof telemetrySchema>;
export type GatewayState = (typeof gatewayStates)[number];
