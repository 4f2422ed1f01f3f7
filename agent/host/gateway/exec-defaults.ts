/** The gateway's own list of rules for commands, apart from its configuration: its defaults and those of single agents, read and set. Needs administrator scope. */
import type { GatewayConnection } from "./client.ts";
import { GatewayError } from "./faults.ts";
import type { Difference } from "./config-edit.ts";
import { field, isFields } from "./wire.ts";
import type { Fields } from "./wire.ts";
import type { ExecDefaults } from "./versions-file.ts";

const names = ["security", "ask", "askFallback"] as const;
const WORD = /^[a-z][a-z-]{0,31}$/;

/** What is written there; absent members are the gateway's own defaults. @throws {GatewayError} */
export async function readExecDefaults(connection: GatewayConnection): Promise<ExecDefaults> {
  return project(field(await read(connection), "defaults"));
}

/** How a change of these rules is listed beside changes of the configuration, which has no such places. */
export const execPaths = { security: "exec_file.security", ask: "exec_file.ask", askFallback: "exec_file.fallback" };

/** Undefined: not set, the gateway's own default. */
export function execDifferences(before: ExecDefaults, after: ExecDefaults): readonly Difference[] {
  return names
    .filter((name) => before[name] !== after[name])
    .map((name) => ({ path: execPaths[name], from: before[name], to: after[name] }));
}

/** The defaults, and beside them what single agents go by. */
export interface ExecRules extends ExecDefaults {
  readonly agents?: Readonly<Record<string, ExecDefaults>>;
}

/** As `readExecDefaults`, with the rules that agents have of their own. @throws {GatewayError} */
export async function readExecRules(connection: GatewayConnection): Promise<ExecRules> {
  return rulesOf(await read(connection));
}

function rulesOf(file: Fields): ExecRules {
  const agents = field(file, "agents");
  const own = Object.entries(isFields(agents) ? agents : {}).map(([name, rules]) => [name, project(rules)] as const);
  return { ...project(field(file, "defaults")), agents: Object.fromEntries(own) };
}

async function read(connection: GatewayConnection): Promise<Fields> {
  const file = field(await connection.call("exec.approvals.get", {}), "file");
  if (!isFields(file)) throw new GatewayError("hostile", "EXEC_FILE");
  return file;
}

function project(defaults: unknown): ExecDefaults {
  const words = names.flatMap((name) => {
    const value = field(defaults, name);
    return typeof value === "string" && WORD.test(value) ? [[name, value] as const] : [];
  });
  return Object.fromEntries(words);
}

/** Leaves everything else of the list as it is. False: it does not say so afterwards. @throws {GatewayError} */
export async function writeExecRules(
  connection: GatewayConnection,
  { agents: wantedAgents = {}, ...wanted }: ExecRules,
): Promise<boolean> {
  const answer = await connection.call("exec.approvals.get", {});
  const file = field(answer, "file");
  const hash = field(answer, "hash");
  if (!isFields(file) || typeof hash !== "string") throw new GatewayError("hostile", "EXEC_FILE");
  const present = field(file, "agents");
  const agents = isFields(present) ? present : {};
  const own = Object.entries(wantedAgents).map(([name, rules]) => [name, withRules(field(agents, name), rules)]);
  const next = {
    version: 1,
    defaults: withRules(field(file, "defaults"), wanted),
    agents: Object.fromEntries([...Object.entries(agents), ...own]),
  };
  await connection.call("exec.approvals.set", { file: next, baseHash: hash });
  const now = await readExecRules(connection);
  return (
    saysSo(now, wanted) && Object.entries(wantedAgents).every(([name, rules]) => saysSo(field(now.agents, name), rules))
  );
}

function withRules(present: unknown, wanted: ExecDefaults): Fields {
  const others = Object.entries(isFields(present) ? present : {}).filter(
    ([name]) => !names.some((own) => own === name),
  );
  return { ...Object.fromEntries(others), ...wanted };
}

function saysSo(now: unknown, wanted: ExecDefaults): boolean {
  return names.every((name) => field(now, name) === wanted[name]);
}
