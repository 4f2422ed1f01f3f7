/** Agents: what they are told, and the versions of it that this host keeps. */
import * as v from "valibot";
import { agentDraft, type AgentEdit } from "../../../../protocol/operations/agents.ts";
import type { ReadArgs, ReadResult } from "../../../../protocol/reads.ts";
import { agentVersionOf, agentVersions, versionInUse, type AgentVersion } from "../agent-versions.ts";
import { stringOf } from "../operations/acting.ts";
import { modelOf, presentState } from "../operations/agent-state.ts";
import { agentNamed, allAgents, type Thing } from "../operations/things.ts";
import { ReadingError } from "../reading-error.ts";
import { agentSubject } from "../subjects.ts";
import { field } from "../wire.ts";
import type { Asking } from "./asking.ts";
import { count, name, present, seconds, text } from "./shown.ts";

type Agent = ReadResult<"gateway.agents@1">["agents"][number];

const MAX_AGENTS = 100;
const MAX_FILES = 32;
/** Asked for side by side; the connection takes 32 requests in all. */
const AT_ONCE = 8;

export async function readAgentList(asking: Asking): Promise<ReadResult<"gateway.agents@1">> {
  const listed = await asking.ask("agents.list");
  const ownDefault = field(listed, "defaultId");
  const all = await allAgents(asking.acting);
  const agents: Agent[] = [];
  for (let at = 0; at < Math.min(all.length, MAX_AGENTS); at += AT_ONCE) {
    const batch = all.slice(at, Math.min(at + AT_ONCE, MAX_AGENTS));
    agents.push(...(await Promise.all(batch.map((agent) => agentOf(asking, agent, agent.id === ownDefault)))));
  }
  return { at: asking.now, agents, more: all.length > MAX_AGENTS };
}

async function agentOf({ acting, ask, deps }: Asking, agent: Thing, isDefault: boolean): Promise<Agent> {
  const listed = field(await ask("agents.files.list", { agentId: agent.id }), "files");
  if (!Array.isArray(listed)) throw new ReadingError("gateway");
  const versions = agentVersions(deps.directory, agent.tag);
  const state = versions.length === 0 ? undefined : await presentState(acting, agent);
  return {
    tag: agent.tag,
    subject: agentSubject(agent.row, listed),
    name: agent.id.slice(0, 200),
    isDefault,
    files: listed
      .filter((file: unknown) => field(file, "missing") !== true)
      .slice(0, MAX_FILES)
      .flatMap((file: unknown) => fileOf(file) ?? []),
    versions: versions.map(versionOf),
    ...present({
      model: modelOf(agent.row),
      permissionMode: text(field(agent.row, "defaultPermissionMode"), 32),
      deployed: state === undefined ? undefined : versionInUse(versions, state),
    }),
  };
}

function fileOf(file: unknown): Agent["files"][number] | undefined {
  const called = text(field(file, "name"), 64);
  const bytes = count(field(file, "size"));
  if (called === undefined || bytes === undefined) return undefined;
  return { name: called, bytes, ...present({ updatedAt: seconds(field(file, "updatedAtMs")) }) };
}

function versionOf({ number, at, author, intent, edit }: AgentVersion): Agent["versions"][number] {
  return { version: number, at, author, files: edit.files.length, ...present({ intent }) };
}

export async function readAgent(
  { acting, deps, now }: Asking,
  args: ReadArgs<"content.agent@1">,
): Promise<ReadResult<"content.agent@1">> {
  const agent = await agentNamed(acting, stringOf(args, "agent"));
  if (agent === undefined) throw new ReadingError("not_found");
  const edit = await editOf(args.version, { agent, acting, directory: deps.directory });
  const draft = { name: name(agent.id) ?? "", ...edit };
  if (!v.is(agentDraft, draft)) throw new ReadingError("unsupported");
  return { at: now, subject: agent.subject, agent: draft };
}

interface Where {
  readonly agent: Thing;
  readonly acting: Asking["acting"];
  readonly directory: string;
}

async function editOf(version: number | undefined, { agent, acting, directory }: Where): Promise<AgentEdit> {
  if (version !== undefined) {
    const kept = agentVersionOf(directory, agent.tag, version);
    if (kept === undefined) throw new ReadingError("not_found");
    return kept.edit;
  }
  const state = await presentState(acting, agent);
  if (state === undefined) throw new ReadingError("too_large");
  return state;
}
