/**
 * The posture directory of a host: the newest report, the facts of the slow lane, waivers. Written by scans, read by the warden;
 * root's alone on an installed host.
 */
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { MAX_MOMENTS, momentSchema, type Moment } from "../../../protocol/posture/history.ts";
import { reportSchema, waiverSchema, type Report, type Waiver } from "../../../protocol/posture/report.ts";
import { writeFileAtomically } from "../../shared/atomic-file.ts";
import type { FactSet } from "./facts.ts";
import { keptJson, keptText } from "./kept-json.ts";

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
    report: () => keptJson(files.report, reportSchema),
    reportDigest() {
      const text = keptText(files.report);
      return text === undefined ? undefined : createHash("sha256").update(text).digest("base64url");
    },
    saveReport: (report) => writeFileAtomically(files.report, JSON.stringify(report)),
    // Our own earlier words: a shape that no longer fits only means that a check sees less until the next slow scan.
    facts: () => keptJson(files.facts, v.record(v.string(), v.any())) ?? {},
    saveFacts: (facts) => writeFileAtomically(files.facts, JSON.stringify(facts)),
    waivers: () => keptJson(files.waivers, v.array(waiverSchema)) ?? [],
    saveWaivers: (waivers) => writeFileAtomically(files.waivers, JSON.stringify(waivers)),
    moments: () => keptJson(files.moments, v.pipe(v.array(momentSchema), v.maxLength(MAX_MOMENTS))) ?? [],
    saveMoments: (moments) => writeFileAtomically(files.moments, JSON.stringify(moments)),
  };
}
