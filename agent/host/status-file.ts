/**
 * What the running agent says about itself in its state directory, for `clawhold status` and `clawhold doctor`. Facts
 * only; whoever reads it must also ask the lock whether the writer still lives.
 */
import * as v from "valibot";
import { count, digest, id, seconds } from "../../protocol/fields.ts";
import { gatewayStates } from "../../protocol/telemetry.ts";
import { writeFileAtomically } from "../edge/atomic-file.ts";
import { readPrivateFile } from "./private-file.ts";

const statusSchema = v.strictObject({
  v: v.literal(1),
  pid: count,
  host: id,
  workspace: digest,
  edge: v.string(),
  /** Host wall clock, seconds. */
  started: seconds,
  written: seconds,
  tunnel: v.picklist(["connecting", "connected", "waiting"]),
  /** Why there is no tunnel: a code and a sentence. */
  problem: v.optional(v.strictObject({ code: v.string(), sentence: v.string() })),
  admitted: v.boolean(),
  trust: v.optional(v.strictObject({ n: count, hash: digest })),
  lastReceipt: count,
  /** Refusals that no receipt tells of, since the start. */
  unsignedRefusals: count,
  gateway: v.optional(v.picklist(gatewayStates)),
  /** Seconds since 1970 at which this host's client certificate ends. */
  certificateEnds: seconds,
});
export type AgentStatus = v.InferOutput<typeof statusSchema>;

export function writeStatus(path: string, status: AgentStatus): void {
  writeFileAtomically(path, `${JSON.stringify(status)}\n`);
}

/** Undefined when no agent ever wrote one, or an older version wrote another. */
export function readStatus(path: string): AgentStatus | undefined {
  const text = readPrivateFile(path);
  if (text === undefined) return undefined;
  try {
    return v.parse(statusSchema, JSON.parse(text));
  } catch {
    return undefined; // shown as "unknown": nothing is decided by this file
  }
}
