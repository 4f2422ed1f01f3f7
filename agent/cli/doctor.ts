/** `clawhold doctor`: walks from this host to the edge, step by step, and says in one sentence each what holds. */
import { join } from "node:path";
import { probeEdge } from "../host/link/probe-edge.ts";
import { existingHostState, requireJoined } from "../host/state.ts";
import { dataDirectoryOf, dataOption, hostDirectoryOf, type Command } from "./command.ts";
import type { Check } from "./doctor/check.ts";
import { certificateCheck, edgeChecks } from "./doctor/edge-checks.ts";
import { agentChecks, denyListCheck, gatewayCheck } from "./doctor/host-checks.ts";
import { CliError, EXIT, type ExitCode } from "./io.ts";
import { holderOf } from "./running-edge.ts";

export const doctor: Command = {
  name: "doctor",
  summary: "Find out why this host does not reach its edge or gateway",
  help: `Usage: clawhold doctor [--data <directory>] [--json]

Checks, in this order: name, connection, the proxy if HTTPS_PROXY names one, the edge's certificate, what the edge says
to this host's certificate, the clock, this host's own certificate, the agent, its tunnel, admission, the trust log,
what this host witnesses, the deny list, and the gateway. Changes nothing. Each line says ok, FAIL with what to do, or
"-" where something before it must be put right first.

  --data <directory>   where the state of this installation lies
  --json               one JSON object; each check has a name, a state, a code and a sentence

Exit codes: 0 all is well, 3 the edge is not reachable or the agent does not run, 4 the edge refuses this host,
1 anything else.`,
  options: dataOption,
  run: async (input, io) => {
    const state = existingHostState(hostDirectoryOf(input, io));
    if (state.host() === undefined && state.reset() === undefined) refuseBesideNewEdge(dataDirectoryOf(input, io));
    const { host, tls } = requireJoined(state);
    const checks = [
      ...edgeChecks(await probeEdge({ host, tls, environment: io.environment })),
      certificateCheck(tls, host, new Date()),
      ...agentChecks(state, host),
      denyListCheck(state, io),
      await gatewayCheck(host, io),
    ];
    if (input.json) io.out(JSON.stringify({ host: host.host, checks: checks.map(forPrograms) }));
    else for (const check of checks) io.out(lineOf(check));
    return exitOf(checks);
  },
};

/** The agent beside an edge joins by itself, and the edge invites nobody before it has a workspace. */
function refuseBesideNewEdge(data: string): void {
  if (holderOf(join(data, "lock")) === undefined) return;
  throw new CliError(
    "no_workspace",
    "The edge here runs and its agent has joined no workspace yet. If there is none, open the setup link, which clawhold up link shows again; the agent then joins by itself. Otherwise log/agent.log in the data directory says what it waits for.",
    EXIT.unreachable,
  );
}

const MARKS = { ok: "ok  ", fails: "FAIL", "not reached": "-   " } as const satisfies Record<Check["state"], string>;

function lineOf({ name, state, sentence }: Check): string {
  return `${MARKS[state]}  ${name.padEnd(12)}${sentence}`;
}

function forPrograms({ name, state, code, sentence }: Check): Omit<Check, "exit"> {
  return { name, state, code, sentence };
}

/** Of the first that fails: the others may only follow from it. */
function exitOf(checks: readonly Check[]): ExitCode {
  const first = checks.find((check) => check.state === "fails");
  return first === undefined ? EXIT.ok : (first.exit ?? EXIT.failed);
}
