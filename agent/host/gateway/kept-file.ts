/**
 * Small JSON files in the gateway's directory that only the agent's user may read. After a crash a file is the old one or
 * the new one; one that others could read, or that this program did not write, is refused and never repaired.
 */
import { closeSync, constants, fstatSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import * as v from "valibot";
import { writeFileAtomically } from "../../shared/atomic-file.ts";
import { systemCode } from "../../shared/edge-error.ts";

export class KeptFileError extends Error {
  override readonly name = "KeptFileError";
  readonly code: "kept_file_exposed" | "kept_file_damaged";
  constructor(code: "kept_file_exposed" | "kept_file_damaged", path: string) {
    super(
      code === "kept_file_exposed"
        ? `Other users of this machine can read or change ${path}. Look at what is in it, then move it away; a new one is begun.`
        : `${path} is not a file that this version wrote. Move it away; a new one is begun.`,
    );
    this.code = code;
  }
}

/** What is kept there, or undefined where nothing is. @throws {KeptFileError} */
export function readKept<S extends v.GenericSchema>(
  path: string,
  schema: S,
  maxBytes: number,
): v.InferOutput<S> | undefined {
  const text = readPrivate(path, maxBytes);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new KeptFileError("kept_file_damaged", path);
  }
  const parsed = v.safeParse(schema, value, { abortEarly: true });
  if (!parsed.success) throw new KeptFileError("kept_file_damaged", path);
  return parsed.output;
}

function readPrivate(path: string, maxBytes: number): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    if (systemCode(error) === "ELOOP") throw new KeptFileError("kept_file_exposed", path);
    throw error;
  }
  try {
    const facts = fstatSync(descriptor);
    if (!facts.isFile() || facts.size > maxBytes) throw new KeptFileError("kept_file_damaged", path);
    if ((facts.mode & 0o077) !== 0) throw new KeptFileError("kept_file_exposed", path);
    return readFileSync(descriptor, "utf8");
  } finally {
    closeSync(descriptor);
  }
}

/** After a crash the file is the old one or the new one. */
export function writeKept(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileAtomically(path, JSON.stringify(value));
}
