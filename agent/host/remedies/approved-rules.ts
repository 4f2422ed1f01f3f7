/**
 * A fix that changes the packet filter was signed, so what it left there is approved; a scan compares the kernel with it each minute.
 * Unless the rules had drifted before: then approving would bless what nobody signed.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { systemCode } from "../../shared/edge-error.ts";
import { approvedNetworkSchema, writeApproved, type ApprovedNetwork } from "../posture/collectors/network/approved.ts";
import type { FixRecord, Records } from "./record.ts";
import type { Transacting } from "./transacting.ts";

const FILE = "approved-network.json";
const KEPT = "approved";

function read(text: string): ApprovedNetwork {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { v: 1, doors: [] }; // torn: nothing is approved
  }
  const result = v.safeParse(approvedNetworkSchema, value);
  return result.success ? result.output : { v: 1, doors: [] };
}

function approvedNow(directory: string): ApprovedNetwork {
  try {
    return read(readFileSync(join(directory, FILE), "utf8"));
  } catch (error) {
    if (systemCode(error) === "ENOENT") return { v: 1, doors: [] };
    throw error;
  }
}

export function readApprovedRules(directory: string): ApprovedNetwork["ruleset"] {
  return approvedNow(directory).ruleset;
}

export function touchesRules({ effects, checks }: FixRecord): boolean {
  return checks.includes("fw.default-deny") || effects.some(({ name }) => name === "nft" || name === "ufw");
}

export async function approveRules(
  { hands, records }: Pick<Transacting, "hands" | "records">,
  record: FixRecord,
): Promise<void> {
  const before = approvedNow(records.directory);
  if (before.ruleset !== undefined && before.ruleset.digest !== record.rules) return;
  const digest = await hands.rulesDigest();
  if (digest === undefined) return;
  records.keep(record.fix, KEPT, Buffer.from(JSON.stringify(before)));
  const ruleset = { digest, at: hands.now(), author: record.author };
  writeApproved(records.directory, { ...before, ruleset });
}

/** Taken back, with the rules themselves; ports that a person named stay named. */
export function restoreApproval(records: Records, { fix }: FixRecord): void {
  const { doors } = approvedNow(records.directory);
  let before: ApprovedNetwork;
  try {
    before = read(records.kept(fix, KEPT).toString("utf8"));
  } catch (error) {
    if (systemCode(error) === "ENOENT") return; // it approved nothing
    throw error;
  }
  writeApproved(records.directory, {
    v: 1,
    doors,
    ...(before.ruleset === undefined ? {} : { ruleset: before.ruleset }),
  });
}
