/** A database that adds up how many rows it says were written: what is paid for on Cloudflare. */
export interface Counted {
  readonly db: D1Database;
  written: number;
}

export function counted(database: D1Database): Counted {
  const batch = async (statements: D1PreparedStatement[]): Promise<D1Result[]> => {
    const results = await database.batch(statements);
    for (const { meta } of results) count.written += meta.rows_written;
    return results;
  };
  const count: Counted = {
    written: 0,
    db: { prepare: (sql: string) => database.prepare(sql), batch } as unknown as D1Database,
  };
  return count;
}
