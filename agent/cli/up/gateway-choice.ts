/**
 * Which gateway this machine's agent watches: what the person said, else one that runs, else what was used before, else
 * (on a terminal only) one question. Without a terminal nothing is asked and nothing is downloaded.
 */
import { discoverGateway } from "../../host/gateway/discover.ts";
import { probeReadiness } from "../../host/gateway/probe.ts";
import type { GatewayReference } from "../../host/state.ts";
import { gatewayOf } from "../join.ts";
import type { CliIo } from "../io.ts";

export type GatewayChoice =
  | { readonly kind: "none"; readonly note: string }
  | { readonly kind: "local"; readonly reference: GatewayReference; readonly note: string }
  /** `fetch`: may be downloaded; else only an existing installation is used. */
  | { readonly kind: "demo"; readonly fetch: boolean; readonly note: string };

const QUESTION =
  "No OpenClaw gateway found on this machine.\nFetch a demo gateway from npm (about 650 MB) and run it here with throw-away state? [y/N] ";

/** In the words of whoever started us: `npm start` in a clone, `clawhold up` where it is installed. */
function hint(io: CliIo): string {
  const typed = io.environment["npm_lifecycle_event"] === "start" ? "npm start --" : "clawhold up";
  return `none found. Start one and start again, or type: ${typed} --gateway demo`;
}

export async function chooseGateway(
  said: string | undefined,
  before: GatewayReference | undefined,
  io: CliIo,
): Promise<GatewayChoice> {
  if (said === "demo") return { kind: "demo", fetch: true, note: "demo" };
  if (said === "none") return { kind: "none", note: "none, as you said" };
  if (said !== undefined) {
    const reference = gatewayOf(said);
    return { kind: "local", reference, note: said };
  }
  const target = await discoverGateway({ environment: io.environment, homeDirectory: io.homeDirectory });
  const isRunning = (await probeReadiness(target.host, target.port)).answers;
  if (isRunning) return { kind: "local", reference: { kind: "local" }, note: `${target.url} (found on this machine)` };
  if (before?.kind === "demo") return { kind: "demo", fetch: false, note: "demo" };
  if (before?.kind === "local")
    return { kind: "local", reference: before, note: `${before.url ?? target.url} (does not answer now)` };
  if (target.isConfigured)
    return { kind: "local", reference: { kind: "local" }, note: `${target.url} (configured, does not answer now)` };
  if (io.ask === undefined) return { kind: "none", note: hint(io) };
  const answer = (await io.ask(QUESTION)).trim().toLowerCase();
  return answer === "y" || answer === "yes"
    ? { kind: "demo", fetch: true, note: "demo" }
    : { kind: "none", note: hint(io) };
}
