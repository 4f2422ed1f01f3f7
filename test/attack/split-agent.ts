/** The agent of a scene as it is installed: three processes with three users (test/agent/host/split). */
import { X509Certificate } from "node:crypto";
import { hostLayout } from "../../agent/host/units/layout.ts";
import { makeRoot, SplitHost } from "../agent/host/split/split-host.ts";
import type { RunningAgent } from "./agent-process.ts";
import type { Happenings, LogLine } from "./happenings.ts";
import type { SceneOptions } from "./scene.ts";
import { TakenLink } from "./taken-link.ts";

export interface Surroundings {
  readonly happenings: Happenings;
  /** ws://127.0.0.1:port of the gateway. */
  readonly gateway: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** What ends a conversation with the warden, in the words of a tunnel. */
const ENDINGS: Readonly<Record<string, string>> = {
  malformed: "malformed_frame",
  too_large: "malformed_frame",
  flood: "flood",
  refused: "out_of_order",
};

export class SplitAgent implements RunningAgent {
  readonly #host: SplitHost;
  readonly #started: Promise<void>;

  constructor(
    root: string,
    { program, agent }: Pick<SceneOptions, "program" | "agent">,
    { happenings, gateway, environment }: Surroundings,
  ) {
    this.#host = new SplitHost(root, {
      program,
      gatewayPort: Number(new URL(gateway).port),
      isLinkAbsent: agent === "taken-link",
      environment,
      onLog: (line) => {
        happenings.push({ kind: "log", line: line as LogLine });
        if (line["event"] !== "link_refused") return;
        const code = ENDINGS[String(line["code"])] ?? "unknown";
        happenings.push({ kind: "log", line: { event: "tunnel_violation", code } });
      },
    });
    this.#started = this.#host.start();
    this.#started.catch((error: unknown) => happenings.push({ kind: "ended", exit: String(error) }));
  }

  static makeRoot = makeRoot;

  static dataOf(root: string): string {
    return hostLayout({ root }).data;
  }

  static takenLink(root: string, { cert }: { readonly cert: string }, happenings: Happenings): TakenLink {
    const fingerprint = new X509Certificate(cert).fingerprint256.replaceAll(":", "").toLowerCase();
    return new TakenLink(hostLayout({ root }).wardenSocket, fingerprint, happenings);
  }

  async end(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    await this.#started;
    await this.#host.end(signal);
  }
}
