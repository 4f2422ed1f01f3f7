/**
 * Everything that left the host or that the edge kept, as bytes under a name. A database is read twice: its file as it lies
 * on the disk, journal included, and each value of each table, which no page boundary cuts.
 */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";

export interface Sink {
  readonly name: string;
  /** What it is one of, for the table. */
  readonly kind: string;
  readonly bytes: Buffer;
}

/** Where the host keeps versions, names and keys of its own gateway, for itself. */
const HOSTS_OWN = path.join("host", "gateway");

export function sinksOf(dataDir: string): readonly Sink[] {
  const files = filesBelow(dataDir).filter((file) => !path.relative(dataDir, file).startsWith(HOSTS_OWN));
  return files.flatMap((file) => {
    const name = path.relative(dataDir, file);
    const kind = kindOf(name);
    const sinks: Sink[] = [{ name, kind, bytes: readFileSync(file) }];
    if (name.endsWith(".sqlite")) sinks.push({ name: `${name} (values)`, kind, bytes: valuesOf(file) });
    return sinks;
  });
}

function kindOf(name: string): string {
  if (name.startsWith("d1")) return "D1";
  if (name.startsWith("do")) return "Durable Objects";
  if (name.includes("edge.log")) return "edge log";
  if (name.includes("agent.log")) return "agent log";
  return "other files";
}

export function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => path.join(directory, name))
    .filter((file) => existsSync(file) && statSync(file).isFile());
}

/** From a copy: the original may be open elsewhere. */
function valuesOf(file: string): Buffer {
  const place = mkdtempSync(path.join(tmpdir(), "canary-copy-"));
  try {
    for (const end of ["", "-wal", "-shm"])
      if (existsSync(file + end)) cpSync(file + end, path.join(place, `copy${end}`));
    const database = new DatabaseSync(path.join(place, "copy"));
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    const values = tables.flatMap(({ name }) => {
      const all = database.prepare(`SELECT * FROM "${String(name)}"`);
      all.setReadBigInts(true);
      const cells = all.all().flatMap((row) => Object.values(row));
      return cells.map((value) => (value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value))));
    });
    database.close();
    return Buffer.concat(values.flatMap((value) => [value, Buffer.from("\n")]));
  } finally {
    rmSync(place, { recursive: true });
  }
}
