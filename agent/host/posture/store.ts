/**
 * The posture directory of a host: the newest report, the facts of the slow lane, waivers. Written by scans, read by the warden;
 * root's alone on an installed host.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { MAX_MOMENTS, momentSchema, type Moment } from "../../../protocol/posture/history.ts";
import { reportSchema, waiverSchema, type Report, type Waiver } from "../../../protocol/posture/report.ts";
import { writeFileAtomically } from "../../shared/atomic-file.ts";
import { systemCode } from "../../shared/edge-error.ts";
import type { FactSet } from "./facts.ts";

export interface PostureStore {
  readonly directory: string;
  report(): Report | undefined;
  /** Base64url SHA-256 of the newest report as stored. */
  reportDigest(): string | undefined;
  saveReport(report: Report): void;
  facts(): FactSet;
  saveFacts(facts: FactSet): void;
  waivers(): readonly Waiver[];
  saveWaivers(waivers: readonly Waiver[]): void;
  /** Oldest first. */
  moments(): readonly Moment[];
  saveMoments(moments: readonly Moment[]): void;
}

export function openPostureStore(directory: string): PostureStore {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const files = {
    report: join(directory, "report.json"),
    facts: join(directory, "facts.json"),
    waivers: join(directory, "waivers.json"),
    moments: join(directory, "moments.json"),
  };
  return {
    directory,
    report: () => parsed(files.report, reportSchema),
    reportDigest() {
      const text = textOf(files.report);
      return text === undefined ? undefined : createHash("sha256").update(text).digest("base64url");
    },
    saveReport: (report) => writeFileAtomically(files.report, JSON.stringify(report)),
    // Our own earlier words: a shape that no longer fits only means that a check sees less until the next slow scan.
    facts: () => parsed(files.facts, v.record(v.string(), v.any())) ?? {},
    saveFacts: (facts) => writeFileAtomically(files.facts, JSON.stringify(facts)),
    waivers: () => parsed(files.waivers, v.array(waiverSchema)) ?? [],
    saveWaivers: (waivers) => writeFileAtomically(files.waivers, JSON.stringify(waivers)),
    moments: () => parsed(files.moments, v.pipe(v.array(momentSchema), v.maxLength(MAX_MOMENTS))) ?? [],
    saveMoments: (moments) => writeFileAtomically(files.moments, JSON.stringify(moments)),
  };
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Undefined also for one of another version: the next scan writes it anew. */
function parsed<S extends v.GenericSchema>(path: string, schema: S): v.InferOutput<S> | undefined {
  const text = textOf(path);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // torn by a power cut before the rename reached the disk; said by the report's age
  }
  const result = v.safeParse(schema, value);
  return result.success ? result.output : undefined;
}
