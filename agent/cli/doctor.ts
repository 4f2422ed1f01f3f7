/** `clawhold doctor`: walks from this host to the edge, step by step, and says in one sentence each what holds. */
import { X509Certificate } from "node:crypto";
import { discoverGateway } from "../host/gateway/discover.ts";
import { probeReadiness } from "../host/gateway/probe.ts";
import { probeEdge, type EdgeProbe } from "../host/link/probe-edge.ts";
import { existingHostState, requireJoined, type HostFile, type HostState, type TlsFile } from "../host/state.ts";
import { readStatus, type AgentStatus } from "../host/status-file.ts";
import { openDenyList } from "../host/warden/deny-list.ts";
import { HostError } from "../host/host-error.ts";
import { witnessSentence } from "./audit-words.ts";
import { dataOption, hostDirectoryOf, type Command } from "./command.ts";
import { FOREIGN_KEY, FROZEN } from "./host-run.ts";
import { EXIT, type CliIo, type ExitCode } from "./io.ts";
import { holderOf, startCommand } from "./running-edge.ts";

export interface CheckResult {
  readonly name: string;
  readonly ok: boolean;
  /** What was found and, when something is wrong, the next step. */
  readonly sentence: string;
  readonly exit?: ExitCode;
}

export const doctor: Command = {
  name: "doctor",
  summary: "Find out why this host does not reach its edge or gateway",
  help: `Usage: clawhold doctor [--data <directory>] [--json]

Checks, in this order: name, connection, the edge's certificate, what the edge says to this host's certificate, the
clock, this host's own certificate, the agent, admission, the trust log, what this host witnesses, the deny list, and
the gateway. Changes nothing.

  --data <directory>   where the state of this installation lies
  --json               one JSON object

Exit codes: 0 all is well, 3 the edge is not reachable or the agent does not run, 4 the edge refuses this host,
1 anything else.`,
  options: dataOption,
  run: async (input, io) => {
    const state = existingHostState(hostDirectoryOf(input, io));
    const { host, tls } = requireJoined(state);
    const checks = [
      ...networkChecks(await probeEdge(host.edge, tls)),
      certificateCheck(tls),
      ...agentChecks(state, host),
      denyListCheck(state, io),
      await gatewayCheck(host, io),
    ];
    if (input.json) io.out(JSON.stringify({ host: host.host, checks }));
    else for (const { name, ok, sentence } of checks) io.out(`${ok ? "ok  " : "FAIL"}  ${name.padEnd(12)}${sentence}`);
    return checks.find((check) => !check.ok)?.exit ?? (checks.every((check) => check.ok) ? EXIT.ok : EXIT.failed);
  },
};

/** Certificates and challenges tolerate less. */
const MAX_CLOCK_DIFFERENCE_SECONDS = 60;

function networkChecks(probe: EdgeProbe): readonly CheckResult[] {
  const checks: CheckResult[] = probe.passed.map(({ name, sentence }) => ({ name, ok: true, sentence }));
  if (probe.failed !== undefined) {
    const { name, sentence, isRefusal } = probe.failed;
    checks.push({ name, ok: false, sentence, exit: isRefusal ? EXIT.refused : EXIT.unreachable });
  }
  if (probe.clockDifferenceSeconds === undefined) return checks;
  const difference = Math.abs(probe.clockDifferenceSeconds);
  const direction = probe.clockDifferenceSeconds > 0 ? "ahead of" : "behind";
  checks.push(
    difference <= MAX_CLOCK_DIFFERENCE_SECONDS
      ? { name: "clock", ok: true, sentence: `within ${String(Math.max(difference, 1))} s of the edge's` }
      : {
          name: "clock",
          ok: false,
          sentence: `This host's clock is ${String(difference)} s ${direction} the edge's. Set it (timedatectl set-ntp true); until then it may refuse commands.`,
        },
  );
  return checks;
}

function certificateCheck({ certificate }: TlsFile): CheckResult {
  const ends = new X509Certificate(certificate).validToDate;
  const days = Math.floor((ends.getTime() - Date.now()) / 86_400_000);
  if (days < 0)
    return {
      name: "certificate",
      ok: false,
      sentence: `This host's certificate ended on ${ends.toISOString().slice(0, 10)}. Get a fresh join file and join again: clawhold join --file <join file>`,
    };
  return { name: "certificate", ok: true, sentence: `valid for ${String(days)} more days` };
}

function agentChecks(state: HostState, host: HostFile): readonly CheckResult[] {
  if (holderOf(`${state.path}/lock`) === undefined) {
    return [
      {
        name: "agent",
        ok: false,
        sentence: `The agent does not run. Start it: ${startCommand(host)}`,
        exit: EXIT.unreachable,
      },
    ];
  }
  const said = readStatus(state.files.status);
  if (said === undefined) return [{ name: "agent", ok: true, sentence: "runs, and has not said yet how it stands" }];
  return [
    said.tunnel === "connected"
      ? { name: "agent", ok: true, sentence: "runs and is connected to the edge" }
      : {
          name: "agent",
          ok: false,
          sentence: said.problem?.sentence ?? "The agent is connecting to the edge. Wait a moment.",
          exit: EXIT.unreachable,
        },
    said.admitted
      ? { name: "admission", ok: true, sentence: "an administrator admitted this host" }
      : {
          name: "admission",
          ok: false,
          sentence:
            said.foreignKey === true
              ? FOREIGN_KEY
              : "This host is in quarantine: nobody has admitted it yet. Compare the words of clawhold host words with the page, then admit it there.",
          exit: EXIT.refused,
        },
    said.frozen === true
      ? { name: "trust", ok: false, sentence: FROZEN, exit: EXIT.refused }
      : { name: "trust", ok: true, sentence: "one history of the workspace is known here" },
    ...(said.witness === undefined ? [] : [witnessCheck(said.witness)]),
  ];
}

function witnessCheck(witness: NonNullable<AgentStatus["witness"]>): CheckResult {
  const { ok, sentence } = witnessSentence(witness);
  return { name: "witness", ok, sentence, ...(ok ? {} : { exit: EXIT.refused }) };
}

function denyListCheck(state: HostState, io: CliIo): CheckResult {
  try {
    openDenyList({ path: state.files.denyList, ownUid: io.uid });
    return { name: "deny list", ok: true, sentence: "absent or in order" };
  } catch (error) {
    if (error instanceof HostError) return { name: "deny list", ok: false, sentence: error.message };
    throw error;
  }
}

/** The demo is a child of `up`; any other gateway is the person's own. */
function startHint(kind: HostFile["gateway"]["kind"]): string {
  return kind === "demo" ? "The demo gateway runs while clawhold up does." : "Start the gateway: openclaw gateway run";
}

async function gatewayCheck({ gateway }: HostFile, io: CliIo): Promise<CheckResult> {
  if (gateway.kind === "none") return { name: "gateway", ok: true, sentence: "this host watches none" };
  const target = await discoverGateway({
    environment: io.environment,
    homeDirectory: io.homeDirectory,
    ...(gateway.url === undefined ? {} : { explicitUrl: gateway.url }),
  });
  const readiness = await probeReadiness(target.host, target.port);
  if (!readiness.answers)
    return {
      name: "gateway",
      ok: false,
      sentence: `Nothing answers at ${target.url}. ${startHint(gateway.kind)}`,
    };
  return {
    name: "gateway",
    ok: readiness.ready,
    sentence: readiness.ready
      ? `answers at ${target.url}`
      : `The gateway at ${target.url} answers but is not ready. Wait a moment; if it stays so, its log says why.`,
  };
}
