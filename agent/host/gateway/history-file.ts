/**
 * The samples that this host keeps over a restart of its agent: numbers and tags, as they are said to the edge. A file
 * that cannot be used costs the curves an hour and a half at most, so nothing waits for it.
 */
import { join } from "node:path";
import { samplesSchema, type Sample } from "../../../protocol/history.ts";
import { systemCode } from "../../shared/edge-error.ts";
import { KeptFileError, readKept, writeKept } from "./kept-file.ts";

const FILE = "history.json";
/** 90 samples with all the models and agents that one may name. */
const MAX_FILE_BYTES = 262_144;

export interface HistoryFile {
  read(): readonly Sample[];
  write(samples: readonly Sample[]): void;
}

export function historyFile(directory: string, log: (code: string) => void): HistoryFile {
  const path = join(directory, FILE);
  return {
    read() {
      try {
        return readKept(path, samplesSchema, MAX_FILE_BYTES) ?? [];
      } catch (error) {
        if (!(error instanceof KeptFileError)) throw error;
        log(error.code);
        return [];
      }
    },
    write(samples) {
      if (samples.length === 0) return;
      try {
        writeKept(path, samples);
      } catch (error) {
        if (systemCode(error) === undefined) throw error;
        log("history_not_written"); // a full disk must not stop the agent over a curve
      }
    },
  };
}
