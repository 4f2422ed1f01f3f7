/**
 * Signs what the log is, and only while the log is what it was: before each checkpoint the tree in the database is held
 * against what this writer signed, what the database says was signed, and what hosts have shown. The database is hostile
 * here, or restored from an old copy. Off the path of appends, which never wait for any of this.
 */
import { toBase64url } from "../../protocol/bytes.ts";
import { entryLeaf, openCheckpoint, rootDigest, signCheckpoint } from "../../protocol/checkpoint.ts";
import type { CheckpointView, LedgerDraft } from "../../protocol/ledger.ts";
import type { NoteSigner } from "../../protocol/note.ts";
import type { Alarms } from "../alert-client.ts";
import { edgeSeconds } from "../clock.ts";
import { CheckpointTable, type StoredCheckpoint } from "../db/checkpoint-table.ts";
import { LedgerTable } from "../db/ledger-table.ts";
import { LedgerTree, LogTooShort, type SealedEntries } from "../db/ledger-tree.ts";
import type { LedgerKeys } from "../edge-keys.ts";
import { logFault, logStep } from "../log.ts";
import type { CheckpointRefusal, HeldView, LedgerMemory } from "./memory.ts";
import type { TileBuilder } from "./tiles.ts";

/** Bounds one step of catching up: 64 tiles are 0.7 MB, and D1 takes parameters up to 2 MB. */
const MAX_ENTRIES_PER_STEP = 16_384;
/** Hashes in one answer of the database: 0.2 MB. */
const HASHES_PER_PAGE = 4_096;

/** While a refusal stands, a different one is worth an entry again after this long. */
const ENTRY_SECONDS = 3_600;

/** There is one alert of this kind, whatever it is about. */
const ALERT = { kind: "ledger.rewritten", subject: "ledger" } as const;

export type CheckpointResult =
  | { readonly ok: true; readonly note: string; readonly size: number }
  /** `refusal` absent: there is nothing to sign (`isEmpty`), or the database does not answer. */
  | { readonly ok: false; readonly refusal: CheckpointRefusal | undefined; readonly isEmpty: boolean };

export interface CheckpointDeps {
  readonly db: D1Database;
  readonly workspace: string;
  /** Entries in order, sealed ones too. */
  readonly sealed: SealedEntries;
  readonly memory: LedgerMemory;
  /** As the trust log names them now. */
  readonly keys: () => Promise<LedgerKeys>;
  readonly alarms: Pick<Alarms, "raise" | "settle">;
  /** Resolves when everything that `memory` wrote is on disk. */
  readonly durable: () => Promise<void>;
  /** The writer's copy of the head may be of another log. */
  readonly doubt: () => void;
  readonly append: (draft: LedgerDraft) => Promise<{ readonly ok: boolean }>;
  /** Those that may witness; undefined where nobody can say, and then what any of them showed counts. */
  readonly hosts: () => Promise<ReadonlySet<string> | undefined>;
  /** A new checkpoint, for whoever witnesses. */
  readonly show: (note: string) => void;
}

interface Log {
  readonly tree: LedgerTree;
  readonly size: number;
}

type Misfit = Omit<CheckpointRefusal, "since">;

export class Checkpoints {
  readonly #deps: CheckpointDeps;
  readonly #entries: LedgerTable;
  readonly #table: CheckpointTable;
  /** In memory only: one pass at a time; whoever comes meanwhile shares the next one. */
  #running: Promise<unknown> = Promise.resolve();
  #next: Promise<CheckpointResult> | undefined;
  /** In memory only: a new object raises again what still stands, and the alert is counted, not doubled. */
  #raised: string | undefined;

  constructor(deps: CheckpointDeps) {
    this.#deps = deps;
    this.#entries = new LedgerTable(deps.db, deps.workspace);
    this.#table = new CheckpointTable(deps.db, deps.workspace);
  }

