/** The D1 database and its migrations. Each migration and the note that it was applied are one transaction. */
import type { Context, Step } from "../change.ts";
import type { Migration } from "../bundle.ts";

/** The table that wrangler keeps too, so that both agree on what was applied. */
const TRACKED =
  "CREATE TABLE IF NOT EXISTS d1_migrations(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL);";

export const database: Step = {
  name: "Database",
  look: async (context) => {
    await find(context);
    const { wanted, found, api } = context;
    const { account } = wanted.config;
    const { database: name } = wanted.names;
    if (found.databaseId !== undefined) return [];
    return [
      {
        kind: "create",
        what: `D1 database ${name}`,
        apply: async () => {
          const made = await api.write("D1", `make the database ${name}`, (client) =>
            client.d1.database.create({ account_id: account, name }),
          );
          found.databaseId = made.uuid;
        },
      },
    ];
  },
  remains: async (context) => {
    await find(context);
    const { wanted, found, api } = context;
    const { databaseId } = found;
    if (databaseId === undefined) return [];
    const what = `D1 database ${wanted.names.database}, with everything in it`;
    const { account } = wanted.config;
    return [
      {
        kind: "remove",
        what,
        apply: async () => {
          await api.write("D1", `remove the ${what}`, (client) =>
            client.d1.database.delete(databaseId, { account_id: account }),
          );
        },
      },
    ];
  },
};

export const migrations: Step = {
  name: "Migrations",
  look: async (context) => {
    const applied = context.found.databaseId === undefined ? new Set<unknown>() : await readApplied(context);
    return context.bundle.migrations
      .filter(({ name }) => !applied.has(name))
      .map((migration) => ({
        kind: "create" as const,
        what: `migration ${migration.name}`,
        apply: () => apply(context, migration),
      }));
  },
  remains: () => Promise.resolve([]),
};

async function find({ api, wanted, found }: Context): Promise<void> {
  const { account } = wanted.config;
  const { database: name } = wanted.names;
  const known = await api.list("D1", "list the databases", (client) =>
    client.d1.database.list({ account_id: account, name }),
  );
  found.databaseId = known.find((one) => one.name === name)?.uuid;
}

async function readApplied(context: Context): Promise<ReadonlySet<unknown>> {
  const has = await rows(context, "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'd1_migrations'");
  if (has.length === 0) return new Set();
  return new Set((await rows(context, "SELECT name FROM d1_migrations")).map(({ name }) => name));
}

async function apply(context: Context, { name, sql }: Migration): Promise<void> {
  // The name is one of our own files', of letters, digits and lines below: it can end no string.
  await execute(context, `${TRACKED}\n${sql}\n;INSERT INTO d1_migrations (name) VALUES ('${name}');`);
}

/** Answers of a statement that only reads. */
export async function rows(context: Context, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { api, wanted, found } = context;
  const id = idOf(found.databaseId);
  const answers = await api.list("D1", "read the database", (client) =>
    client.d1.database.query(id, { account_id: wanted.config.account, sql }),
  );
  return answers.flatMap(({ results }) => (results ?? []) as Readonly<Record<string, unknown>>[]);
}

/** Statements that write: sent once. */
export async function execute(context: Context, sql: string): Promise<void> {
  const { api, wanted, found } = context;
  const id = idOf(found.databaseId);
  await api.write("D1", "write to the database", (client) =>
    client.d1.database.query(id, { account_id: wanted.config.account, sql }),
  );
}

function idOf(id: string | undefined): string {
  if (id === undefined) throw new TypeError("the database is made before it is asked");
  return id;
}
