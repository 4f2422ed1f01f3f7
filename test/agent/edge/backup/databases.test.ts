import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkDatabase, filesBelow, takeSnapshots } from "../../../../agent/edge/backup/databases.ts";
import { makeDirectory } from "../fixtures/harness.ts";

let directory: ReturnType<typeof makeDirectory>;
beforeEach(() => {
  directory = makeDirectory();
});
afterEach(() => directory.remove());

function open(name: string): DatabaseSync {
  const database = new DatabaseSync(join(directory.path, name));
  database.exec("PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS t (n INTEGER)");
  return database;
}

function countIn(path: string): unknown {
  const database = new DatabaseSync(path);
  try {
    return database.prepare("SELECT count(*) AS n FROM t").get()?.["n"];
  } finally {
    database.close();
  }
}

describe("snapshots", () => {
  it("show one moment, however long the copying takes and whoever writes meanwhile", async () => {
    const writers = [open("a.sqlite"), open("b.sqlite")];
    for (const writer of writers) writer.exec("INSERT INTO t VALUES (1)");
    const snapshots = takeSnapshots(directory.path, ["a.sqlite", "b.sqlite"]) ?? [];
    for (const writer of writers) writer.exec("INSERT INTO t VALUES (2); PRAGMA wal_checkpoint(PASSIVE)");
    for (const [index, snapshot] of snapshots.entries()) {
      const copy = join(directory.path, `copy-${index}`);
      await snapshot.copyTo(copy);
      snapshot.close();
      checkDatabase(copy);
      expect(countIn(copy)).toBe(1);
    }
    for (const writer of writers) writer.close();
    expect(countIn(join(directory.path, "a.sqlite"))).toBe(2);
  });

  it("are all or none: a database that is being opened is asked for again", () => {
    open("a.sqlite").close();
    const busy = open("b.sqlite");
    busy.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; INSERT INTO t VALUES (1)");
    expect(takeSnapshots(directory.path, ["a.sqlite", "b.sqlite"])).toBeUndefined();
    busy.close();
    const snapshots = takeSnapshots(directory.path, ["a.sqlite", "b.sqlite"]);
    expect(snapshots).toHaveLength(2);
    for (const snapshot of snapshots ?? []) snapshot.close();
  });

  it("are not begun when there are more than this program may open", () => {
    expect(() => takeSnapshots(directory.path, ["a.sqlite", "b.sqlite"], 205)).toThrow(
      expect.objectContaining({ code: "few_open_files", message: expect.stringContaining("ulimit -n 206") }),
    );
  });

  it("of a damaged database are noticed in the copy", () => {
    const database = open("a.sqlite");
    database.exec("BEGIN");
    for (let n = 0; n < 5_000; n += 1) database.exec(`INSERT INTO t VALUES (${n})`);
    database.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
    database.close();
    const path = join(directory.path, "a.sqlite");
    const bytes = readFileSync(path);
    bytes.fill(0x5a, 8_192, 8_192 + 64); // the header of a page in the middle of the table
    writeFileSync(path, bytes);
    expect(() => checkDatabase(path)).toThrow(expect.objectContaining({ code: "backup_damaged" }));
  });
});

describe("files of a data directory", () => {
  it("are regular files: a link could name anything", () => {
    mkdirSync(join(directory.path, "keys", "deep"), { recursive: true });
    writeFileSync(join(directory.path, "keys", "edge.json"), "{}");
    writeFileSync(join(directory.path, "keys", "deep", "more.json"), "{}");
    symlinkSync("/etc/passwd", join(directory.path, "keys", "link.json"));
    symlinkSync("/etc", join(directory.path, "keys", "etc"));
    expect(filesBelow(directory.path, "keys")).toEqual(["keys/deep/more.json", "keys/edge.json"]);
    expect(filesBelow(directory.path, "nothing")).toEqual([]);
  });
});
