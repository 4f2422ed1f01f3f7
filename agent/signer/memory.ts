/**
 * What this machine remembers of each workspace it signs for: the pin, where its edge was, and the newest trust head that
 * a page verified. A file a workspace, beside no secret. The edge never writes here: the pin is typed by a person, a head
 * comes from a page that followed the log from the pin on, and heads only move forward.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import * as v from "valibot";
import { digest, seconds, trustHead, version, type TrustHead } from "../../protocol/fields.ts";
import { edgeUrl } from "../../protocol/signer-memory.ts";
import { writeFileAtomically } from "../shared/atomic-file.ts";
import { EdgeError } from "../shared/edge-error.ts";
import { acquireLock, type Lock } from "../shared/lock.ts";
import { readOwnerFile } from "./owner-file.ts";
import { SignerError } from "./signer-error.ts";

const memorySchema = v.strictObject({
  v: version,
  workspace: digest,
  edge: edgeUrl,
  head: v.optional(trustHead),
  /** When the head was verified, by this machine's clock: for people. */
  seen: v.optional(seconds),
});
export type Remembered = v.InferOutput<typeof memorySchema>;

/** `older`, `forked`: the head does not follow from the one remembered, which stays. */
export type Advance = "kept" | "moved" | "older" | "forked";

/** A write takes milliseconds; another signer or the edge of this machine may be at it. */
const LOCK_ATTEMPTS = 50;
const LOCK_PAUSE_MILLISECONDS = 20;

export interface MemoryDeps {
  /** `signer/` in a data directory. */
  readonly directory: string;
  readonly uid: number;
  readonly now: () => Date;
}

export class Memory {
  readonly #deps: MemoryDeps;

  constructor(deps: MemoryDeps) {
    this.#deps = deps;
  }

  pathOf(workspace: string): string {
    return join(this.#deps.directory, `${workspace}.json`);
  }

  /** @throws {SignerError} `memory_damaged`, `memory_exposed` */
  read(workspace: string): Remembered | undefined {
    const path = this.pathOf(workspace);
    const file = readOwnerFile(path, this.#deps.uid);
    switch (file.kind) {
      case "absent":
        return undefined;
      case "exposed":
        throw new SignerError(
          "memory_exposed",
          `${path} says which history this machine has seen, and ${file.why}. If you trust what happened meanwhile, replace it by a plain file of your own and type: chmod 600 ${path}`,
        );
      case "foreign":
        throw damaged(path);
      case "text":
        return parse(path, workspace, file.text);
    }
  }

  /** Every workspace this machine signs for. */
  all(): readonly Remembered[] {
    return readdirSync(this.#deps.directory)
      .filter((name) => name.endsWith(".json"))
      .toSorted()
      .flatMap((name) => this.read(name.slice(0, -".json".length)) ?? []);
  }

  /** Remembers a pin that a person gave, or that its edge has moved. What was seen stays. */
  async pin(workspace: string, edge: string): Promise<void> {
    await this.#write(workspace, (before) =>
      before?.edge === edge ? undefined : { ...(before ?? { v: 1, workspace }), edge },
    );
  }

  /** @throws {SignerError} when nothing is pinned: a head alone proves nothing. */
  async advance(workspace: string, head: TrustHead): Promise<Advance> {
    let result: Advance = "kept";
    await this.#write(workspace, (before) => {
      if (before === undefined) throw damaged(this.pathOf(workspace));
      result = judge(before.head, head);
      const seen = Math.floor(this.#deps.now().getTime() / 1_000);
      return result === "moved" ? { ...before, head, seen } : undefined;
    });
    return result;
  }

  /** Reads and writes under one lock: of two pages that bring a head, the later must not bring the older one back. */
  async #write(workspace: string, change: (before: Remembered | undefined) => Remembered | undefined): Promise<void> {
    const lock = await this.#lock();
    try {
      const after = change(this.read(workspace));
      if (after !== undefined) writeFileAtomically(this.pathOf(workspace), `${JSON.stringify(after)}\n`);
    } finally {
      lock.release();
    }
  }

  async #lock(): Promise<Lock> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return acquireLock(join(this.#deps.directory, "lock"), this.#deps.now);
      } catch (error) {
        const isHeld = error instanceof EdgeError && error.code === "locked";
        if (!isHeld || attempt === LOCK_ATTEMPTS) throw error;
      }
      await wait(LOCK_PAUSE_MILLISECONDS);
    }
  }
}

/** The same length with another set of revocations is news too: they stand outside the chain and are never fewer. */
function judge(before: TrustHead | undefined, head: TrustHead): Advance {
  if (before === undefined || head.n > before.n) return "moved";
  if (head.n < before.n) return "older";
  if (head.hash !== before.hash) return "forked";
  return head.revoked === before.revoked ? "kept" : "moved";
}

function parse(path: string, workspace: string, text: string): Remembered {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged(path, error);
  }
  const memory = v.safeParse(memorySchema, value);
  if (!memory.success || memory.output.workspace !== workspace) throw damaged(path);
  return memory.output;
}

function damaged(path: string, cause?: unknown): SignerError {
  return new SignerError(
    "memory_damaged",
    `${path} should say which history of a workspace this machine has seen, and does not. Restore it from a backup. Without one, delete it and start with --workspace: this machine then believes the first history that it is shown.`,
    { cause },
  );
}
