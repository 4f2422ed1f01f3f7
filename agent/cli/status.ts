/** `clawhold status`: what runs over a data directory, from locks, the agent's own word and the journal. Changes nothing. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { signedSchema, type Receipt } from "../../protocol/messages.ts";
import { EdgeError } from "../shared/edge-error.ts";
import { openHostState, standingReset, type HostState } from "../host/state.ts";
import { readStatus, type AgentStatus } from "../host/status-file.ts";
import { UNITS } from "../host/units/layout.ts";
import { readReceipt } from "../host/warden/receipts.ts";
import { witnessSentence } from "./audit-words.ts";
import { certificateSentence } from "./certificate-words.ts";
import { dataDirectoryOf, dataOption, type Command } from "./command.ts";
import { CliError, EXIT } from "./io.ts";
import { ownPosture, postureSentence, standingSchema, type PostureStanding } from "./posture-words.ts";
import { FOREIGN_KEY, FROZEN } from "./host-run.ts";
import { dashboardsOf, findRunningEdge, holderOf, startCommand, type Dashboards } from "./running-edge.ts";

export const status: Command = {
  name: "status",
  summary: "Show what runs here and how it stands",
  help: `Usage: clawhold status [--data <directory>] [--json]

Shows whether edge and agent run, where an edge here serves its dashboard, whether the tunnel stands, the state of the
gateway, the trust head, what this host has seen of the activity log, how hard each host is to break into (grade, score
and when it was looked at), and the last receipt. Exit code 3 when no agent runs. With --json, edge has the address in
dashboard, and in dailyDashboard the one under --name; status is what a running agent says; of one that has ended there
is lastStatus instead, with the time of its last word in asOf and without tunnel and gateway.

  --data <directory>   where the state of this installation lies
  --json               one JSON object`,
  options: dataOption,
  run: async (input, io) => {
    const data = dataDirectoryOf(input, io);
    if (!existsSync(join(data, "host"))) {
      throw new CliError(
        "not_joined",
        `There is no installation in ${data}. Start one with clawhold up, or name another with --data.`,
        EXIT.unreachable,
      );
    }
    const state = openHostState(join(data, "host"));
    const edge = await askEdge(data);
    const installed = readStatus(join(state.path, "link", "status.json"));
    const said = installed ?? readStatus(state.files.status);
    // Installed with services of its own, it is the link that goes on; the warden and its lock come and go.
    const agent =
      installed === undefined ? holderOf(join(state.path, "lock")) !== undefined : existsSync(`/proc/${installed.pid}`);
    // Just installed, it may not have said a word yet.
    const hasServices = installed !== undefined || existsSync(join(data, "installed.json"));
    const start = hasServices ? `systemctl start ${UNITS.link}` : undefined;
    const receipt = lastReceipt(state.files.journal);
    const posture = ownPosture(state.path);
    const standing = agent || said === undefined ? { status: said } : { lastStatus: lastStatusOf(said) };
    if (input.json)
      io.out(
        JSON.stringify({ edge, agent, joined: state.host() !== undefined, ...standing, posture, lastReceipt: receipt }),
      );
    else {
      const now = Math.floor(Date.now() / 1_000);
      for (const line of table({ edge, agent, said, receipt, state, start, posture, now })) io.out(line);
    }
    return agent ? EXIT.ok : EXIT.unreachable;
  },
};

const edgeSchema = v.object({
  ledger: v.optional(v.object({ index: v.number() })),
  hosts: v.array(
    v.object({
      host: v.optional(v.string(), ""),
      label: v.optional(v.string(), ""),
      connected: v.boolean(),
      status: v.string(),
      posture: v.optional(standingSchema),
    }),
  ),
});

interface EdgeStanding extends Dashboards {
  readonly hosts: number;
  readonly connected: number;
  readonly waiting: number;
  /** Entries of the activity log. */
  readonly entries: number;
  /** Of the hosts that said how hard they are to break into. */
  readonly postures: readonly (PostureStanding & { readonly host: string; readonly label: string })[];
}

/** What the edge of this directory says of itself; undefined when none runs or it does not answer. */
async function askEdge(data: string): Promise<EdgeStanding | undefined> {
  try {
    const { hosts, ledger } = v.parse(edgeSchema, await findRunningEdge(data)("/admin/status"));
    return {
      hosts: hosts.length,
      connected: hosts.filter((host) => host.connected).length,
      waiting: hosts.filter((host) => host.status === "quarantined").length,
      entries: ledger?.index ?? 0,
      postures: hosts.flatMap(({ host, label, posture }) =>
        posture === undefined ? [] : [{ host, label: onScreen(label), ...posture }],
      ),
      ...dashboardsOf(data),
    };
  } catch (error) {
    if (error instanceof CliError || error instanceof EdgeError || error instanceof v.ValiError) return undefined;
    throw error;
  }
}

/**
 * What still holds of an agent that has ended, and as of when it said so. How its tunnel and its gateway stood is left
 * out: whoever reads it without the time beside it would take it for now.
 */
