/** Content: what people and agents wrote, and values of the configuration. Each needs a read grant (`content.read@1`). */
import * as v from "valibot";
import { agentDraft } from "../operations/agents.ts";
import { configPath } from "../operations/configuration.ts";
import { jobDraft } from "../operations/schedule.ts";
import { count, digest, list, noArguments, seconds, tag, text, type Read } from "./read.ts";

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal"] as const;

export const contentReads = {
  "content.logs@1": {
    permission: "content.read",
    content: "logs",
    /** `cursor` of the reading before: only what came since. Searching is done in the browser, on what was read. */
    args: v.strictObject({ cursor: v.optional(count), level: v.optional(v.picklist(logLevels)) }),
    result: v.strictObject({
      at: seconds,
      cursor: count,
      /** The file was turned over or cut: what follows is not what came after. */
      isReset: v.boolean(),
      lines: list(
        v.strictObject({ at: v.optional(seconds), level: v.optional(v.picklist(logLevels)), text: text(4_096) }),
        1_000,
      ),
    }),
    what: "the gateway's log",
  },
  "content.config@1": {
    permission: "content.read",
    content: "config",
    args: noArguments,
    result: v.strictObject({
      at: seconds,
      hash: digest,
      /** JSON text of each leaf; secrets are out (`isSecret`), whatever their names. */
      values: list(v.strictObject({ path: text(200), value: text(16_384), isSecret: v.boolean() }), 1_000),
    }),
    what: "the configuration with its values, without secrets",
  },
  "content.config-schema@1": {
    permission: "content.read",
    content: "config",
    args: v.strictObject({ path: v.optional(configPath) }),
    result: v.strictObject({
      at: seconds,
      /** What the gateway of this host, in its version, takes at that path. */
      type: v.optional(text(32)),
      title: v.optional(text(200)),
      help: v.optional(text(1_000)),
      choices: list(text(200), 64),
      reload: v.picklist(["hot", "restart", "none", "unknown"]),
      isSecret: v.boolean(),
      children: list(
        v.strictObject({ name: text(100), type: v.optional(text(32)), title: v.optional(text(200)) }),
        200,
      ),
    }),
    what: "what the configuration may hold at one place",
  },
  "content.config-version@1": {
    permission: "content.read",
    content: "config",
    args: v.strictObject({ version: count }),
    result: v.strictObject({
      at: seconds,
      changes: list(
        v.strictObject({
          path: text(200),
          from: v.optional(text(4_096)),
          to: v.optional(text(4_096)),
          isSecret: v.boolean(),
        }),
        64,
      ),
    }),
    what: "what one version of the configuration would change now",
  },
  "content.transcript@1": {
    permission: "content.read",
    content: "transcripts",
    args: v.strictObject({ session: tag }),
    result: v.strictObject({
      at: seconds,
      entries: list(v.strictObject({ role: text(32), at: v.optional(seconds), text: text(16_384) }), 200),
      more: v.boolean(),
    }),
    what: "the conversation of one session",
  },
  "content.job@1": {
    permission: "content.read",
    content: "jobs",
    args: v.strictObject({ job: tag }),
    result: v.strictObject({ at: seconds, subject: digest, job: v.optional(jobDraft) }),
    what: "what one scheduled job says or runs",
  },
  "content.agent@1": {
    permission: "content.read",
    content: "agents",
    /** `version`: of those that are kept; absent: what is in use. */
    args: v.strictObject({ agent: tag, version: v.optional(count) }),
    result: v.strictObject({ at: seconds, subject: digest, agent: agentDraft }),
    what: "what one agent is told",
  },
} as const satisfies Record<string, Read>;
