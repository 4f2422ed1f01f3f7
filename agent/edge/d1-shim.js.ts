/**
 * The source of the Worker that answers workerd's built-in D1 binding: one SQLite Durable Object that speaks the
 * binding's HTTP protocol (POST of one {sql, params} or a list; a list is one transaction). Kept as text because it
 * runs in workerd, never here; its only callers are the binding and the private socket that applies migrations.
 * BLOBs travel as arrays of bytes in both directions, as they do from Cloudflare's D1.
 */
export const D1_SHIM_SOURCE = `import { DurableObject } from "cloudflare:workers";

const FORMATS = ["ARRAY_OF_OBJECTS", "ROWS_AND_COLUMNS", "NONE"];
const READING = /^select /i;

const parameter = (value) => (Array.isArray(value) ? new Uint8Array(value).buffer : value);
const cell = (value) => (value instanceof ArrayBuffer ? Array.from(new Uint8Array(value)) : value);
const failure = (error) => Response.json({ success: false, error: error instanceof Error ? error.message : String(error) });

export class D1 extends DurableObject {
  // What the database last said of itself; asked again after a statement that wrote, which most do not.
  #known;

  async fetch(request) {
    const format = /[?&]resultsFormat=([^&]*)/.exec(request.url)?.[1] ?? "ARRAY_OF_OBJECTS";
    if (request.method !== "POST" || !FORMATS.includes(format)) return failure("unsupported request");
    try {
      const body = await request.json();
      const queries = (Array.isArray(body) ? body : [body]).filter(({ sql }) => sql.trim() !== "");
      if (queries.length === 0) return failure("No SQL statements detected.");
      const run = () => queries.map((query) => this.#run(query, format));
      // One that only reads leaves nothing to take back: no transaction is begun and waited for.
      const isReading = queries.length === 1 && READING.test(queries[0].sql);
      return Response.json(isReading ? run() : this.ctx.storage.transactionSync(run));
    } catch (error) {
      this.#known = undefined; // what was undone was counted
      return failure(error);
    }
  }

  #run({ sql, params }, format) {
    const storage = this.ctx.storage.sql;
    const before = (this.#known ??= this.#figures());
    const cursor = storage.exec(sql, ...(params ?? []).map(parameter));
    const columns = cursor.columnNames;
    const rows = Array.from(cursor.raw(), (row) => row.map(cell));
    const after = cursor.rowsWritten === 0 ? before : (this.#known = this.#figures());
    return {
      success: true,
      results: this.#shape(format, columns, rows),
      meta: {
        served_by: "clawhold",
        served_by_primary: true,
        duration: 0,
        changes: after.changes - before.changes,
        last_row_id: after.row,
        changed_db: after.changes !== before.changes || after.row !== before.row || after.size !== before.size,
        size_after: after.size,
        rows_read: cursor.rowsRead,
        rows_written: cursor.rowsWritten,
      },
    };
  }

  #shape(format, columns, rows) {
    if (format === "NONE") return [];
    if (format === "ROWS_AND_COLUMNS") return { columns, rows };
    return rows.map((row) => Object.fromEntries(columns.map((name, index) => [name, row[index]])));
  }

  #figures() {
    const storage = this.ctx.storage.sql;
    const counted = storage.exec("SELECT total_changes() AS changes, last_insert_rowid() AS row").one();
    return { ...counted, size: storage.databaseSize };
  }
}

export default {
  fetch: (request, env) => env.DATABASE.getByName("clawhold").fetch(request),
};
`;
