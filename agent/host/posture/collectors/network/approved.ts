/**
 * What a person approved about this machine's network, kept in the posture directory: the rule set that a remedy left in the
 * kernel, and ports that are meant to be open, each with an owner and a reason. Whoever changes the firewall by order records it
 * here; scans only read it.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { digest, seconds } from "../../../../../protocol/fields.ts";
import { writeFileAtomically } from "../../../../shared/atomic-file.ts";
import { systemCode } from "../../../../shared/edge-error.ts";
import type { Machine } from "../../machine.ts";
import { parsedJson } from "./nft/json.ts";

const FILE = "approved-network.json";
const port = v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(65_535));
const text = v.pipe(v.string(), v.maxLength(200));

export const approvedNetworkSchema = v.strictObject({
  v: v.literal(1),
  /** `digest` by rulesetDigest. */
  ruleset: v.optional(v.strictObject({ digest, at: seconds, author: text })),
  doors: v.pipe(
    v.array(v.strictObject({ protocol: v.picklist(["tcp", "udp"]), port, owner: text, reason: text })),
    v.maxLength(256),
  ),
});
export type ApprovedNetwork = v.InferOutput<typeof approvedNetworkSchema>;

const nothing: ApprovedNetwork = { v: 1, doors: [] };

/** Nothing approved where there is no such file, or one that is not ours: then more fails, never less. */
export async function readApproved(machine: Machine, directory: string | undefined): Promise<ApprovedNetwork> {
  if (directory === undefined) return nothing;
  const file = await machine.read(join(directory, FILE));
  return file.kind === "text" ? approvedOf(file.text) : nothing;
}

/** The same for whoever is about to write it. */
export function approvedIn(directory: string): ApprovedNetwork {
  try {
    return approvedOf(readFileSync(join(directory, FILE), "utf8"));
  } catch (error) {
    if (systemCode(error) === "ENOENT") return nothing;
    throw error;
  }
}

function approvedOf(text: string): ApprovedNetwork {
  const result = v.safeParse(approvedNetworkSchema, parsedJson(text));
  return result.success ? result.output : nothing;
}

export function writeApproved(directory: string, approved: ApprovedNetwork): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileAtomically(join(directory, FILE), JSON.stringify(approved));
}