  /** Covers every entry that is there now. Never throws: a database that does not answer is no reason to fail a caller. */
  cover(): Promise<CheckpointResult> {
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      const pass = this.#guardedPass();
      this.#running = pass;
      return pass;
    });
    return this.#next;
  }

  /** A host holds this checkpoint. What the ledger key did not sign is nothing to be held against the log. */
  async seen(host: string, note: string): Promise<void> {
    const { workspace, keys, memory } = this.#deps;
    const { signer } = await keys();
    if (signer === undefined) return; // nothing is signed, so nothing can contradict it
    const opened = await openCheckpoint(note, { workspace, ledgerKey: signer.publicKey });
    if (typeof opened === "string") return logStep("checkpoint-not-ours", { host, why: opened });
    const view = { size: opened.size, root: rootDigest(opened) };
    const signed = memory.signed();
    if (view.size === 0 || (signed?.size === view.size && signed.root === view.root)) return;
    memory.rememberShown(host, view, signer.publicKey);
    await this.cover();
  }

  async #guardedPass(): Promise<CheckpointResult> {
    try {
      return await this.#pass();
    } catch (error) {
      logFault("checkpoint", error);
      return { ok: false, refusal: this.#deps.memory.refusal(), isEmpty: false };
    }
  }

  async #pass(): Promise<CheckpointResult> {
    const { db, workspace, memory, sealed, keys } = this.#deps;
    const { signer, ever } = await keys();
    if (signer === undefined) return { ok: false, refusal: memory.refusal(), isEmpty: false };
    const log = { tree: new LedgerTree(db, workspace, sealed), size: (await this.#entries.head())?.index ?? 0 };
    const shown = await this.#fromWitnesses(memory.shown(signer.publicKey));
    const misfit = await this.#misfit(log, [...(await this.#ownViews(ever)), ...shown]);
    if (misfit !== undefined) return { ok: false, refusal: await this.#refuse(misfit), isEmpty: false };
    await this.#resume();
    if (log.size === 0) return { ok: false, refusal: undefined, isEmpty: true };
    const stored = await this.#table.newestUpTo(log.size);
    const signed = memory.signed();
    const isThere = signed !== undefined && stored?.size === log.size && stored.note === signed.note;
    // What the key before signed stays true, but nobody accepts it as the newest any more.
    if (!isThere || !(await this.#isBy(signer, signed.note))) await this.#sign(log, stored, signer);
    memory.forgetShown(shown); // what is signed now contains them
    return { ok: true, size: log.size, note: memory.signed()?.note ?? "" };
  }

  // ---- does the log contain what it contained ----

  async #misfit(log: Log, views: readonly HeldView[]): Promise<Misfit | undefined> {
    for (const { host, size, root } of views) {
      const found = await longest(log.tree, Math.min(size, log.size));
      if (found.size === size && found.root === root) continue;
      const reason = found.size < size ? "smaller" : "different";
      return { reason, held: { size, root }, shown: found, ...(host === undefined ? {} : { host }) };
    }
    return undefined;
  }

  /** A host that was removed cannot forget in public any more, so what it showed must not stand for ever. */
  async #fromWitnesses(shown: readonly HeldView[]): Promise<readonly HeldView[]> {
    if (shown.length === 0) return shown;
    const hosts = await this.#deps.hosts();
    return shown.filter(({ host }) => host === undefined || hosts === undefined || hosts.has(host));
  }

  async #ownViews(ever: LedgerKeys["ever"]): Promise<readonly HeldView[]> {
    const own = [this.#deps.memory.signed(), await this.#storedView(ever)].filter((view) => view !== undefined);
    return own.map(({ size, root }) => ({ size, root, host: undefined }));
  }

  /**
   * Of a row that no key of this log ever signed nothing follows: anybody could have put it there. An earlier key's counts:
   * it is this log's own past, also where the object has forgotten it. Whoever stole that key and writes to the database
   * can stop signing so; they could as well change an entry.
   */
  async #storedView(ever: LedgerKeys["ever"]): Promise<CheckpointView | undefined> {
    const stored = await this.#table.newest();
    if (stored === undefined) return undefined;
    const { workspace } = this.#deps;
    for (const ledgerKey of ever) {
      const opened = await openCheckpoint(stored.note, { workspace, ledgerKey });
      if (typeof opened !== "string") return { size: opened.size, root: rootDigest(opened) };
    }
    return undefined;
  }

  async #isBy({ publicKey }: NoteSigner, note: string): Promise<boolean> {
    return typeof (await openCheckpoint(note, { workspace: this.#deps.workspace, ledgerKey: publicKey })) !== "string";
  }

  // ---- signing ----

  async #sign({ tree, size }: Log, stored: StoredCheckpoint | undefined, signer: NoteSigner): Promise<void> {
    const { workspace, memory, durable, show } = this.#deps;
    // Tiles are known to be there up to the last checkpoint in the database, not up to the last that was signed.
    const builder = await tree.builder(stored?.size ?? 0);
    do {
      await this.#grow(builder, Math.min(size, builder.size + MAX_ENTRIES_PER_STEP));
      const root = builder.root();
      const note = await signCheckpoint({ workspace, size: builder.size, root }, signer);
      memory.rememberSigned({ size: builder.size, root: toBase64url(root), note });
      await durable();
      await this.#table.insert({ size: builder.size, note, at: edgeSeconds() }, builder.take());
      logStep("checkpoint", { size: builder.size });
      if (builder.size === size) show(note);
    } while (builder.size < size);
  }

  async #grow(builder: TileBuilder, to: number): Promise<void> {
    while (builder.size < to) {
      const limit = Math.min(HASHES_PER_PAGE, to - builder.size);
      const hashes = await this.#hashesAfter(builder.size, limit);
      if (hashes.length < limit) throw new LogTooShort(builder.size + hashes.length);
      for (const hash of hashes) builder.append(entryLeaf(hash));
    }
  }

  /** Nearly always what nobody has signed yet, which is in the open table. */
  async #hashesAfter(index: number, limit: number): Promise<readonly string[]> {
    const open = await this.#entries.hashesAfter(index, limit);
    if (open.length === limit) return open;
    const wherever = await this.#deps.sealed.oldestAfter(index, limit);
    const gap = wherever.findIndex(({ idx }, i) => idx !== index + 1 + i);
    return (gap === -1 ? wherever : wherever.slice(0, gap)).map(({ hash }) => hash);
  }

  // ---- refusing ----

  /** One entry and one alert for each; appends go on, because a log that stops is what an attacker would like more. */
  async #refuse(misfit: Misfit): Promise<CheckpointRefusal> {
    const { memory, append, doubt } = this.#deps;
    const standing = memory.refusal();
    const isSame = standing !== undefined && nameOf(standing) === nameOf(misfit);
    // What was found first stays: by now the log may have grown over the place where it was cut.
    const refusal = isSame ? standing : { ...misfit, since: edgeSeconds() };
    // One entry an hour tells of it: whoever holds many old notes could otherwise have one written for each.
    const isRecent = standing !== undefined && edgeSeconds() - standing.since < ENTRY_SECONDS;
    const written = (isSame || isRecent) && memory.isRefusalWritten();
    memory.rememberRefusal(refusal, { written });
    this.#raise(refusal);
    doubt();
    if (!written && (await append(entryOf(refusal))).ok) memory.rememberRefusal(refusal, { written: true });
    return refusal;
  }

  #raise(refusal: CheckpointRefusal): void {
    const { reason, host, held, shown } = refusal;
    if (this.#raised === nameOf(refusal)) return;
    this.#raised = nameOf(refusal);
    logFault("checkpoint_refused", new Error(`the log is ${reason}`), { held: held.size, shown: shown.size, host });
    void this.#deps.alarms.raise({ ...ALERT, ...(host === undefined ? {} : { host }), detail: { held, shown } });
  }

  async #resume(): Promise<void> {
    const { memory, alarms } = this.#deps;
    if (memory.refusal() === undefined) return;
    logStep("checkpoint-resumed", {});
    await alarms.settle(ALERT);
    memory.forgetRefusal();
    this.#raised = undefined;
  }
}

/** The tree up to `size`, or up to the first entry that is missing. */
async function longest(tree: LedgerTree, size: number): Promise<CheckpointView> {
  try {
    return { size, root: toBase64url(await tree.root(size)) };
  } catch (error) {
    if (!(error instanceof LogTooShort)) throw error;
    return longest(tree, error.entries);
  }
}

function entryOf({ since, reason, held, shown, host }: CheckpointRefusal): LedgerDraft {
  return {
    actor: { kind: "edge" },
    action: "checkpoint.refused",
    ...(host === undefined ? {} : { target: host }),
    detail: { code: reason, views: { held, shown } },
    subject: `${since}.${held.size}.${held.root}`,
  };
}

/** One refusal for each checkpoint that does not fit, whatever is found in its place. */
function nameOf({ held }: Misfit): string {
  return `${held.size} ${held.root}`;
}
