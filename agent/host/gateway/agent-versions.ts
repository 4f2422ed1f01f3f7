/**
 * Versions of what agents are told, kept on the host: a file for each, so that writing one never risks another. They are
 * content and stay here; the edge learns numbers and tags.
 */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { systemCode } from "../../shared/edge-error.ts";
import { agentEdit, type AgentEdit } from "../../../protocol/operations/agents.ts";
import { readKept, writeKept } from "./kept-file.ts";

/** The oldest goes first; as many as a reading shows. */
export const MAX_AGENT_VERSIONS = 50;
/** Sixteen files of 20,000 characters, at most four bytes each and twice that when escaped. */
const MAX_FILE_BYTES = 4_194_304;
/** Whoever changed the agent without Clawhold. */
export const OUTSIDE = "outside";

const agentVersion = v.strictObject({
  v: v.literal(1),
  number: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  /** Seconds. */
  at: v.pipe(v.number(), v.safeInteger()),
  /** Random id of a person or an automation key; `outside`. */
  author: v.string(),
  /** Digest of the intent; absent for what was there before. */
  intent: v.optional(v.string()),
  edit: agentEdit,
});
export type AgentVersion = v.InferOutput<typeof agentVersion>;

const TAG = /^a-[0-9a-f]{16}$/;
const NUMBER = /^([1-9][0-9]{0,8})\.json$/;

function folder(directory: string, tag: string): string {
  if (!TAG.test(tag)) throw new TypeError("not the tag of an agent");
  return join(directory, "agent-versions", tag);
}

function numbersIn(path: string): number[] {
  let names: string[];
  try {
    names = readdirSync(path);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
  return names.flatMap((name) => Number(NUMBER.exec(name)?.[1] ?? 0) || []).toSorted((a, b) => b - a);
}

/** Newest first. @throws {KeptFileError} */
export function agentVersions(directory: string, tag: string): readonly AgentVersion[] {
  const path = folder(directory, tag);
  return numbersIn(path)
    .slice(0, MAX_AGENT_VERSIONS)
    .flatMap((number) => readKept(join(path, `${String(number)}.json`), agentVersion, MAX_FILE_BYTES) ?? []);
}

/** @throws {KeptFileError} */
export function agentVersionOf(directory: string, tag: string, number: number): AgentVersion | undefined {
  return readKept(join(folder(directory, tag), `${String(number)}.json`), agentVersion, MAX_FILE_BYTES);
}

/** The number that it got. Numbers are never used twice while one of them is kept. */
export function keepAgentVersion(directory: string, tag: string, version: Omit<AgentVersion, "v" | "number">): number {
  const path = folder(directory, tag);
  const numbers = numbersIn(path);
  const number = (numbers[0] ?? 0) + 1;
  writeKept(join(path, `${String(number)}.json`), { v: 1, number, ...version });
  for (const old of numbers.slice(MAX_AGENT_VERSIONS - 1)) rmSync(join(path, `${String(old)}.json`), { force: true });
  return number;
}

/** Whether the agent, as it is, is what this version says. What a version does not name it does not care about. */
export function isVersion({ model, files }: AgentEdit, now: AgentEdit): boolean {
  if (model !== undefined && model !== now.model) return false;
  const present = new Map(now.files.map(({ name, content }) => [name, content]));
  return files.every(({ name, content }) => present.get(name) === content);
}

/** The newest kept version that the agent is now; undefined when it is none of them. */
export function versionInUse(versions: readonly AgentVersion[], now: AgentEdit): number | undefined {
  return versions.find(({ edit }) => isVersion(edit, now))?.number;
}
