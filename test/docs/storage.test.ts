/** docs/STORAGE.md against the migrations, the objects' own tables, and the places the code writes to. */
import { describe, expect, it } from "vitest";
import { codeSpans, column, tableUnder, tables } from "./markdown.ts";
import { filesBelow, read } from "./source.ts";

const storage = read("docs/STORAGE.md");

/** Table name to its columns, from `CREATE TABLE` statements in order; columns that came or went later are counted. */
function tablesOf(sql: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const [, name = "", body = ""] of sql.matchAll(
    /CREATE TABLE (?:IF NOT EXISTS )?([a-z_]+) \(([\s\S]*?)\)(?: WITHOUT ROWID)?(?: STRICT)?;/g,
  )) {
    const lines = body.replaceAll(/--[^\n]*/g, "").replaceAll(/\([^)]*\)/g, "");
    const columns = lines.split(",").map((line) => line.trim().split(/\s+/)[0] ?? "");
    found.set(
      name,
      columns.filter((word) => /^[a-z_]+$/.test(word)),
    );
  }
  for (const [, name = "", added = ""] of sql.matchAll(/ALTER TABLE ([a-z_]+) ADD COLUMN ([a-z_]+)/g)) {
    found.get(name)?.push(added);
  }
  for (const [, name = "", dropped = ""] of sql.matchAll(/ALTER TABLE ([a-z_]+) DROP COLUMN ([a-z_]+)/g)) {
    found.set(name, found.get(name)?.filter((column) => column !== dropped) ?? []);
  }
  return found;
}

const migrations = filesBelow("migrations", ".sql").map(read).join("\n");
const inMigrations = tablesOf(migrations);

function columnsUnder(heading: string): readonly string[] {
  return column(tableUnder(storage, heading), "column").flatMap((cell) => cell.split(", "));
}

describe("the database", () => {
  it("is read from the migrations", () => {
    expect(inMigrations.size).toBeGreaterThan(8);
    expect([...inMigrations.values()].every((columns) => columns.length >= 2)).toBe(true);
  });

  it("has exactly the tables that the document describes", () => {
    const described = tables(storage).filter(({ header }) => header[0] === "column");
    expect(described.map(({ heading }) => heading).toSorted()).toEqual([...inMigrations.keys()].toSorted());
  });

  it.each([...inMigrations])("%s has exactly the columns that the document describes", (name, columns) => {
    expect(columnsUnder(name).toSorted()).toEqual(columns.toSorted());
  });

  it("has no column that could hold a secret of the user", () => {
    const all = [...inMigrations.values()].flat();
    expect(all.filter((name) => /password|secret|token|api_?key|message|config/.test(name))).toEqual([]);
  });

  it("is called append-only where triggers make it so, and nowhere else", () => {
    // A later migration may replace a trigger.
    const deletes = migrations.matchAll(/CREATE TRIGGER [a-z_]+ BEFORE DELETE ON ([a-z_]+)/g);
    const guarded = [...new Set([...deletes].map((match) => match[1] ?? ""))];
    const text = (name: string): string => storage.slice(storage.indexOf(`### ${name}\n`) + 4).split("\n### ")[0] ?? "";
    const said = [...inMigrations.keys()].filter(
      (name) => text(name).split("\n| column")[0]?.includes("Append-only") === true,
    );
    expect(said.toSorted()).toEqual(guarded.toSorted());
  });
});

describe("Durable Objects", () => {
  it("are the classes of the Worker's configuration", () => {
    const classes = [...read("wrangler.toml").matchAll(/class_name = "([A-Za-z]+)"/g)].map((match) => match[1] ?? "");
    expect(column(tableUnder(storage, "Durable Objects"), "object").toSorted()).toEqual(classes.toSorted());
  });

  it("have no table that the document leaves out", () => {
    const sources = filesBelow("durable-objects", ".ts").map(read).join("\n");
    const kept = [...sources.matchAll(/CREATE TABLE IF NOT EXISTS ([a-z_]+)/g)].map((match) => match[1] ?? "");
    const text = storage.slice(storage.indexOf("## Durable Objects"), storage.indexOf("## The browser"));
    expect(kept.length).toBeGreaterThan(5);
    expect(kept.filter((name) => !codeSpans(text).includes(name))).toEqual([]);
  });
});

