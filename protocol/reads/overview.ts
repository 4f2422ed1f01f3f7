/** Metadata of a gateway: what exists, in which state, what it costs. No message, no title, no value of the configuration. */
import * as v from "valibot";
import { channelPolicies } from "../operations/access.ts";
import { jobSchedule } from "../operations/schedule.ts";
import { count, digest, list, micros, noArguments, seconds, tag, text, type Read } from "./read.ts";

const name = text(200);

const session = v.strictObject({
  tag,
  /** The gateway's key of it. */
  key: name,
  agent: name,
  kind: text(32),
  channel: v.optional(text(64)),
  model: v.optional(name),
  status: v.picklist(["running", "idle", "done", "failed", "unknown"]),
  updatedAt: v.optional(seconds),
  inputTokens: count,
  outputTokens: count,
  totalTokens: count,
  costMicros: v.optional(micros),
});

const agentVersion = v.strictObject({
  version: count,
  at: seconds,
  /** Random id of whoever wrote it. */
  author: text(64),
  intent: v.optional(digest),
  files: count,
});
const agent = v.strictObject({
  tag,
  subject: digest,
  name,
  isDefault: v.boolean(),
  model: v.optional(name),
  permissionMode: v.optional(text(32)),
  files: list(v.strictObject({ name: text(64), bytes: count, updatedAt: v.optional(seconds) }), 32),
  versions: list(agentVersion, 50),
  /** The version that its files are now, when they are one of ours. */
  deployed: v.optional(count),
});

const job = v.strictObject({
  tag,
  subject: digest,
  name,
  enabled: v.boolean(),
  schedule: v.union([jobSchedule, v.strictObject({ kind: v.literal("other") })]),
  work: v.picklist(["message", "command", "other"]),
  agent: v.optional(name),
  nextAt: v.optional(seconds),
  lastAt: v.optional(seconds),
  lastStatus: v.optional(text(32)),
  lastMilliseconds: v.optional(count),
  failuresInARow: v.optional(count),
});

const device = v.strictObject({
  tag,
  subject: digest,
  name,
  platform: v.optional(text(64)),
  client: v.optional(text(64)),
  roles: list(text(32), 8),
  scopes: list(text(64), 24),
  approvedVia: v.optional(text(32)),
  createdAt: v.optional(seconds),
  lastSeenAt: v.optional(seconds),
  connected: v.boolean(),
  /** One of this agent's own: revoking it blinds Clawhold. */
  isOurs: v.boolean(),
});
const deviceRequest = v.strictObject({
  tag,
  subject: digest,
  name,
  platform: v.optional(text(64)),
  roles: list(text(32), 8),
  scopes: list(text(64), 24),
  askedAt: v.optional(seconds),
});

const channel = v.strictObject({
  tag,
  subject: digest,
  name,
  account: v.optional(name),
  configured: v.boolean(),
  running: v.boolean(),
  connected: v.optional(v.boolean()),
  direct: v.optional(v.picklist(channelPolicies)),
  groups: v.optional(text(32)),
  allowed: list(v.strictObject({ tag, sender: name }), 200),
  waiting: list(v.strictObject({ tag, subject: digest, sender: name, askedAt: v.optional(seconds) }), 50),
});

const extension = v.strictObject({
  tag,
  subject: digest,
  kind: v.picklist(["plugin", "skill", "mcp"]),
  name,
  version: v.optional(text(40)),
  enabled: v.boolean(),
  /** Where it comes from, as the gateway says. */
  source: v.optional(text(64)),
  state: v.optional(text(64)),
});

const share = v.strictObject({
  tag,
  name,
  inputTokens: count,
  outputTokens: count,
  totalTokens: count,
  costMicros: micros,
});

const configVersion = v.strictObject({
  version: count,
  at: seconds,
  /** Random id of whoever wrote it; `outside`: not by Clawhold. */
  author: text(64),
  intent: v.optional(digest),
  note: v.optional(text(200)),
  hash: digest,
  /** Paths that differ from the version before. */
  paths: list(text(200), 64),
});

/** What a person could do about a figure; everything in it can be looked up in the figures it names. */
const advice = v.strictObject({
  id: v.picklist([
    "exposed",
    "open_channel",
    "exec_unasked",
    "terminal_on",
    "auto_pairing",
    "job_failing",
    "device_idle",
    "session_large",
    "model_costly",
    "cache_cold",
    "context_growing",
    "config_drifted",
    "version_old",
    "memory_high",
  ]),
  weight: v.picklist(["urgent", "worthwhile", "minor"]),
  /** What it is about, as the gateway names it. */
  about: v.optional(name),
  subject: v.optional(tag),
  /** The measure and what it is held against, e.g. {"value": 7, "limit": 3, "unit": "runs"}. */
  figures: list(
    v.strictObject({ name: text(40), value: v.number(), limit: v.optional(v.number()), unit: text(16) }),
    6,
  ),
  /** The operation that mends it, ready to be asked for. */
  remedy: v.optional(
    v.strictObject({ operation: text(48), args: v.record(text(32), v.union([text(128), v.number(), v.boolean()])) }),
  ),
});