function lastStatusOf({ v: _version, pid: _pid, written, ...said }: AgentStatus): object {
  const { tunnel: _tunnel, problem: _problem, gateway: _gateway, unsignedRefusals: _refusals, ...lasting } = said;
  return { asOf: written, ...lasting };
}

interface Standing {
  readonly edge: EdgeStanding | undefined;
  readonly agent: boolean;
  readonly said: AgentStatus | undefined;
  readonly receipt: Receipt | undefined;
  readonly state: HostState;
  /** What starts the agent, where that is not for the host's own file to say. */
  readonly start: string | undefined;
  readonly posture: PostureStanding | undefined;
  /** Seconds. */
  readonly now: number;
}

function table({ edge, agent, said, receipt, state, start, posture, now }: Standing): readonly string[] {
  const host = state.host();
  const rows: (readonly [string, string])[] = [["Edge", edgeOf(edge)], ...dashboardRows(edge)];
  if (host === undefined)
    rows.push(["Agent", standingReset(state) === undefined ? "not joined yet" : "was reset, and has not joined again"]);
  else {
    rows.push([
      "Agent",
      agent
        ? `runs, ${tunnelOf(said)}`
        : `does not run${lastWordOf(said)}; start it with ${start ?? startCommand(host)}`,
    ]);
    rows.push(
      ["Workspace", host.workspace],
      ["Host", `${host.host} (${host.label})${admissionOf(agent, said)}`],
      ["Edge at", host.edge],
    );
  }
  if (agent && said !== undefined) {
    if (said.gateway !== undefined) rows.push(["Gateway", said.gateway]);
    if (said.trust !== undefined)
      rows.push([
        "Trust",
        `statement ${String(said.trust.n)}, ${said.trust.hash.slice(0, 12)}${said.frozen === true ? `. ${FROZEN}` : ""}`,
      ]);
    if (said.witness !== undefined) rows.push(["Witness", witnessSentence(said.witness).sentence]);
    rows.push(["Certificate", certificateSentence(said, timeOf)]);
  }
  rows.push(...postureRows({ edge, posture, now }, host?.host));
  if (receipt !== undefined)
    rows.push(["Receipt", `number ${String(receipt.number)}, ${receipt.verdict}, ${timeOf(receipt.ended)}`]);
  return rows.map(([name, value]) => `${name.padEnd(12)}${value}`);
}

/** This host's own report, and of the others what they said to the edge here. */
function postureRows(
  { edge, posture, now }: Pick<Standing, "edge" | "posture" | "now">,
  own: string | undefined,
): readonly (readonly [string, string])[] {
  const others = (edge?.postures ?? []).filter(({ host }) => posture === undefined || host !== own);
  const lines = [
    ...(posture === undefined ? [] : [postureSentence(posture, now)]),
    ...others.map((one) => `${one.label}: ${postureSentence(one, now)}`),
  ];
  return lines.map((line, index) => [index === 0 ? "Posture" : "", line] as const);
}

/** A label is a person's choice: nothing in it steers a terminal. */
function onScreen(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, " ");
}

function edgeOf(edge: EdgeStanding | undefined): string {
  if (edge === undefined) return "none runs over this data directory";
  const waiting = edge.waiting === 0 ? "" : `, ${String(edge.waiting)} to be admitted`;
  return `runs on this machine: ${String(edge.connected)} of ${String(edge.hosts)} hosts connected${waiting}, ${String(edge.entries)} entries in the log`;
}

function dashboardRows(edge: EdgeStanding | undefined): readonly (readonly [string, string])[] {
  return [
    ...(edge?.dashboard === undefined ? [] : [["Dashboard", edge.dashboard] as const]),
    ...(edge?.dailyDashboard === undefined ? [] : [["", `${edge.dailyDashboard} (daily operations)`] as const]),
  ];
}

function tunnelOf(said: AgentStatus | undefined): string {
  if (said?.tunnel === "connected") return "connected to the edge";
  return said?.problem?.sentence ?? "connecting to the edge";
}

function lastWordOf(said: AgentStatus | undefined): string {
  return said === undefined ? "" : ` (last word ${timeOf(said.written)})`;
}

function admissionOf(agent: boolean, said: AgentStatus | undefined): string {
  if (!agent || said === undefined) return "";
  if (said.foreignKey === true) return `. ${FOREIGN_KEY}`;
  if (said.problem?.code === "host_removed") return ", removed";
  return said.admitted ? ", admitted" : ", waits to be admitted";
}

function timeOf(seconds: number): string {
  return `${new Date(seconds * 1_000).toISOString().replace("T", " ").slice(0, 16)} UTC`;
}

const receiptLine = v.object({ kind: v.picklist(["ended", "refused"]), receipt: signedSchema });

/** The newest receipt in the journal. The file may be written at this moment, so a line that is not whole is skipped. */
function lastReceipt(path: string): Receipt | undefined {
  if (!existsSync(path)) return undefined;
  for (const line of readFileSync(path, "utf8").split("\n").toReversed()) {
    try {
      const parsed = v.safeParse(receiptLine, JSON.parse(line));
      if (parsed.success) return readReceipt(parsed.output.receipt).receipt;
    } catch {
      continue; // empty or torn
    }
  }
  return undefined;
}
