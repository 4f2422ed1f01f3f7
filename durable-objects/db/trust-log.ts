/**
 * Reads a workspace's trust log and applies it. The database is not believed: every row is verified again by the
 * same pure function that hosts run, once per isolate and place in the chain.
 */
import { and, asc, eq, gte, gt } from "drizzle-orm";
import { statements } from "../../migrations/schema.ts";
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
  /** Rebuilt: verified prefixes, so that a request verifies only what is new. */
  readonly #states = new Map<string, TrustState>();

  constructor(db: Database) {
    this.#db = db;
  }

  /** The verified state, or undefined when there is no such workspace. @throws {TrustLogDamaged} */
  async current(workspace: string): Promise<TrustState | undefined> {
    const known = this.#states.get(workspace);
    const rows = await this.#rowsFrom(workspace, known?.head.n ?? 0);
    if (known !== undefined && rows[0]?.hash !== known.head.hash) {
      this.#states.delete(workspace); // the log was rolled back or replaced beneath us: believe nothing cached
      return this.current(workspace);
    }
    const state = await this.#apply(workspace, known, known === undefined ? rows : rows.slice(1));
    if (state !== undefined) this.#states.set(workspace, state);
    return state;
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

  async #rowsFrom(workspace: string, n: number): Promise<readonly Row[]> {
    return this.#db
      .select()
      .from(statements)
      .where(and(eq(statements.workspace, workspace), gte(statements.n, n)))
      .orderBy(asc(statements.n));
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

/** @throws {TrustLogDamaged} */
function decodeStored<T>({ n, signed }: Row, codec: Codec<T>): T {
  try {
    return codec.decode(utf8(signed));
  } catch (error) {
    if (error instanceof MalformedError) throw new TrustLogDamaged(`statement ${n}: malformed`, { cause: error });
    throw error;
  }
}
