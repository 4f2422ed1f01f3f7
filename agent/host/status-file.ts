/**
 * What the running agent says about itself in its state directory, for `clawhold status` and `clawhold doctor`. Facts
 * only; whoever reads it must also ask the lock whether the writer still lives.
 */
import { renameSync, writeFileSync } from "node:fs";
import * as v from "valibot";
import { count, digest, id, seconds } from "../../protocol/fields.ts";
import { certificateRefusals } from "../../protocol/tunnel.ts";
import { gatewayStates } from "../../protocol/telemetry.ts";
import { readPrivateFile } from "./private-file.ts";

/** On an installed host the link writes it, and root's terminal shows it: nothing in it steers a terminal. */
const words = v.pipe(
  v.string(),
  v.transform((text) => text.replaceAll(/[\p{Cc}\p{Cf}]/gu, " ")),
);

const statusSchema = v.strictObject({
  v: v.literal(1),
  pid: count,
  host: id,
  workspace: digest,
  edge: words,
  /** Host wall clock, seconds. */
  started: seconds,
  written: seconds,
  tunnel: v.picklist(["connecting", "connected", "waiting"]),
  /** Why there is no tunnel: a code and a sentence. */
  problem: v.optional(v.strictObject({ code: words, sentence: words })),
  admitted: v.boolean(),
  /** The trust log names this host with a cosignature key that is not its own. */
  foreignKey: v.optional(v.boolean()),
  trust: v.optional(v.strictObject({ n: count, hash: digest })),
  /** Two histories of the workspace are claimed, so nothing is obeyed but revocations. */
  frozen: v.optional(v.boolean()),
  lastReceipt: count,
  /** Refusals that no receipt tells of, since the start. */
  unsignedRefusals: count,
  /** What this host has seen of the activity log, and vouches for (agent/host/witness). */
  witness: v.optional(
    v.strictObject({
      size: v.optional(count),
      root: v.optional(digest),
      cosigned: v.optional(v.strictObject({ size: count, at: seconds })),
      provenTo: count,
      stalled: v.optional(count),
      conflicts: count,
    }),
  ),
  gateway: v.optional(v.picklist(gatewayStates)),
  /** Seconds since 1970 at which this host's client certificate ends. */
  certificateEnds: seconds,
  /** When it will be renewed; absent from what older agents wrote. */
  certificateRenews: v.optional(seconds),
  /** Why the edge gave no new one when it was last asked. */
  certificateRefusal: v.optional(v.picklist(certificateRefusals)),
});
export type AgentStatus = v.InferOutput<typeof statusSchema>;

/**
 * Whole for every reader. One writer, the holder of the lock, so the other name is always the same: written this often,
 * a killed agent would else leave a file behind each time. Not synced: after a power cut nobody lives to be described.
 */
export function writeStatus(path: string, status: AgentStatus): void {
  const beside = `${path}.tmp`;
  writeFileSync(beside, `${JSON.stringify(status)}\n`, { mode: 0o600 });
  renameSync(beside, path);
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
