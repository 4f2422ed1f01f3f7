/** One look at this machine for `clawhold audit`: the same engine as on an enrolled host, in this process, keeping nothing. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import type { Report } from "../../../protocol/posture/report.ts";
import { nativeCollector } from "../../host/posture/collectors/gateway/native.ts";
import type { FactSet } from "../../host/posture/facts.ts";
import { linuxMachine } from "../../host/posture/linux.ts";
import { scan } from "../../host/posture/scan.ts";
import { openPostureStore } from "../../host/posture/store.ts";
import { collectors } from "../../host/posture/table.ts";
import type { CliIo } from "../io.ts";

/** Where an installed host keeps what it approved and waived. */
const POSTURE_DIRECTORY = "/var/lib/clawhold/host/posture";
const ROOT = 0;

export interface ExposureGateway {
  readonly name: string;
  readonly port: number;
  readonly isRunning: boolean;
  readonly version?: string;
}

export interface ExposureHost {
  readonly name: string;
  /** As the system calls itself, e.g. `Debian GNU/Linux 13 (trixie)`. */
  readonly system: string;
  readonly user: "root" | "not_root";
  readonly gateways: readonly ExposureGateway[];
  readonly milliseconds: number;
  /** Clawhold looks after this machine already. */
  readonly isEnrolled: boolean;
}

export interface Exposure {
  readonly host: ExposureHost;
  readonly report: Report;
}

export async function lookAround(io: CliIo, { deep }: { readonly deep: boolean }): Promise<Exposure> {
  const started = performance.now();
  const machine = linuxMachine({
    environment: io.environment,
    homeDirectory: io.homeDirectory,
    uid: io.uid,
    self: [io.node, join(dirname(io.entry), "posture.cjs")],
  });
  const isEnrolled = existsSync(POSTURE_DIRECTORY);
  const store = isEnrolled && io.uid === ROOT ? openPostureStore(POSTURE_DIRECTORY) : undefined;
  const found = await scan({
    machine,
    lane: "slow",
    collectors: deep ? [...collectors, nativeCollector()] : collectors,
    // With an approved state to hold it against, the long look is worth its time.
    isBrief: !deep && store === undefined,
    ...(store === undefined ? {} : { waivers: store.waivers(), directory: store.directory }),
  });
  const advisories = found.facts["advisories.known"];
  const report: Report = {
    v: 1,
    at: found.at,
    lane: "slow",
    privileged: machine.isRoot,
    agentVersion: io.version,
    advisories:
      advisories?.kind === "known" ? { asOf: advisories.value.asOf, count: advisories.value.count } : { count: 0 },
    score: found.score,
    grade: found.grade,
    findings: [...found.findings],
  };
  const os = await machine.read("/etc/os-release");
  return {
    report,
    host: {
      name: io.hostname,
      system:
        (os.kind === "text" ? /^PRETTY_NAME="?([^"\n]{1,80})"?$/m.exec(os.text)?.[1] : undefined) ?? "unknown system",
      user: machine.isRoot ? "root" : "not_root",
      gateways: gatewaysIn(found.facts),
      milliseconds: Math.round(performance.now() - started),
      isEnrolled,
    },
  };
}

function gatewaysIn(facts: FactSet): readonly ExposureGateway[] {
  const [found, versions] = [facts["gateway.found"], facts["gateway.version"]];
  return (found?.kind === "known" ? found.value : []).map(({ gateway, port, isListening }) => {
    const row = versions?.kind === "known" ? versions.value.find((one) => one.gateway === gateway) : undefined;
    return { name: gateway, port, isRunning: isListening, ...(row === undefined ? {} : { version: row.version }) };
  });
}
