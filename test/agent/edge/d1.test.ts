import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunSql } from "../../../agent/edge/d1.ts";
import { applyMigrations, openSql } from "../../../agent/edge/d1.ts";
import type { TestEdge } from "./fixtures/harness.ts";
import { startTestEdge } from "./fixtures/harness.ts";

const MIGRATIONS = [
  {
    name: "0001_start.sql",
    sql: `CREATE TABLE entries (id INTEGER PRIMARY KEY, body BLOB, note TEXT);
--> statement-breakpoint
CREATE TRIGGER keep BEFORE UPDATE ON entries BEGIN
  SELECT RAISE(ABORT, 'append only; really');
END;
`,
  },
  { name: "0002_more.sql", sql: "ALTER TABLE entries ADD COLUMN extra INTEGER DEFAULT 7; -- the end" },
];

let running: TestEdge;
let run: RunSql;
beforeAll(async () => {
  running = await startTestEdge({ migrations: MIGRATIONS });
  run = openSql(join(running.edge.dataDirectory.runDirectory, "d1.sock"));
});
afterAll(() => running.stop());

interface Ran {
  readonly results: unknown;
  readonly meta: unknown;
}

/** Through the Worker's own binding, as a batch. */
async function ran(...statements: readonly object[]): Promise<readonly Ran[]> {
  const answer = await running.edge.admin("/api/sql", statements);
  if (!Array.isArray(answer)) throw new Error(`the batch failed: ${JSON.stringify(answer)}`);
  return answer as readonly Ran[];
}

/** What the binding says of a batch that fails. */
async function failureOf(...statements: readonly object[]): Promise<unknown> {
  return ((await running.edge.admin("/api/sql", statements)) as { readonly error?: unknown }).error;
}

describe("migrations", () => {
  it("were applied once, in order, and recorded as wrangler does", async () => {
    const [rows = []] = await run([{ sql: "SELECT id, name, applied_at FROM d1_migrations ORDER BY id" }]);
    expect(rows).toEqual([
      { id: 1, name: "0001_start.sql", applied_at: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/) },
      { id: 2, name: "0002_more.sql", applied_at: expect.any(String) },
    ]);
    expect(await applyMigrations(run, MIGRATIONS)).toEqual([]);
  });

  it("leave nothing behind when one fails, and say which", async () => {
    const broken = { name: "0003_broken.sql", sql: "CREATE TABLE half (id INTEGER); INSERT INTO nowhere VALUES (1);" };
    await expect(applyMigrations(run, [...MIGRATIONS, broken])).rejects.toMatchObject({
      code: "migration_failed",
      message: expect.stringContaining("0003_broken.sql: no such table: nowhere"),
    });
    expect(await run([{ sql: "SELECT name FROM sqlite_schema WHERE name = 'half'" }])).toEqual([[]]);
    const fixed = { name: "0003_broken.sql", sql: "CREATE TABLE whole (id INTEGER);" };
    expect(await applyMigrations(run, [...MIGRATIONS, fixed])).toEqual(["0003_broken.sql"]);
  });

  it("refuse a name that could end the statement", async () => {
    await expect(
      applyMigrations(run, [...MIGRATIONS, { name: "0003_broken.sql", sql: "" }, { name: "4');--", sql: "" }]),
    ).rejects.toThrow(TypeError);
  });

  it("refuse a database that a newer program changed", async () => {
    await expect(applyMigrations(run, MIGRATIONS)).rejects.toMatchObject({
      code: "data_newer",
      message: expect.stringContaining("0003_broken.sql"),
    });
  });
});

describe("the database binding", () => {
  it("rolls a batch back whole", async () => {
    const error = await failureOf(
      { sql: "INSERT INTO entries (id) VALUES (100)" },
      { sql: "INSERT INTO entries (id) VALUES (100)" },
    );
    expect(error).toMatch(/^D1_ERROR: .*UNIQUE constraint failed: entries\.id/);
    const [counted] = await ran({ sql: "SELECT count(*) AS n FROM entries WHERE id = 100" });
    expect(counted?.results).toEqual([{ n: 0 }]);
  });

  it("gives a BLOB back as an array of bytes, and other values as they are", async () => {
    const [, read] = await ran(
      { sql: "INSERT INTO entries (id, body, note) VALUES (?, ?, ?)", params: [1, [0, 127, 255], null] },
      { sql: "SELECT id, body, note, extra FROM entries WHERE id = ?1", params: [1] },
    );
    expect(read?.results).toEqual([{ id: 1, body: [0, 127, 255], note: null, extra: 7 }]);
    expect(read?.meta).toMatchObject({ changes: 0 });
  });

  it("counts changes", async () => {
    const [written] = await ran({ sql: "INSERT INTO entries (id) VALUES (2), (3)" });
    expect(written?.meta).toMatchObject({ changes: 2, last_row_id: 3, changed_db: true });
  });

  it("obeys triggers and names them", async () => {
    await ran({ sql: "INSERT INTO entries (id) VALUES (9)" });
    const error = await failureOf({ sql: "UPDATE entries SET note = 'x' WHERE id = 9" });
    expect(error).toMatch(/^D1_ERROR: append only; really: SQLITE_CONSTRAINT/);
  });

  it.each([
    ["nothing", "", "No SQL statements detected"],
    ["a transaction of its own", "BEGIN", "D1_ERROR"],
    ["a writable schema", "PRAGMA writable_schema = 1", "D1_ERROR"],
  ])("refuses %s", async (_what, sql, message) => {
    expect(await failureOf({ sql })).toContain(message);
  });
});