export const overviewReads = {
  "gateway.sessions@1": {
    permission: "metadata.read",
    args: noArguments,
    result: v.strictObject({ at: seconds, sessions: list(session, 500), more: v.boolean() }),
    what: "the sessions, without their titles and messages",
  },
  "gateway.agents@1": {
    permission: "metadata.read",
    args: noArguments,
    result: v.strictObject({ at: seconds, agents: list(agent, 100), more: v.boolean() }),
    what: "the agents and the versions that are kept of them",
  },
  "gateway.jobs@1": {
    permission: "metadata.read",
    args: noArguments,
    result: v.strictObject({ at: seconds, running: v.boolean(), jobs: list(job, 200), more: v.boolean() }),
    what: "the scheduled jobs, without what they say or run",
  },
  "gateway.job-runs@1": {
    permission: "metadata.read",
    args: v.strictObject({ job: tag }),
    result: v.strictObject({
      at: seconds,
      runs: list(
        v.strictObject({ at: seconds, status: text(32), milliseconds: v.optional(count), tokens: v.optional(count) }),
        100,
      ),
    }),
    what: "the last runs of one scheduled job",
  },
  "gateway.devices@1": {
    permission: "metadata.read",
    args: noArguments,
    result: v.strictObject({
      at: seconds,
      devices: list(device, 200),
      waiting: list(deviceRequest, 50),
      more: v.boolean(),
    }),
    what: "the paired devices and those that ask",
  },
  "gateway.channels@1": {
    permission: "metadata.read",
    args: noArguments,
    result: v.strictObject({ at: seconds, channels: list(channel, 50), more: v.boolean() }),
    what: "the channels, who may write to them and who asks",
  },
  "gateway.extensions@1": {
    permission: "metadata.read",
    args: noArguments,
    result: v.strictObject({
      at: seconds,
      extensions: list(extension, 400),
      more: v.boolean(),
      /** This version of the gateway does not say which plugins it has. */
      withoutPlugins: v.optional(v.literal(true)),
    }),
    what: "plugins, skills and MCP servers with their versions",
  },
  "gateway.usage@1": {
    permission: "metadata.read",
    args: v.strictObject({ days: v.picklist([1, 7, 30]) }),
    result: v.strictObject({
      at: seconds,
      freshness: v.picklist(["fresh", "refreshing", "stale"]),
      /** When the gateway computed them. */
      asOf: v.optional(seconds),
      models: list(share, 50),
      agents: list(share, 50),
    }),
    what: "tokens and cost by model and by agent",
  },
  "gateway.config@1": {
    permission: "metadata.read",
    args: noArguments,
    result: v.strictObject({
      at: seconds,
      valid: v.boolean(),
      /** The file says something else than what runs. */
      isApplied: v.boolean(),
      hash: digest,
      /** Newest first. */
      versions: list(configVersion, 50),
      /** What differs from the newest version that Clawhold wrote or saw. */
      drift: list(v.strictObject({ path: text(200), how: v.picklist(["added", "removed", "changed"]) }), 100),
    }),
    what: "the versions of the configuration and what drifted, without values",
  },
  "gateway.advice@1": {
    permission: "metadata.read",
    args: noArguments,
    result: v.strictObject({ at: seconds, advice: list(advice, 30) }),
    what: "what could be better, each with its figure",
  },
  "gateway.lockdown@1": {
    permission: "metadata.read",
    args: noArguments,
    result: v.strictObject({
      at: seconds,
      /** Digest of these very changes: pinned by whoever approves the lockdown. */
      subject: digest,
      changes: list(
        v.strictObject({
          what: v.picklist(["bind", "terminal", "auto_pairing", "exec", "exec_file", "channel"]),
          path: text(200),
          from: text(200),
          to: text(200),
          restarts: v.boolean(),
        }),
        64,
      ),
    }),
    what: "what a lockdown would change",
  },
  "gateway.questions@1": {
    permission: "gateway.operate",
    args: noArguments,
    result: v.strictObject({
      at: seconds,
      /** Whether Clawhold answers on this host. */
      watching: v.boolean(),
      /** The gateway lets only an administrator's connection answer (an older version). */
      asAdministrator: v.boolean(),
      /** The one to decide now. */
      question: v.optional(
        v.strictObject({
          tag,
          subject: digest,
          /** Whole, as it would run. */
          command: text(65_536),
          argv: v.optional(list(text(65_536), 256)),
          cwd: v.optional(text(4_096)),
          agent: v.optional(name),
          session: v.optional(name),
          resolvedPath: v.optional(text(4_096)),
          warning: v.optional(text(1_000)),
          may: list(v.picklist(["allow-once", "allow-always", "deny"]), 3),
          askedAt: seconds,
          expiresAt: v.optional(seconds),
        }),
      ),
      /** How many more wait behind it. */
      behind: count,
      /** Denied by this host because there were too many within the hour. */
      deniedUnasked: count,
      policy: v.strictObject({
        subject: digest,
        security: text(16),
        ask: text(16),
        fallback: text(16),
      }),
    }),
    what: "the command that waits for an answer, and the rules for commands",
  },
} as const satisfies Record<string, Read>;
