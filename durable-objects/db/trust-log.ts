/**
 * Reads a workspace's trust log and applies it: the chain, and each revocation after the chain statement that it names.
 * The database is not believed: every row is verified again by the same pure function that hosts run, once per isolate
 * and place in the chain.
 */
import { and, eq, gt, gte, sql, type SQL, type SQLWrapper } from "drizzle-orm";
import { unionAll } from "drizzle-orm/sqlite-core";
import { revocations, statements, workspaces } from "../../migrations/schema.ts";
import { utf8 } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import type { Codec, TrustHead } from "../../protocol/fields.ts";
import { MAX_STATEMENTS_PER_PAGE } from "../../protocol/limits.ts";
import { applyRoot, applyStatement, type TrustResult } from "../../protocol/trust/apply.ts";
import { chainAt, heldRevocations, revokedDigest, sameHead, type TrustState } from "../../protocol/trust/state.ts";
import {
  signedRootCodec,
  signedStatementCodec,
  type SignedRoot,
  type TrustPage,
} from "../../protocol/trust/statements.ts";
import type { Database } from "./database.ts";

interface Row {
  readonly workspace: string;
  /** Place in the chain; of a revocation, the place that it names. */
  readonly n: number;
  /** 0 or 1. */
  readonly revocation: number;
  readonly hash: string;
  readonly signed: string;
}

/** Stored statements that do not verify: somebody wrote to the database, or a restore mixed two logs. */
export class TrustLogDamaged extends Error {
  override readonly name = "TrustLogDamaged";
}

export interface LogPage {
  readonly page: TrustPage;
  /** The place after which the next page begins; undefined: this was the last. */
  readonly next: number | undefined;
}

/** By database: what one object has verified is verified for all objects of the isolate, which ask the same database. */
const logs = new WeakMap<Database, TrustLog>();

export function trustLogOf(db: Database): TrustLog {
  const known = logs.get(db);
  if (known !== undefined) return known;
  const log = new TrustLog(db);
  logs.set(db, log);
  return log;
}

export class TrustLog {
  readonly #db: Database;
  readonly #queries: ReturnType<typeof prepareQueries>;
  /** Rebuilt: verified prefixes, so that a request verifies only what is new. */
  readonly #states = new Map<string, TrustState>();
  /** Rebuilt: the one workspace found by the last look for it; the database is asked again each time. */
  #served: string | undefined;

  constructor(db: Database) {
    this.#db = db;
    this.#queries = prepareQueries(db);
  }

  /** The verified state, or undefined when there is no such workspace. @throws {TrustLogDamaged} */
  async current(workspace: string): Promise<TrustState | undefined> {
    const known = this.#states.get(workspace);
    const rows: readonly Row[] = await this.#queries.of.all({ workspace, from: known?.head.n ?? 0 });
    const state = await this.#follow(workspace, known, rows);
    return state === "replaced" ? this.current(workspace) : state;
  }

  /** The same for the workspace that this deployment serves: which one that is, and its log, in one look. */
  async currentServed(): Promise<TrustState | undefined> {
    const known = this.#served === undefined ? undefined : this.#states.get(this.#served);
    const rows: readonly Row[] = await this.#queries.served.all({ from: known?.head.n ?? 0 });
    const served = rows[0]?.workspace;
    if (known !== undefined && served !== known.workspace) {
      this.#served = undefined; // read from the place of another log: look again, from the start
      return this.currentServed();
    }
    this.#served = served;
    if (served === undefined) return undefined;
    const state = known === undefined ? await this.current(served) : await this.#follow(served, known, rows);
    return state === "replaced" ? this.current(served) : state;
  }

  /**
   * For whoever looked at the log a moment ago, perhaps elsewhere: the state that they saw, if it is the newest that was
   * verified here. Says nothing of what the log holds now.
   */
  seenAs(workspace: string, head: TrustHead): TrustState | undefined {
    const known = this.#states.get(workspace);
    return known !== undefined && sameHead(known.head, head) ? known : undefined;
  }

  async root(workspace: string): Promise<SignedRoot | undefined> {
    const [row] = await this.#db
      .select()
      .from(statements)
      .where(and(eq(statements.workspace, workspace), eq(statements.n, 0)));
    return row === undefined ? undefined : decodeStored({ ...row, revocation: 0 }, signedRootCodec);
  }

  /**
   * The log after place `after`, with the revocations that name that place; without `after` from the root on. Whoever
   * holds some of them skips those. There are never so many revocations of one place that a page holds nothing else.
   */
  async page(workspace: string, after?: number): Promise<LogPage> {
    const limit = MAX_STATEMENTS_PER_PAGE;
    const rows: readonly Row[] = await this.#queries.page.all({ workspace, after: after ?? 0, limit });
    const root = after === undefined ? await this.root(workspace) : undefined;
    const fitting = cut(rows);
    const decoded = fitting.map((row) => decodeStored(row, signedStatementCodec));
    const newest = fitting.findLast(({ revocation }) => revocation === 0)?.n;
    return {
      page: root === undefined ? { statements: decoded } : { root, statements: decoded },
      next: rows.length < limit && fitting.length === rows.length ? undefined : newest,
    };
  }

