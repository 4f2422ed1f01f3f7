/**
 * Transactions as they are remembered, each in a directory of its own: what was at every path before, byte for byte, and what it
 * became. The record's state is the truth: `armed` means that it is taken back unless somebody writes another word there.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  openSync,
  fsyncSync,
  closeSync,
} from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { count, digest, seconds } from "../../../protocol/fields.ts";
import { fixStates, type Fix } from "../../../protocol/posture/plan.ts";
import { posturalReason } from "../../../protocol/posture/report.ts";
import { isCheckId } from "../../../protocol/posture.ts";
import { writeFileAtomically } from "../../shared/atomic-file.ts";
import { systemCode } from "../../shared/edge-error.ts";
import { pathStateSchema, type Disk } from "./disk.ts";
import { effectKinds } from "./effect-kinds.ts";

/** More than anybody takes back, and few enough to keep every byte. */
const MAX_ENDED = 60;
/** Kept free while something is armed, so that a disk that filled up meanwhile still takes the old files back. */
const BALLAST_BYTES = 262_144;

const argv = v.pipe(v.array(v.string()), v.maxLength(64));

const touchedSchema = v.strictObject({
  path: v.string(),
  before: pathStateSchema,
  /** Name of the kept content. */
  blob: v.optional(v.string()),
  /** Once it is applied. */
  after: v.optional(pathStateSchema),
  /** Whose command changed it: index of the deed. */
  deed: v.optional(count),
  /** Only rights were taken: content and owner are somebody else's business, who may change them at any time. */
  isModeOnly: v.optional(v.literal(true)),
});
export type Touched = v.InferOutput<typeof touchedSchema>;

const effectSchema = v.strictObject({ name: v.picklist(effectKinds), of: v.string(), before: v.string() });

const recordSchema = v.strictObject({
  v: v.literal(1),
  fix: v.pipe(v.string(), v.regex(/^fix-[0-9a-f]{16}$/)),
  checks: v.array(v.custom<Fix["checks"][number]>((id) => typeof id === "string" && isCheckId(id))),
  state: v.picklist(fixStates),
  at: seconds,
  ended: v.optional(seconds),
  author: v.string(),
  plan: digest,
  reason: v.optional(posturalReason),
  touched: v.array(touchedSchema),
  deeds: v.array(v.strictObject({ undo: v.optional(argv), touches: v.array(v.string()) })),
  effects: v.array(effectSchema),
  /** Who applies it now, so that the timer can end one that hangs: process id and when it began. */
  holder: v.strictObject({ pid: count, began: v.string() }),
  /** Digest of the rules in the kernel before it; empty where they cannot be listed. */
  rules: v.string(),
  /** Set once it stands and only waits for a sign-in: what is left to do then, and until when. */
  waiting: v.optional(v.strictObject({ since: seconds, until: seconds, order: v.string() })),
});
export type FixRecord = v.InferOutput<typeof recordSchema>;

export class Records {
  readonly directory: string;
  readonly #fixes: string;
  readonly #armed: string;

  constructor(directory: string) {
    this.directory = directory;
    this.#fixes = join(directory, "fixes");
    this.#armed = join(directory, "armed");
    for (const one of [directory, this.#fixes, this.#armed]) mkdirSync(one, { recursive: true, mode: 0o700 });
  }

  /** Newest first. One that cannot be read is left out: nothing of it can be taken back. */
  all(): readonly FixRecord[] {
    return readdirSync(this.#fixes)
      .flatMap((fix) => this.one(fix) ?? [])
      .toSorted((a, b) => b.at - a.at || (a.fix < b.fix ? 1 : -1));
  }

  one(fix: string): FixRecord | undefined {
    if (!/^fix-[0-9a-f]{16}$/.test(fix)) return undefined;
    let value: unknown;
    try {
      value = JSON.parse(readFileSync(this.#file(fix), "utf8"));
    } catch (error) {
      // Killed before its record was whole: then nothing was changed yet.
      if (systemCode(error) === "ENOENT" || error instanceof SyntaxError) return undefined;
      throw error;
    }
    const result = v.safeParse(recordSchema, value);
    return result.success ? result.output : undefined;
  }

  armed(): readonly FixRecord[] {
    return this.all().filter(({ state }) => state === "armed");
  }

  /** Old content, whole and on the disk before the record that names it. */
  keep(fix: string, name: string, bytes: Uint8Array): void {
    writeFileAtomically(join(this.#make(fix), name), bytes);
  }

  kept(fix: string, name: string): Buffer {
    return readFileSync(join(this.#fixes, fix, name));
  }

  /** The mark that a start of the machine looks for comes before the word, and goes after it. */
  save(record: FixRecord): void {
    const mark = join(this.#armed, record.fix);
    this.#make(record.fix);
    if (record.state === "armed") {
      this.#makeBallast();
      writeFileAtomically(mark, "");
    }
    writeFileAtomically(this.#file(record.fix), JSON.stringify(v.parse(recordSchema, record)));
    if (record.state === "armed") return;
    rmSync(mark, { force: true });
    this.dropBallast();
    this.#forgetOld();
  }

  /** Not recursively: of a disk that can only be read Node then says that the directory above is missing. */
  #make(fix: string): string {
    const directory = join(this.#fixes, fix);
    if (!existsSync(directory)) mkdirSync(directory, { mode: 0o700 });
    return directory;
  }

  #makeBallast(): void {
    const fd = openSync(this.#ballast, "w", 0o600);
    try {
      writeFileSync(fd, Buffer.alloc(BALLAST_BYTES, 1));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }

  dropBallast(): void {
    rmSync(this.#ballast, { force: true });
  }

  /** What was never armed, or is over: its copies are needed no more. */
  forget(fix: string): void {
    rmSync(join(this.#fixes, fix), { recursive: true, force: true });
    rmSync(join(this.#armed, fix), { force: true });
  }

  #forgetOld(): void {
    const ended = this.all().filter(({ state }) => state === "undone" || state === "failed");
    for (const { fix } of ended.slice(MAX_ENDED)) this.forget(fix);
  }

  get #ballast(): string {
    return join(this.directory, "ballast");
  }

  #file(fix: string): string {
    return join(this.#fixes, fix, "record.json");
  }
}

/** Files of it that are no longer as it left them. */
export function driftOf(record: FixRecord, disk: Disk): readonly Touched[] {
  if (record.state !== "applied") return [];
  return record.touched.filter(
    ({ path, after, isModeOnly }) =>
      isModeOnly !== true && after !== undefined && JSON.stringify(disk.state(path)) !== JSON.stringify(after),
  );
}

/** As it is told to a person. */
export function fixOf(record: FixRecord, disk: Disk): Fix {
  const { fix, checks, state, at, ended, author, plan, reason } = record;
  const drifted = driftOf(record, disk).filter(({ deed }) => deed === undefined);
  return {
    fix,
    checks: [...checks],
    state,
    at,
    ...(ended === undefined ? {} : { ended }),
    author,
    plan,
    drifted: drifted.map(({ path }) => path).slice(0, 64),
    ...(reason === undefined ? {} : { reason }),
  };
}
