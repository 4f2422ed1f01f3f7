/**
 * What only this machine knows of a deployment: how things stood before it, so that taking it away can put them back, and
 * which secrets have been handed over. Written before the change that it is about. Holds no secret: digests only. Losing it
 * loses the way back of settings, and nothing else.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createHash } from "node:crypto";
import * as v from "valibot";
import { writeFileAtomically } from "../shared/atomic-file.ts";
import { readOwnerFile } from "../signer/owner-file.ts";
import { DeployError } from "./deploy-error.ts";

const recordSchema = v.strictObject({
  v: v.literal(1),
  mark: v.string(),
  /** Value of each zone setting before we changed it. */
  settings: v.record(v.string(), v.string()),
  /** Phases that had no rules of the zone's own before ours. */
  phases: v.array(v.string()),
  /** True when the agents' name asked for client certificates before us. */
  associated: v.optional(v.boolean()),
  /** Names of secrets that the Worker was given. */
  secrets: v.array(v.string()),
  /** SHA-256, hex, of the token that the Worker was given for certificates. */
  certificateToken: v.optional(v.string()),
});
export type DeployRecord = v.InferOutput<typeof recordSchema>;

export class RecordFile {
  readonly path: string;
  readonly folder: string;
  #value: DeployRecord;

  /** @throws {DeployError} `record_damaged` */
  constructor({ directory, mark, uid }: { readonly directory: string; readonly mark: string; readonly uid: number }) {
    this.folder = join(directory, ".clawhold-deploy", mark);
    this.path = join(this.folder, "record.json");
    this.#value = read(this.path, mark, uid);
  }

  get value(): DeployRecord {
    return this.#value;
  }

  /** Durable when it returns. */
  note(change: Partial<Omit<DeployRecord, "v" | "mark">>): void {
    this.#value = { ...this.#value, ...change };
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    writeFileAtomically(this.path, `${JSON.stringify(this.#value, undefined, 2)}\n`);
  }

  noteSetting(id: string, before: string): void {
    if (this.#value.settings[id] === undefined) this.note({ settings: { ...this.#value.settings, [id]: before } });
  }
}

function read(path: string, mark: string, uid: number): DeployRecord {
  const found = readOwnerFile(path, uid);
  if (found.kind === "absent") return { v: 1, mark, settings: {}, phases: [], secrets: [] };
  const damaged = (why: string): DeployError =>
    new DeployError(
      "record_damaged",
      `${path} says how the zone stood before this deployment, and cannot be used: ${why}. Restore it from a backup. Without it, delete it: the deployment goes on, and npm run destroy will leave the zone's settings as they are then.`,
    );
  if (found.kind !== "text") throw damaged(found.why);
  let value: unknown;
  try {
    value = JSON.parse(found.text);
  } catch {
    throw damaged("it is not JSON");
  }
  const parsed = v.safeParse(recordSchema, value);
  if (!parsed.success || parsed.output.mark !== mark) throw damaged("it is of another kind or deployment");
  return parsed.output;
}

export function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
