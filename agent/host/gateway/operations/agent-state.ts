/**
 * What one agent is told right now, whole, read from the gateway: its files and its model. Used before a change, to keep
 * what was, and after it, to see whether it is so.
 */
import { agentEdit, type AgentEdit } from "../../../../protocol/operations/agents.ts";
import * as v from "valibot";
import { GatewayError } from "../faults.ts";
import { field } from "../wire.ts";
import type { Acting } from "./acting.ts";
import { allAgents, type Thing } from "./things.ts";

/** The gateway knows a handful of names. */
const MAX_FILES = 16;

/** Names that this gateway lets an agent have. */
export async function fileNames(acting: Acting, agentId: string): Promise<readonly string[]> {
  return (await listFiles(acting, agentId)).map(({ name }) => name);
}

async function listFiles(
  acting: Acting,
  agentId: string,
): Promise<readonly { readonly name: string; readonly isMissing: boolean }[]> {
  const files = field(await acting.ask("agents.files.list", { agentId }), "files");
  if (!Array.isArray(files)) throw new GatewayError("hostile", "FILES_SHAPE");
  return files.slice(0, MAX_FILES).flatMap((file: unknown) => {
    const name = field(file, "name");
    return typeof name === "string" ? [{ name, isMissing: field(file, "missing") === true }] : [];
  });
}

export function modelOf(row: unknown): string | undefined {
  const model = field(row, "model");
  const primary = typeof model === "string" ? model : field(model, "primary");
  return typeof primary === "string" && primary.length > 0 && primary.length <= 120 ? primary : undefined;
}

/** Undefined: there is more, or other, than a version can hold. */
export async function presentState(acting: Acting, agent: Thing): Promise<AgentEdit | undefined> {
  const files = [];
  for (const { name, isMissing } of await listFiles(acting, agent.id)) {
    if (!isMissing) files.push({ name, content: await fileContent(acting, agent.id, name) });
  }
  const model = modelOf(agent.row);
  const state = { ...(model === undefined ? {} : { model }), files };
  return v.is(agentEdit, state) ? state : undefined;
}

async function fileContent(acting: Acting, agentId: string, name: string): Promise<unknown> {
  return field(field(await acting.ask("agents.files.get", { agentId, name }), "file"), "content");
}

/** The files of this list that the agent does not have in this very form. */
export async function differing(
  acting: Acting,
  agentId: string,
  files: AgentEdit["files"],
): Promise<AgentEdit["files"]> {
  const present = new Map((await listFiles(acting, agentId)).map(({ name, isMissing }) => [name, isMissing]));
  const found: AgentEdit["files"] = [];
  for (const file of files) {
    const isThere = present.get(file.name) === false;
    if (!isThere || (await fileContent(acting, agentId, file.name)) !== file.content) found.push(file);
  }
  return found;
}

/** An agent by the gateway's own id of it. */
export async function agentById(acting: Acting, id: string): Promise<Thing | undefined> {
  return (await allAgents(acting)).find((agent) => agent.id === id);
}
