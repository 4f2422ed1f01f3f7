/**
 * Agents (and sessions, beside): made, edited into versions that are kept on this host, deployed and deleted. Nothing is written to an agent
 * before what it says now is kept as a version, so that each deployment has a way back.
 */
import * as v from "valibot";
import { agentDraft, agentEdit, type AgentEdit } from "../../../../protocol/operations/agents.ts";
import { agentVersionOf, agentVersions, isVersion, keepAgentVersion, OUTSIDE } from "../agent-versions.ts";
import type { GatewayOrder, Performed } from "../control-interface.ts";
import { field } from "../wire.ts";
import { act, mustBeAsShown, Refusal, stringOf, type Acting } from "./acting.ts";
import { agentById, differing, fileNames, modelOf, presentState } from "./agent-state.ts";
import { executed, failed, type GatewayImplementation, type GatewayTools } from "./implementation.ts";
import { mustKnowVersion } from "./known.ts";
import { sessionRows } from "./sessions.ts";
import { agentNamed, allAgents, subjectOf, type Thing } from "./things.ts";

/** Making one writes a workspace and reloads the configuration; a busy disk takes some seconds. */
const CREATE_MILLISECONDS = 45_000;

async function presentAgent(acting: Acting, order: GatewayOrder): Promise<Thing> {
  mustKnowVersion(acting);
  const agent = await agentNamed(acting, stringOf(order.args, "subject"));
  if (agent === undefined) throw new Refusal("gone");
  return agent;
}

function create(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  return act(tools, ["operator.admin"], async (acting) => {
    const draft = v.parse(agentDraft, order.content);
    mustKnowVersion(acting);
    const before = await allAgents(acting);
    if (before.some(({ id, row }) => id === draft.name || field(row, "name") === draft.name)) return failed("exists");
    // Every agent may have files of the same names: asked of one that is there, so that nothing is begun in vain.
    await mustBeFileNames(acting, before[0]?.id, draft.files);
    const { name, model } = draft;
    await acting.tell(
      "agents.create",
      { name, ...(model === undefined ? {} : { model }) },
      { milliseconds: CREATE_MILLISECONDS },
    );
    const isThere = await acting.becomes(async () => (await agentById(acting, name)) !== undefined);
    const made = isThere ? await agentById(acting, name) : undefined;
    if (made === undefined) return failed("not_seen");
    const version = keepAgentVersion(tools.directory, made.tag, {
      at: tools.now(),
      author: order.author,
      intent: order.intent,
      edit: { ...(model === undefined ? {} : { model }), files: draft.files },
    });
    const isSo = await write(acting, name, { ...(model === undefined ? {} : { model }), files: draft.files });
    return isSo ? executed({ made: made.tag, version, changed: 1 }) : failed("half_done", { made: made.tag, version });
  });
}

async function mustBeFileNames(acting: Acting, agentId: string | undefined, files: AgentEdit["files"]): Promise<void> {
  if (agentId === undefined) return;
  const known = new Set(await fileNames(acting, agentId));
  if (files.some(({ name }) => !known.has(name))) throw new Refusal("file_unknown");
}

/** Writes what differs, then looks whether all of it is so. */
async function write(acting: Acting, agentId: string, wanted: AgentEdit): Promise<boolean> {
  for (const { name, content } of await differing(acting, agentId, wanted.files))
    await acting.tell("agents.files.set", { agentId, name, content });
  const { model } = wanted;
  const present = await agentById(acting, agentId);
  if (model !== undefined && modelOf(present?.row) !== model) await acting.tell("agents.update", { agentId, model });
  return acting.becomes(async () => {
    const now = await agentById(acting, agentId);
    if (now === undefined || (model !== undefined && modelOf(now.row) !== model)) return false;
    return (await differing(acting, agentId, wanted.files)).length === 0;
  });
}

function edit(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  return act(tools, ["operator.read"], async (acting) => {
    const wanted = v.parse(agentEdit, order.content);
    const agent = await presentAgent(acting, order);
    await mustBeFileNames(acting, agent.id, wanted.files);
    await keepPresent(acting, agent);
    const { author, intent } = order;
    const version = keepAgentVersion(tools.directory, agent.tag, { at: tools.now(), author, intent, edit: wanted });
    return executed({ version });
  });
}

/** What the agent says now becomes a version too, unless it is one already. */
async function keepPresent(acting: Acting, agent: Thing): Promise<void> {
  const { directory, now } = acting.tools;
  const state = await presentState(acting, agent);
  if (state === undefined) throw new Refusal("too_large_to_keep");
  const isKept = agentVersions(directory, agent.tag).some(
    ({ edit: kept }) => isVersion(kept, state) && isVersion(state, kept),
  );
  if (!isKept) keepAgentVersion(directory, agent.tag, { at: now(), author: OUTSIDE, edit: state });
}

function deploy(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  return act(tools, ["operator.admin"], async (acting) => {
    const agent = await presentAgent(acting, order);
    mustBeAsShown(order, agent.subject);
    const number = order.args["version"];
    if (typeof number !== "number") throw new TypeError("no version in verified arguments");
    const version = agentVersionOf(tools.directory, agent.tag, number);
    if (version === undefined) return failed("version_gone");
    await mustBeFileNames(acting, agent.id, version.edit.files);
    const changes = await differing(acting, agent.id, version.edit.files);
    await keepPresent(acting, agent);
    const isSo = await write(acting, agent.id, version.edit);
    return isSo ? executed({ version: number, changed: changes.length }) : failed("half_done", { version: number });
  });
}

function remove(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  return act(tools, ["operator.admin"], async (acting) => {
    const agent = await presentAgent(acting, order);
    mustBeAsShown(order, agent.subject);
    await keepPresent(acting, agent);
    await acting.tell(
      "agents.delete",
      { agentId: agent.id, deleteFiles: false },
      { milliseconds: CREATE_MILLISECONDS },
    );
    const isGone = await acting.becomes(async () => (await agentById(acting, agent.id)) === undefined);
    return isGone ? executed({ changed: 1 }) : failed("not_seen");
  });
}

const subject = subjectOf(["operator.read"], (acting, args) => agentNamed(acting, stringOf(args, "subject")));

export const agentsRows = {
  "agent.create@1": { perform: create },
  "agent.edit@1": { perform: edit },
  "agent.deploy@1": { subject, perform: deploy },
  "agent.delete@1": { subject, perform: remove },
  ...sessionRows,
} as const satisfies Record<string, GatewayImplementation>;
