/**
 * What the demo's supervisor is told by the agent, which runs beside it as the same user: one line in a file of the
 * demo's folder. A person who starts the demo again wants it to run, so the file is written anew at each start.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeFileAtomically } from "../../shared/atomic-file.ts";
import { systemCode } from "../../shared/edge-error.ts";

export interface Wanted {
  readonly runs: boolean;
  /** Another one each time somebody asks. */
  readonly request: string;
}

export function wantedFileOf(tokenFile: string): string {
  return join(dirname(tokenFile), "gateway.wanted");
}

export function writeWanted(path: string, runs: boolean): void {
  writeFileAtomically(path, `${runs ? "running" : "stopped"} ${randomUUID()}\n`);
}

/** A file that is not there or says nothing of ours changes nothing. */
export function readWanted(path: string): Wanted {
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
  const [, word, request] = /^(running|stopped) ([0-9a-f-]{36})\n$/.exec(text) ?? [];
  return { runs: word !== "stopped", request: request ?? "" };
}
