/** A file of our own that holds JSON: read as what it should be, or not at all. */
import { readFileSync } from "node:fs";
import * as v from "valibot";
import { systemCode } from "../../shared/edge-error.ts";

export function keptText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Undefined also for what a power cut tore, or what another version wrote: whoever asks makes it anew, or says that it is not there. */
export function keptJson<S extends v.GenericSchema>(path: string, schema: S): v.InferOutput<S> | undefined {
  const text = keptText(path);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const result = v.safeParse(schema, value);
  return result.success ? result.output : undefined;
}
