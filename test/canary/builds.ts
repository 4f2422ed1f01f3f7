/**
 * Builds that are not what ships: one whose agent writes down every frame of its tunnel, as it is, and one that leaks on
 * purpose, so that a search which finds nothing is known to be one that finds. Both stay in a temporary directory.
 */
import { cpSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { buildAgent, cutting, type Cut } from "../attack/agent-build.ts";
import { dist } from "../e2e/installation.ts";

const root = path.resolve(import.meta.dirname, "../..");

/** Both ways, at the one place where text enters and leaves the socket. */
function capturing(file: string): readonly Cut[] {
  const append = (way: string, what: string): string =>
    `require("node:fs").appendFileSync(${JSON.stringify(file)}, "${way} " + ${what} + "\\n");`;
  const socket = "agent/host/link/socket.ts";
  return [
    {
      file: socket,
      from: 'socket.send(text); return "sent";',
      to: `${append("out", "text")} socket.send(text); return "sent";`,
    },
    {
      file: socket,
      from: "if (text !== PING && text !== PONG) return options.onText(text);",
      to: `${append("in", "text")} if (text !== PING && text !== PONG) return options.onText(text);`,
    },
  ];
}

/** What each place of a leaking build would say. */
export type Leaks = Readonly<Record<"edgeLog" | "agentLog" | "telemetry" | "history" | "row", string>>;

const quoted = (text: string): string => JSON.stringify(text);

/** A schema that takes a member more: both ends must have forgotten the rule before a name can travel so. */
const openSchemas: readonly Cut[] = [
  {
    file: "protocol/telemetry.ts",
    from: "host: v.strictObject({ agentVersion",
    to: "host: v.looseObject({ agentVersion",
  },
  {
    file: "protocol/history.ts",
    from: "export const sampleSchema = v.strictObject({",
    to: "export const sampleSchema = v.looseObject({",
  },
];

function agentLeaks({ agentLog, telemetry, history }: Leaks): readonly Cut[] {
  const link = "agent/host/link/link.ts";
  return [
    ...openSchemas,
    {
      file: link,
      from: 'this.#deps.onState({ kind: "connecting" });',
      to: `this.#deps.onState({ kind: "connecting" }); this.#deps.log({ event: "dialling", note: ${quoted(agentLog)} });`,
    },
    {
      file: link,
      from: 'this.#open.outlet.push({ kind: "telemetry", telemetry });',
      to: `this.#open.outlet.push({ kind: "telemetry", telemetry: { ...telemetry, host: { ...telemetry.host, note: ${quoted(telemetry)} } as any } });`,
    },
    {
      file: "agent/host/link/histories.ts",
      from: "this.#said = this.#saidBefore; this.#say();",
      to: `this.#deps.send([{ at: Math.floor(Date.now() / 1000), state: "stopped", note: ${quoted(history)} } as any]);`,
    },
  ];
}

function edgeLeaks({ edgeLog, row }: Leaks): readonly Cut[] {
  return [
    ...openSchemas,
    {
      file: "durable-objects/log.ts",
      from: "console.log(JSON.stringify({ step, ...fields }));",
      to: `console.log(JSON.stringify({ step, ...fields, note: ${quoted(edgeLog)} }));`,
    },
    {
      file: "durable-objects/host/curves.ts",
      from: "step: { at, samples: 1,",
      to: "step: { at, note: (sample as any).note, samples: 1,",
    },
    {
      file: "durable-objects/db/ledger-table.ts",
      from: "value ->> 'salt', value ->> 'value' FROM json_each(?2)`;",
      to: `value ->> 'salt', (value ->> 'value') || '${row}' FROM json_each(?2)\`;`,
    },
  ];
}

/** The folder to run. `leaks`: of the build that leaks. */
export async function buildCapturing(directory: string, capture: string, leaks?: Leaks): Promise<string> {
  const target = path.join(directory, "dist");
  mkdirSync(directory, { recursive: true });
  cpSync(dist, target, { recursive: true });
  symlinkSync(path.join(root, "node_modules"), path.join(directory, "node_modules"));
  const version = readFileSync(path.join(target, "version"));
  await buildAgent(directory, [...capturing(capture), ...(leaks === undefined ? [] : agentLeaks(leaks))]);
  if (!readFileSync(path.join(target, "version")).equals(version)) throw new Error("dist is of another version");
  if (leaks === undefined) return target;
  await build({
    entryPoints: { worker: path.join(root, "worker", "index.ts") },
    outdir: target,
    bundle: true,
    format: "esm",
    target: "es2023",
    logLevel: "warning",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    plugins: [cutting(edgeLeaks(leaks))],
  });
  return target;
}
