/** Agents with versions of what they are told, and sessions. `subject` in what an intent expects: the thing as it was shown. */
import * as v from "valibot";
import { count, tag } from "../fields.ts";
import { contentKinds } from "../reads/read.ts";
import { one, type Operation } from "./operation.ts";

const line = (characters: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(characters));

/** An agent's own files (its instructions), whole. */
const agentFiles = v.pipe(
  v.array(
    v.strictObject({
      name: v.pipe(line(64), v.regex(/^[A-Za-z0-9._-]+$/)),
      content: v.pipe(v.string(), v.maxLength(20_000)),
    }),
  ),
  v.maxLength(16),
);
export const agentDraft = v.strictObject({
  name: v.pipe(line(48), v.regex(/^[a-z0-9][a-z0-9_-]*$/)),
  model: v.optional(line(120)),
  files: agentFiles,
});
export type AgentDraft = v.InferOutput<typeof agentDraft>;
export const agentEdit = v.strictObject({ model: v.optional(line(120)), files: agentFiles });
export type AgentEdit = v.InferOutput<typeof agentEdit>;

export const agentOperations = {
  "agent.create@1": {
    class: "critical",
    permission: "agent.manage",
    args: v.strictObject({}),
    sealed: agentDraft,
    expects: [],
  },
  /** Keeps a version on the host; the agent works with it only after `agent.deploy@1`. */
  "agent.edit@1": {
    class: "critical",
    permission: "agent.manage",
    args: one,
    sealed: agentEdit,
    expects: [],
  },
  "agent.deploy@1": {
    class: "critical",
    permission: "agent.manage",
    args: v.strictObject({ ...one.entries, version: v.pipe(count, v.minValue(1)) }),
    expects: ["subject"],
  },
  "agent.delete@1": {
    class: "critical",
    permission: "agent.manage",
    args: one,
    expects: ["subject"],
  },
  "session.abort@1": {
    class: "daily",
    permission: "gateway.operate",
    args: one,
    alwaysOnePerson: true,
    expects: [],
  },
  "session.reset@1": {
    class: "critical",
    permission: "agent.manage",
    args: one,
    expects: [],
  },
  "session.compact@1": {
    class: "critical",
    permission: "agent.manage",
    args: one,
    expects: [],
  },
  /** For as long as `seconds`, this session of this person may ask for these kinds. Kept in the host's memory only. */
  "content.read@1": {
    class: "daily",
    permission: "content.read",
    args: v.strictObject({
      kinds: v.pipe(v.array(v.picklist(contentKinds)), v.minLength(1), v.maxLength(contentKinds.length)),
      seconds: v.pipe(count, v.minValue(60), v.maxValue(900)),
      /** One session's transcript only; absent: all of the host. */
      session: v.optional(tag),
    }),
    expects: [],
  },
} as const satisfies Record<string, Operation>;