  /** `rows`: from the head of `known` on, or the whole log. */
  async #follow(
    workspace: string,
    known: TrustState | undefined,
    rows: readonly Row[],
  ): Promise<TrustState | "replaced" | undefined> {
    if (known !== undefined && !continues(known, rows)) {
      this.#states.delete(workspace); // the log was rolled back or replaced beneath us: believe nothing cached
      return "replaced";
    }
    const isNew = ({ revocation, hash }: Row): boolean =>
      known === undefined || (revocation === 0 ? hash !== known.head.hash : !heldRevocations(known).has(hash));
    const state = await this.#apply(workspace, known, rows.filter(isNew));
    if (state !== undefined && state !== known) this.#states.set(workspace, state);
    return state;
  }

  async #apply(workspace: string, from: TrustState | undefined, rows: readonly Row[]): Promise<TrustState | undefined> {
    let state = from;
    for (const row of rows) {
      const result: TrustResult =
        state === undefined
          ? await applyRoot(decodeStored(row, signedRootCodec), { workspace })
          : await applyStatement(state, decodeStored(row, signedStatementCodec));
      if (!result.ok) throw new TrustLogDamaged(`${placeOf(row)}: ${result.code}`);
      state = result.state;
      const isPlaced = row.revocation === 1 ? heldRevocations(state).has(row.hash) : isAt(state, row);
      if (!isPlaced) throw new TrustLogDamaged(`${placeOf(row)}: misplaced`);
    }
    return state;
  }
}

/** Statements are far smaller; whoever fills them up must not make a page that no client takes. */
const MAX_PAGE_CHARACTERS = 524_288;

/** As many as fit, and at least up to the first chain statement, so that every page leads further. */
function cut(rows: readonly Row[]): readonly Row[] {
  let size = 0;
  let leadsOn = false;
  const end = rows.findIndex(({ signed, revocation }) => {
    size += signed.length;
    if (size > MAX_PAGE_CHARACTERS && leadsOn) return true;
    leadsOn ||= revocation === 0;
    return false;
  });
  return end < 0 ? rows : rows.slice(0, end);
}

/**
 * After which place somebody who holds `head` must be told of ours; "nothing" when both are the same. Another history,
 * or other revocations than ours up to there: from the root on (undefined).
 */
export function lacking(state: TrustState, head: TrustHead | undefined): number | "nothing" | undefined {
  if (head === undefined || chainAt(state.chain, head.n)?.hash !== head.hash) return undefined;
  const namedBefore = (place: number): string =>
    revokedDigest(
      [...state.revocations.values()].filter(({ revocation }) => revocation.prev.n < place).map(({ digest }) => digest),
    );
  if (head.n === state.head.n && head.revoked === state.head.revoked) return "nothing";
  return [namedBefore(head.n), namedBefore(head.n + 1)].includes(head.revoked) ? head.n : undefined;
}

/** The newest place that was verified is still there, and so is every revocation of it. */
function continues(known: TrustState, rows: readonly Row[]): boolean {
  const { head } = known;
  if (rows[0]?.hash !== head.hash) return false;
  const stored = new Set(rows.filter(({ revocation }) => revocation === 1).map(({ hash }) => hash));
  return [...heldRevocations(known).values()].every(
    ({ digest, revocation }) => revocation.prev.n < head.n || stored.has(digest),
  );
}

function isAt({ head }: TrustState, { n, hash }: Row): boolean {
  return head.n === n && head.hash === hash;
}

function placeOf({ n, revocation }: Row): string {
  return revocation === 1 ? `a revocation at ${n}` : `statement ${n}`;
}

/** Built once: every request asks one of these, and building the text of a query costs more than asking it. */
function prepareQueries(db: Database) {
  const first = db.select({ workspace: workspaces.workspace }).from(workspaces).limit(1);
  const given = sql.placeholder("workspace");
  const log = (workspace: SQLWrapper | SQL, { chain, beside }: { readonly chain: SQL; readonly beside: SQL }) =>
    unionAll(
      db
        .select({
          workspace: statements.workspace,
          n: statements.n,
          revocation: sql<number>`0`.as("revocation"),
          hash: sql<string>`${statements.hash}`.as("hash"),
          signed: statements.signed,
        })
        .from(statements)
        .where(and(eq(statements.workspace, workspace), chain)),
      db
        .select({
          workspace: revocations.workspace,
          n: revocations.n,
          revocation: sql<number>`1`.as("revocation"),
          hash: sql<string>`${revocations.digest}`.as("hash"),
          signed: revocations.signed,
        })
        .from(revocations)
        .where(and(eq(revocations.workspace, workspace), beside)),
    ).orderBy(sql`n`, sql`revocation`, sql`hash`);
  const fromHead = {
    chain: gte(statements.n, sql.placeholder("from")),
    beside: gte(revocations.n, sql.placeholder("from")),
  };
  const following = {
    chain: gt(statements.n, sql.placeholder("after")),
    beside: gte(revocations.n, sql.placeholder("after")),
  };
  return {
    of: log(given, fromHead).prepare(),
    served: log(first, fromHead).prepare(),
    page: log(given, following).limit(sql.placeholder("limit")).prepare(),
  };
}

/** @throws {TrustLogDamaged} */
function decodeStored<T>(row: Row, codec: Codec<T>): T {
  try {
    return codec.decode(utf8(row.signed));
  } catch (error) {
    if (error instanceof MalformedError) throw new TrustLogDamaged(`${placeOf(row)}: malformed`, { cause: error });
    throw error;
  }
}
