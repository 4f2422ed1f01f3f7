/** How the agent of this machine stands, by its own word; what its owner forbids; and whether the gateway answers. */
import { existsSync } from "node:fs";
import { discoverGateway } from "../../host/gateway/discover.ts";
import { probeReadiness } from "../../host/gateway/probe.ts";
import { HostError } from "../../host/host-error.ts";
import type { HostFile, HostState } from "../../host/state.ts";
import { readStatus, type AgentStatus } from "../../host/status-file.ts";
import { UNITS } from "../../host/units/layout.ts";
import { openDenyList } from "../../host/warden/deny-list.ts";
import { witnessSentence } from "../audit-words.ts";
import { FOREIGN_KEY, FROZEN } from "../host-run.ts";
import { EXIT, type CliIo } from "../io.ts";
import { holderOf, startCommand } from "../running-edge.ts";
import { fails, holds, notReached, type Check } from "./check.ts";

const NEED_THE_AGENT = ["tunnel", "admission", "trust", "witness"] as const;

/** Installed with services of its own, it is the link that goes on and says how it stands; its warden's lock comes and goes. */
function standing(state: HostState): { readonly isRunning: boolean; readonly said: AgentStatus | undefined } {
  const link = readStatus(`${state.path}/link/status.json`);
  if (link !== undefined) return { isRunning: existsSync(`/proc/${String(link.pid)}`), said: link };
  return { isRunning: holderOf(`${state.path}/lock`) !== undefined, said: readStatus(state.files.status) };
}

export function agentChecks(state: HostState, host: HostFile): readonly Check[] {
  const { isRunning, said } = standing(state);
  if (!isRunning) {
    const isInstalled = state.files.settingsDenyList !== undefined;
    const start = isInstalled ? `systemctl start ${UNITS.link}` : startCommand(host);
    const sentence = `The agent does not run. Start it: ${start}`;
    return [
      fails("agent", { code: "agent_stopped", sentence, exit: EXIT.unreachable }),
      ...NEED_THE_AGENT.map((name) => notReached(name, "agent")),
    ];
  }
  if (said === undefined) return [holds("agent", "runs, and has not said yet how it stands")];
  return [
    holds("agent", "runs"),
    tunnelCheck(said),
    admissionCheck(said),
    said.frozen === true
      ? fails("trust", { code: "trust_frozen", sentence: FROZEN, exit: EXIT.refused })
      : holds("trust", "one history of the workspace is known here"),
    ...(said.witness === undefined ? [] : [witnessCheck(said.witness)]),
  ];
}

function tunnelCheck({ tunnel, problem }: AgentStatus): Check {
  if (tunnel === "connected") return holds("tunnel", "the agent is connected to the edge");
  return fails("tunnel", {
    code: problem?.code ?? "connecting",
    sentence: problem?.sentence ?? "The agent is connecting to the edge. Wait a moment.",
    exit: EXIT.unreachable,
  });
}

function admissionCheck({ admitted, foreignKey }: AgentStatus): Check {
  if (admitted) return holds("admission", "an administrator admitted this host");
  if (foreignKey === true)
    return fails("admission", { code: "foreign_key", sentence: FOREIGN_KEY, exit: EXIT.refused });
  return fails("admission", {
    code: "host_quarantined",
    sentence:
      "This host is in quarantine: nobody has admitted it yet. Compare the words of clawhold host words with the page, then admit it there.",
    exit: EXIT.refused,
  });
}

function witnessCheck(witness: NonNullable<AgentStatus["witness"]>): Check {
  const { ok, sentence } = witnessSentence(witness);
  return ok ? holds("witness", sentence) : fails("witness", { code: "witness_refuses", sentence, exit: EXIT.refused });
}

export function denyListCheck(state: HostState, io: CliIo): Check {
  try {
    const { denyList: path, settingsDenyList: settings } = state.files;
    openDenyList({ path, settings, ownUid: io.uid });
    return holds("deny list", "absent or in order");
  } catch (error) {
    if (error instanceof HostError) return fails("deny list", { code: error.code, sentence: error.message });
    throw error;
  }
}

/** The demo is a child of `up`; any other gateway is the person's own. */
function startHint(kind: HostFile["gateway"]["kind"]): string {
  return kind === "demo" ? "The demo gateway runs while clawhold up does." : "Start the gateway: openclaw gateway run";
}

export async function gatewayCheck({ gateway }: HostFile, io: CliIo): Promise<Check> {
  if (gateway.kind === "none") return holds("gateway", "this host watches none");
  const target = await discoverGateway({
    environment: io.environment,
    homeDirectory: io.homeDirectory,
    ...(gateway.url === undefined ? {} : { explicitUrl: gateway.url }),
  });
  const readiness = await probeReadiness(target.host, target.port);
  if (!readiness.answers)
    return fails("gateway", {
      code: "gateway_stopped",
      sentence: `Nothing answers at ${target.url}. ${startHint(gateway.kind)}`,
    });
  if (readiness.ready) return holds("gateway", `answers at ${target.url}`);
  return fails("gateway", {
    code: "gateway_starting",
    sentence: `The gateway at ${target.url} answers but is not ready. Wait a moment; if it stays so, its log says why.`,
  });
}
