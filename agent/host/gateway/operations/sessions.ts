/** Sessions: what one of them does now is ended, or it begins anew, or it is made shorter. No word of it is read here. */
import type { GatewayOrder, Performed } from "../control-interface.ts";
import { field } from "../wire.ts";
import { act, Refusal, stringOf, type Acting } from "./acting.ts";
import { executed, failed, type GatewayImplementation, type GatewayTools } from "./implementation.ts";
import { mustKnowVersion } from "./known.ts";
import { sessionNamed, type Thing } from "./things.ts";

/** A reset first lets hooks of the gateway look at the conversation. */
const RESET_MILLISECONDS = 90_000;
/** A model writes the summary. */
const COMPACT_MILLISECONDS = 180_000;

async function presentSession(acting: Acting, order: GatewayOrder): Promise<Thing> {
  const session = await sessionNamed(acting, stringOf(order.args, "subject"));
  if (session === undefined) throw new Refusal("gone");
  return session;
}

/** `agentId`: which agent's session it is, where the key alone does not say. */
function place({ id, row }: Thing): { readonly key: string; readonly agentId?: string } {
  const agentId = field(row, "agentId");
  return { key: id, ...(typeof agentId === "string" && !id.startsWith("agent:") ? { agentId } : {}) };
}

function abort(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  // A connection that only writes may end its own runs; those of others are an administrator's to end.
  return act(tools, ["operator.admin"], async (acting) => {
    const session = await presentSession(acting, order);
    // Asked even where the list shows no run: the list may be behind, and asking harms nothing.
    const answer = await acting.tell("sessions.abort", { ...place(session), clearQueued: true });
    const aborted = field(answer, "abortedRunId");
    const isQuiet = await acting.becomes(async () => {
      const now = await sessionNamed(acting, stringOf(order.args, "subject"));
      return now === undefined || field(now.row, "hasActiveRun") !== true;
    });
    return isQuiet ? executed({ changed: typeof aborted === "string" ? 1 : 0 }) : failed("still_running");
  });
}

function reset(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  return act(tools, ["operator.admin"], async (acting) => {
    mustKnowVersion(acting);
    const session = await presentSession(acting, order);
    await acting.tell("sessions.reset", { ...place(session), reason: "reset" }, { milliseconds: RESET_MILLISECONDS });
    const isNew = await acting.becomes(async () => {
      const now = await sessionNamed(acting, session.tag);
      return now !== undefined && isAnew(session.row, now.row);
    });
    return isNew ? executed({ changed: 1 }) : failed("not_seen");
  });
}

/** Another conversation under the key, or the same one with nothing in it any more. */
function isAnew(before: unknown, now: unknown): boolean {
  if (field(now, "sessionId") !== field(before, "sessionId")) return true;
  const isEmpty = field(now, "inputTokens") === 0 && field(now, "outputTokens") === 0;
  return isEmpty && instantOf(now) > instantOf(before);
}

function instantOf(row: unknown): number {
  const at = field(row, "updatedAt");
  return typeof at === "number" ? at : 0;
}

function compact(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  return act(tools, ["operator.admin"], async (acting) => {
    mustKnowVersion(acting);
    const session = await presentSession(acting, order);
    const answer = await acting.tell("sessions.compact", place(session), { milliseconds: COMPACT_MILLISECONDS });
    // Nothing that could be looked at says whether a lost compaction came about: so that is what is said.
    if (answer === undefined) return failed("outcome_unknown");
    if (field(answer, "compacted") !== true) return failed("nothing_to_compact");
    return executed({ changed: 1 });
  });
}

export const sessionRows = {
  "session.abort@1": { perform: abort },
  "session.reset@1": { perform: reset },
  "session.compact@1": { perform: compact },
} as const satisfies Record<string, GatewayImplementation>;
