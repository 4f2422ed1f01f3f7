/** The gateway's own list of rules for commands, apart from its configuration: its defaults, read and set. Needs administrator scope. */
import type { GatewayConnection } from "./client.ts";
import { GatewayError } from "./faults.ts";
import { field, isFields } from "./wire.ts";
import type { Fields } from "./wire.ts";
import type { ExecDefaults } from "./versions-file.ts";

const names = ["security", "ask", "askFallback"] as const;
const WORD = /^[a-z][a-z-]{0,31}$/;

/** What is written there; absent members are the gateway's own defaults. @throws {GatewayError} */
export async function readExecDefaults(connection: GatewayConnection): Promise<ExecDefaults> {
  return project(field(await read(connection), "defaults"));
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
export async function writeExecDefaults(connection: GatewayConnection, wanted: ExecDefaults): Promise<boolean> {
  const answer = await connection.call("exec.approvals.get", {});
  const file = field(answer, "file");
  const hash = field(answer, "hash");
  if (!isFields(file) || typeof hash !== "string") throw new GatewayError("hostile", "EXEC_FILE");
  const present = field(file, "defaults");
  const others = Object.entries(isFields(present) ? present : {}).filter(
    ([name]) => !names.some((own) => own === name),
  );
  const agents = field(file, "agents");
  const next = {
    version: 1,
    defaults: { ...Object.fromEntries(others), ...wanted },
    agents: isFields(agents) ? agents : {},
  };
  await connection.call("exec.approvals.set", { file: next, baseHash: hash });
  const now = await readExecDefaults(connection);
  return names.every((name) => now[name] === wanted[name]);
}
