/**
 * Takes one segment out of the open table: copies its rows and checks them as it goes, says that it has them, and only
 * then removes them there. Each step leaves something from which the next one goes on, whatever dies in between. The
 * database is hostile: what it gives must be the chain, and the tree that the writer signed.
 */
import { fromBase64url, toBase64url, utf8 } from "../../protocol/bytes.ts";
import { entryLeaf } from "../../protocol/checkpoint.ts";
import { checkEntry, type ChainPosition } from "../../protocol/ledger.ts";
import { Frontier, verifyConsistency } from "../../protocol/merkle.ts";
import { edgeSeconds } from "../clock.ts";
import type { Span } from "../db/ledger-rows.ts";
import { LedgerTree } from "../db/ledger-tree.ts";
import { CheckpointTable } from "../db/checkpoint-table.ts";
import { OpenRows, type OpenPage } from "../db/open-rows.ts";
import { SegmentTable } from "../db/segment-table.ts";
import type { SegmentRows, SegmentState, SegmentTask } from "./segment-rows.ts";

/** Bounds one question to the database and one transaction here: about 0.4 MB. */
export const PAGE_ENTRIES = 500;
/** Bounds one wake of the object: some seconds, far below what a runtime allows. */
const PAGES_PER_STEP = 20;

/** What the open table holds is not what was signed. */
export class SegmentMisfit extends Error {
  override readonly name = "SegmentMisfit";
  /** What the rows give; absent where they do not even chain. */
  readonly found: { readonly size: number; readonly root: string } | undefined;

  constructor(why: string, found?: { readonly size: number; readonly root: string }) {
    super(why);
    this.found = found;
  }
}

export interface MoverDeps {
  readonly db: D1Database;
  readonly rows: SegmentRows;
  /** Resolves when everything that `rows` wrote is on disk. */
  readonly durable: () => Promise<void>;
}

export class Mover {
  readonly #deps: MoverDeps;
  readonly #open: OpenRows;
  readonly #segments: SegmentTable;

  constructor(deps: MoverDeps, task: SegmentTask) {
    this.#deps = deps;
    this.#open = new OpenRows(deps.db, task);
    this.#segments = new SegmentTable(deps.db, task.workspace);
  }

  /** True: there is more to do. @throws {SegmentMisfit} */
  async step(state: SegmentState): Promise<boolean> {
    switch (state.stage) {
      case "copying":
        await this.#copy(state);
        return true;
      case "held":
        return this.#clear(state);
      case "done":
        return false;
      case "dropping":
        await this.#segments.setDropped(state.task.n, edgeSeconds());
        await this.#deps.rows.clear();
        return false;
    }
  }

  // ---- copying ----

  async #copy({ task, progress }: SegmentState): Promise<void> {
    const { db, rows, durable } = this.#deps;
    const tree = new LedgerTree(db, task.workspace);
    const from = progress?.index ?? task.first - 1;
    const hashes = progress?.frontier.map(fromBase64url) ?? (await tree.frontier(from));
    const frontier = new Frontier(from, hashes);
    let position: ChainPosition = { index: from, hash: progress?.hash ?? task.before };
    for (let page = 0; page < PAGES_PER_STEP && position.index < task.last; page++) {
      const before = Math.min(task.last, position.index + PAGE_ENTRIES) + 1;
      const taken = await this.#open.page({ after: position.index, before });
      position = this.#check(taken, { position, task, frontier });
      if (position.index !== before - 1) throw new SegmentMisfit(`no entry ${position.index + 1}`);
      const { index, hash } = position;
      rows.take(taken, { index, hash, frontier: frontier.hashes.map(toBase64url) }, broughtBy(taken));
    }
    if (position.index < task.last) return;
    if (position.hash !== task.hash) throw new SegmentMisfit("it ends in another entry");
    await this.#compare(task, { frontier, tree });
    rows.setStage("held");
    await durable();
  }

  #check(
    { records }: OpenPage,
    at: { readonly position: ChainPosition; readonly task: SegmentTask; readonly frontier: Frontier },
  ): ChainPosition {
    let { position } = at;
    const { workspace } = at.task;
    for (const { body, hash } of records) {
      const step = checkEntry(utf8(body), hash, { workspace, position });
      if (!step.ok) throw new SegmentMisfit(`entry ${step.index}: ${step.fault}`);
      ({ position } = step);
      at.frontier.append(entryLeaf(hash));
    }
    return position;
  }

  /** The tiles are the database's word; what the writer signed is not. */
  async #compare(
    { last, signed }: SegmentTask,
    { frontier, tree }: { readonly frontier: Frontier; readonly tree: LedgerTree },
  ): Promise<void> {
    const fromRoot = frontier.root();
    const proof = await tree.consistency(last, signed.size);
    const toRoot = fromBase64url(signed.root);
    if (verifyConsistency({ from: last, to: signed.size, fromRoot, toRoot, proof })) return;
    throw new SegmentMisfit("it is not part of what was signed", { size: last, root: toBase64url(fromRoot) });
  }

  // ---- removing ----

  async #clear({ task }: SegmentState): Promise<boolean> {
    const { rows } = this.#deps;
    const { n, last } = task;
    await this.#segments.setMoved(n, edgeSeconds());
    for (let page = 0; page < PAGES_PER_STEP; page++) {
      const first = await this.#open.firstUpTo(last);
      if (first === undefined) {
        if (!(await this.#thin(task))) continue;
        rows.setStage("done");
        return false;
      }
      const span: Span = { after: first - 1, before: Math.min(last, first - 1 + PAGE_ENTRIES) + 1 };
      await this.#open.remove(span, rows.receiptsOf(span));
    }
    return true;
  }

  /**
   * Of what was signed within the segment only the newest stays: a later checkpoint says more, and a proof that it begins
   * with any size before needs the tiles alone. Otherwise these rows would outgrow the entries. True: done.
   */
  async #thin({ workspace, first, last }: SegmentTask): Promise<boolean> {
    const checkpoints = new CheckpointTable(this.#deps.db, workspace);
    const newest = await checkpoints.newestUpTo(last);
    return newest === undefined || checkpoints.forget({ from: first, before: newest.size }, PAGE_ENTRIES);
  }
}

/** Which entry brought each receipt; others may name it later. */
function broughtBy({ records }: OpenPage): ReadonlyMap<string, number> {
  const brought = new Map<string, number>();
  for (const { idx, body } of records) {
    if (!body.includes('"action":"command.receipt"')) continue;
    const digest = /"receipt":"([A-Za-z0-9_-]{43})"/.exec(body)?.[1];
    if (digest !== undefined) brought.set(digest, idx);
  }
  return brought;
}
