/**
 * Reads a workspace's trust log and applies it. The database is not believed: every row is verified again by the
 * same pure function that hosts run, once per isolate and place in the chain.
 */
import { and, asc, eq, gte, gt, sql, type SQL } from "drizzle-orm";
import { statements, workspaces } from "../../migrations/schema.ts";
import { utf8 } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import type { Codec } from "../../protocol/fields.ts";
import { MAX_STATEMENTS_PER_PAGE } from "../../protocol/limits.ts";
import { applyRoot, applyStatement, type TrustResult } from "../../protocol/trust/apply.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import {
  signedRootCodec,
  signedStatementCodec,
  type SignedRoot,
  type TrustPage,
} from "../../protocol/trust/statements.ts";
import type { Database } from "./database.ts";

interface Row {
  readonly workspace: string;
  readonly n: number;
  readonly hash: string;
  readonly signed: string;
}

/** Stored statements that do not verify: somebody wrote to the database, or a restore mixed two logs. */
export class TrustLogDamaged extends Error {
  override readonly name = "TrustLogDamaged";
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

  async root(workspace: string): Promise<SignedRoot | undefined> {
    const [row] = await this.#db
      .select()
      .from(statements)
      .where(and(eq(statements.workspace, workspace), eq(statements.n, 0)));
    return row === undefined ? undefined : decodeStored(row, signedRootCodec);
  }

  /** The log after place `after`; without it from the root on. At most one page. */
  async page(workspace: string, after?: number): Promise<TrustPage> {
    const rows = await this.#db
      .select()
      .from(statements)
      .where(and(eq(statements.workspace, workspace), gt(statements.n, after ?? 0)))
      .orderBy(asc(statements.n))
      .limit(MAX_STATEMENTS_PER_PAGE);
    const root = after === undefined ? await this.root(workspace) : undefined;
    const decoded = rows.map((row) => decodeStored(row, signedStatementCodec));
    return root === undefined ? { statements: decoded } : { root, statements: decoded };
  }

  /** `rows`: from the head of `known` on, or the whole log. */
  async #follow(
    workspace: string,
    known: TrustState | undefined,
    rows: readonly Row[],
  ): Promise<TrustState | "replaced" | undefined> {
    if (known !== undefined && rows[0]?.hash !== known.head.hash) {
      this.#states.delete(workspace); // the log was rolled back or replaced beneath us: believe nothing cached
      return "replaced";
    }
    const state = await this.#apply(workspace, known, known === undefined ? rows : rows.slice(1));
    if (state !== undefined) this.#states.set(workspace, state);
    return state;
  }

  async #apply(workspace: string, from: TrustState | undefined, rows: readonly Row[]): Promise<TrustState | undefined> {
    let state = from;
    for (const row of rows) {
      const result: TrustResult =
        state === undefined
          ? await applyRoot(decodeStored(row, signedRootCodec), { workspace })
          : await applyStatement(state, decodeStored(row, signedStatementCodec));
      if (!result.ok) throw new TrustLogDamaged(`statement ${row.n}: ${result.code}`);
      if (result.state.head.n !== row.n || result.state.head.hash !== row.hash)
        throw new TrustLogDamaged(`statement ${row.n}: misplaced`);
      state = result.state;
    }
    return state;
  }
}

/** Built once: every request asks one of these, and building the text of a query costs more than asking it. */
function prepareQueries(db: Database) {
  const from = gte(statements.n, sql.placeholder("from"));
  const first = db.select({ workspace: workspaces.workspace }).from(workspaces).limit(1);
  const log = (ofWorkspace: SQL) =>
    db.select().from(statements).where(and(ofWorkspace, from)).orderBy(asc(statements.n));
  return {
    of: log(eq(statements.workspace, sql.placeholder("workspace"))).prepare(),
    served: log(eq(statements.workspace, first)).prepare(),
  };
}

/** @throws {TrustLogDamaged} */
function decodeStored<T>({ n, signed }: Row, codec: Codec<T>): T {
  try {
    return codec.decode(utf8(signed));
  } catch (error) {
    if (error instanceof MalformedError) throw new TrustLogDamaged(`statement ${n}: malformed`, { cause: error });
    throw error;
  }
}
