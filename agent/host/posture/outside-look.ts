/** What this host keeps of the last look from outside: which ports it names for it, and one small file. */
import { join } from "node:path";
import {
  LOOK_KEPT_SECONDS,
  lookPortsOf,
  outsideLookSchema,
  type OutsideLook,
} from "../../../protocol/posture/outside.ts";
import { writeFileAtomically } from "../../shared/atomic-file.ts";
import type { FactSet } from "./facts.ts";
import { keptJson } from "./kept-json.ts";

const FILE = "outside.json";

export function outsideFile(directory: string): string {
  return join(directory, FILE);
}

export function readOutside(directory: string): OutsideLook | undefined {
  return keptJson(outsideFile(directory), outsideLookSchema);
}

export function writeOutside(directory: string, look: OutsideLook): void {
  writeFileAtomically(outsideFile(directory), JSON.stringify(look));
}

/** Names the packet filter as the last scan saw it. */
export function rulesNow({ "fw.live": live }: FactSet): Pick<OutsideLook, "rules"> {
  return live?.kind === "known" ? { rules: live.value.digest } : {};
}

/** `now`: seconds. A clock that was set back makes nothing fresh. */
export function isFresh({ at }: OutsideLook, now: number): boolean {
  return Math.abs(now - at) <= LOOK_KEPT_SECONDS;
}

/** By what the last scan saw: gateways first, because their doors matter most. Before any scan only the common ones. */
export function portsToLookAt({ "gateway.found": gateways, "ssh.daemon": ssh }: FactSet): readonly number[] {
  return lookPortsOf([
    ...(gateways?.kind === "known" ? gateways.value.map(({ port }) => port) : []),
    ...(ssh?.kind === "known" ? ssh.value.listens.map(({ port }) => port) : []),
  ]);
}
