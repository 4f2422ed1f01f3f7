/**
 * Certificates that this edge made for itself, until the activity log names them: the first is made before there is a
 * workspace, and so a log. What waits is kept beside the keys, so that a crash in between forgets none.
 */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { array, object, parse, pipe, regex, string, boolean } from "valibot";
import { writeFileAtomically } from "../shared/atomic-file.ts";
import { systemCode } from "../shared/edge-error.ts";
import type { AdminRequest } from "./admin.ts";

const FILE = "issued.json";
const waitingSchema = array(pipe(string(), regex(/^[0-9a-f]{64}$/)));
const answerSchema = object({ isRecorded: boolean() });

/** Call when it is made. `certificate`: PEM. */
export function noteIssued(keysDirectory: string, certificate: string): void {
  const fingerprint = new X509Certificate(certificate).fingerprint256.replaceAll(":", "").toLowerCase();
  write(keysDirectory, [...waiting(keysDirectory), fingerprint]);
}

/** Writes what waits into the log, as far as there is one. Again with the same: one entry. */
export async function recordIssued(keysDirectory: string, admin: AdminRequest): Promise<void> {
  for (const fingerprint of waiting(keysDirectory)) {
    const { isRecorded } = parse(answerSchema, await admin("/admin/server-certificate", { fingerprint }));
    if (!isRecorded) return;
    write(
      keysDirectory,
      waiting(keysDirectory).filter((other) => other !== fingerprint),
    );
  }
}

function waiting(keysDirectory: string): readonly string[] {
  let text: string;
  try {
    text = readFileSync(join(keysDirectory, FILE), "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
  return parse(waitingSchema, JSON.parse(text));
}

function write(keysDirectory: string, fingerprints: readonly string[]): void {
  writeFileAtomically(join(keysDirectory, FILE), `${JSON.stringify(fingerprints)}\n`);
}