describe("files", () => {
  const dataPaths = column(tableUnder(storage, "The data directory"), "path");
  const statePaths = column(tableUnder(storage, "The agent's state directory"), "path").flatMap((cell) =>
    cell.split(", "),
  );

  it("every directory of the data directory is described", () => {
    const [, list = ""] = /const SUBDIRECTORIES = \[([^\]]*)\]/.exec(read("agent/edge/data-directory.ts")) ?? [];
    const names = [...list.matchAll(/"([a-z0-9]+)"/g)].map((match) => match[1] ?? "");
    expect(names.length).toBeGreaterThan(4);
    expect(names.filter((name) => !dataPaths.some((path) => path.startsWith(`${name}/`)))).toEqual([]);
  });

  it("every file of the state directory is described, and no other", () => {
    const source = read("agent/host/state.ts");
    const files = [...source.matchAll(/^ {4}[a-zA-Z]+: join\(path, ((?:"[^"]+"(?:, )?)+)\)/gm)].map((match) =>
      [...(match[1] ?? "").matchAll(/"([^"]+)"/g)].map((part) => part[1] ?? "").join("/"),
    );
    expect(files.length).toBeGreaterThan(5);
    const described = statePaths.filter((path) => path !== "lock" && !/^(gateway|posture)\//.test(path));
    expect(described.toSorted()).toEqual(files.filter((path) => path !== "gateway" && path !== "posture").toSorted());
  });

  it("every file of the posture directory that scans write is described", () => {
    const source = read("agent/host/posture/store.ts");
    const files = [...source.matchAll(/join\(directory, "([^"]+)"\)/g)].map((match) => `posture/${match[1] ?? ""}`);
    expect(files.length).toBeGreaterThan(3);
    expect(files.filter((path) => !statePaths.includes(path))).toEqual([]);
  });

  it("the devices' files carry the names that the code gives them", () => {
    const source = read("agent/host/gateway/device.ts");
    const kinds = [...(/type DeviceKind = ([^;]+);/.exec(source)?.[1] ?? "").matchAll(/"([a-z]+)"/g)];
    const names = [...source.matchAll(/`(gateway-\$\{kind\}\.[a-z]+\.json)`/g)].map((match) => match[1] ?? "");
    const wanted = kinds.flatMap(([, kind = ""]) => names.map((name) => `gateway/${name.replace("${kind}", kind)}`));
    expect(wanted.length).toBeGreaterThan(5);
    const described = statePaths.filter((path) => path.startsWith("gateway/gateway-"));
    expect(described.toSorted()).toEqual(wanted.toSorted());
  });

  it("what is kept of a gateway beside them is described, and nothing else", () => {
    const sources = filesBelow("agent/host/gateway", ".ts").map(read);
    const kept = sources.flatMap((source) =>
      [
        ...source.matchAll(
          /(?:join\([^()]*, |const [A-Z_]*FILE = )(?:"([a-z-]+\.(?:json|key))"|`([a-z-]+)\$\{[^`]*\}\.json`)/g,
        ),
      ].map(([, name, numbered]) => `gateway/${name ?? `${numbered ?? ""}<number>.json`}`),
    );
    const described = statePaths.filter((path) => path.startsWith("gateway/") && !path.startsWith("gateway/gateway-"));
    const files = described.filter((path) => !path.endsWith("/"));
    expect(files.toSorted()).toEqual([...new Set(kept)].filter((path) => path !== "gateway/openclaw.json").toSorted());
  });
});

describe("the browser", () => {
  it("keeps only what the document says", () => {
    const stores = filesBelow("web", ".ts").filter((path) =>
      /\b(localStorage|sessionStorage|indexedDB)\b/.test(read(path)),
    );
    expect(stores).toEqual(["web/client/vault.ts", "web/state/theme.ts"]);
    const contents = /interface Contents \{([\s\S]*?)\n\}/.exec(read("web/client/vault.ts"))?.[1] ?? "";
    expect([...contents.matchAll(/^ {2}readonly ([a-zA-Z]+):/gm)].map((match) => match[1])).toEqual([
      "workspace",
      "session",
      "trustHead",
      "sessionSeconds",
      "ledger",
      "checkpoint",
      "enrolment",
    ]);
  });
});
