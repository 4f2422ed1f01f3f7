import { describe, expect, it } from "vitest";
import { getTableConfig, SQLiteTable } from "drizzle-orm/sqlite-core";
import * as schema from "../../migrations/schema.ts";
import { env } from "../worker/environment.ts";

interface Column {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  readonly pk: number;
}

const exported: readonly unknown[] = Object.values(schema);
const tables = exported.filter((value) => value instanceof SQLiteTable);

async function query<T>(sql: string): Promise<readonly T[]> {
  return (await env.DB.prepare(sql).all<T>()).results;
}

describe("the typed schema", () => {
  it("names exactly the tables that the migrations make", async () => {
    const made = await query<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '_cf_*' AND name <> 'd1_migrations'",
    );
    expect(made.map(({ name }) => name).toSorted()).toEqual(
      tables.map((table) => getTableConfig(table).name).toSorted(),
    );
  });

  it.each(tables.map((table) => [getTableConfig(table).name, table] as const))(
    "agrees with %s in columns, types, nullability and keys",
    async (name, table) => {
      const config = getTableConfig(table);
      const composite = config.primaryKeys.flatMap(({ columns }) => columns.map((column) => column.name));
      const described = config.columns.map((column) => ({
        name: column.name,
        type: column.getSQLType().toUpperCase(),
        notnull: column.notNull ? 1 : 0,
        pk: column.primary ? 1 : composite.indexOf(column.name) + 1,
      }));
      const actual = (await query<Column>(`PRAGMA table_info("${name}")`)).map(
        ({ name: column, type, notnull, pk }) => ({ name: column, type, notnull, pk }),
      );
      expect(described).toEqual(actual);
    },
  );

  it.each(tables.map((table) => [getTableConfig(table).name, table] as const))(
    "agrees with the indexes of %s",
    async (name, table) => {
      const described = getTableConfig(table).indexes.map(({ config }) => ({
        name: config.name,
        unique: config.unique ? 1 : 0,
        partial: config.where === undefined ? 0 : 1,
      }));
      const actual = (
        await query<{ name: string; unique: number; origin: string; partial: number }>(`PRAGMA index_list("${name}")`)
      )
        .filter(({ origin }) => origin === "c")
        .map(({ name: index, unique, partial }) => ({ name: index, unique, partial }));
      expect(described).toEqual(actual);
    },
  );

  it("gives every row its workspace, and no column a password", async () => {
    for (const table of tables) {
      const columns = getTableConfig(table).columns.map(({ name }) => name);
      expect(columns).toContain("workspace");
      expect(columns.filter((name) => /password|secret|provider|message/.test(name))).toEqual([]);
    }
  });
});
