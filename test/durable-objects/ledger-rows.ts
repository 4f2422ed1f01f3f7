/** Rows of a ledger put into the database without its writer, for tests that need many of them or bent ones. */
import { toBase64url, utf8 } from "../../protocol/bytes.ts";
import { ZERO_DIGEST } from "../../protocol/messages.ts";
import { sha256Of } from "../../protocol/signing.ts";

/** The digest that stands for entry `index` of a history called `history`. */
export function digestAt(history: string, index: number): string {
  return index === 0 ? ZERO_DIGEST : toBase64url(sha256Of(utf8(`${history} ${index}`)));
}

const PER_STATEMENT = 2_000;

/** Entries `from` to `to`; their bodies are empty, their hashes chain. */
export async function insertRows(
  db: D1Database,
  { workspace, history, from, to }: { workspace: string; history: string; from: number; to: number },
): Promise<void> {
  for (let first = from; first <= to; first += PER_STATEMENT) {
    const rows = Array.from({ length: Math.min(PER_STATEMENT, to - first + 1) }, (_, i) => ({
      idx: first + i,
      previous: digestAt(history, first + i - 1),
      hash: digestAt(history, first + i),
    }));
    await db
      .prepare(
        `INSERT INTO ledger (workspace, idx, body, previous, hash)
         SELECT ?1, value ->> 'idx', '{}', value ->> 'previous', value ->> 'hash' FROM json_each(?2) ORDER BY key`,
      )
      .bind(workspace, JSON.stringify(rows))
      .run();
  }
}

/** What somebody with the whole database in hand can do. */
export async function withoutTriggers(db: D1Database, work: () => Promise<unknown>): Promise<void> {
  const { results } = await db
    .prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'ledger'")
    .all<{ name: string; sql: string }>();
  await db.batch(results.map(({ name }) => db.prepare(`DROP TRIGGER ${name}`)));
  await work();
  await db.batch(results.map(({ sql }) => db.prepare(sql)));
}
