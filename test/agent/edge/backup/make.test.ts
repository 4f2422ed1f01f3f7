import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeBackup, nothingToHold, type BackupInput, type Hold } from "../../../../agent/edge/backup/make.ts";
import { decodeManifest } from "../../../../agent/edge/backup/manifest.ts";
import { makeDirectory } from "../fixtures/harness.ts";

let directory: ReturnType<typeof makeDirectory>;
beforeEach(() => {
  directory = makeDirectory();
  for (const name of ["keys", "do/clawhold-Host", "host/warden", "log", "run"])
    mkdirSync(join(directory.path, "data", name), { recursive: true });
  writeFileSync(join(directory.path, "data", "version"), "1\n");
});
afterEach(() => directory.remove());

function input(change: Partial<BackupInput> = {}): BackupInput {
  return {
    dataDirectory: join(directory.path, "data"),
    target: join(directory.path, "kept"),
    hold: nothingToHold,
    version: "1.2.3",
    now: () => new Date(0),
    ...change,
  };
}

describe("a backup", () => {
  it("holds what cannot be made again, and not what is only true of a running process", async () => {
    const put = (path: string): void => writeFileSync(join(directory.path, "data", path), path);
    const kept = ["host/warden/journal.jsonl", "keys/edge.json"];
    const left = [
      "host/lock",
      "host/status.json",
      "keys/edge.json.0a.tmp",
      "lock",
      "log/edge.log",
      "run/workerd.capnp",
      "do/clawhold-Host/a.sqlite-shm.tmp",
    ];
    for (const path of [...kept, ...left]) put(path);
    await makeBackup(input());
    const manifest = decodeManifest(readFileSync(join(directory.path, "kept", "manifest.json"), "utf8"));
    expect(manifest?.files.map(({ path }) => path)).toEqual([...kept, "version"]);
    expect(manifest?.at).toBe("1970-01-01T00:00:00.000Z");
  });

  it.each([
    ["small databases", {}],
    ["large ones", { smallBytes: 0 }],
  ])(
    "is of the moment of the hold: of %s it has what was written before, and nothing that came after",
    async (_what, size) => {
      const names = ["a", "b", "c"];
      const place = (root: string, name: string): string =>
        join(directory.path, root, "do", "clawhold-Host", `${name}.sqlite`);
      const writers = names.map((name) => {
        const writer = new DatabaseSync(place("data", name));
        writer.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (n)");
        return writer;
      });
      const write = (when: string): void => {
        for (const writer of writers) writer.prepare("INSERT INTO t VALUES (?)").run(when);
        writeFileSync(join(directory.path, "data", "host", "warden", "journal.jsonl"), when);
      };
      const hold = (): Promise<Hold> => {
        write("before");
        return Promise.resolve({
          isOver: false,
          release: () => {
            write("after");
            return Promise.resolve();
          },
        });
      };
      await makeBackup(input({ hold, ...size }));
      for (const writer of writers) writer.close();
      expect(readdirSync(join(directory.path, "kept", "do", "clawhold-Host"))).toEqual([
        "a.sqlite",
        "b.sqlite",
        "c.sqlite",
      ]);
      for (const name of names) {
        const copy = new DatabaseSync(place("kept", name));
        expect(copy.prepare("SELECT n FROM t").all()).toMatchObject([{ n: "before" }]);
        copy.close();
      }
      expect(readFileSync(join(directory.path, "kept", "host", "warden", "journal.jsonl"), "utf8")).toBe("before");
    },
  );

  it("is not made of a moment that did not last, and leaves nothing behind", async () => {
    const hold = (): Promise<Hold> => Promise.resolve({ isOver: true, release: () => Promise.resolve() });
    await expect(makeBackup(input({ hold }))).rejects.toMatchObject({ code: "backup_slow" });
    expect(readdirSync(directory.path)).toEqual(["data"]);
  });

  it("releases whoever it held, also when it fails", async () => {
    writeFileSync(
      join(directory.path, "data", "do", "clawhold-Host", "a.sqlite"),
      "this is no database, whatever it says",
    );
    let released = 0;
    const hold = (): Promise<Hold> =>
      Promise.resolve({
        isOver: false,
        release: () => {
          released += 1;
          return Promise.resolve();
        },
      });
    await expect(makeBackup(input({ hold, smallBytes: 0 }))).rejects.toThrow(/not a database/);
    expect(released).toBe(1);
    expect(readdirSync(directory.path)).toEqual(["data"]);
  });

  it("has nothing of a transaction that was not finished", async () => {
    const path = join(directory.path, "data", "do", "clawhold-Host", "a.sqlite");
    const writer = new DatabaseSync(path);
    writer.exec(
      "PRAGMA journal_mode = WAL; PRAGMA cache_size = 1; CREATE TABLE t (n); INSERT INTO t VALUES ('whole'); BEGIN",
    );
    // More than its memory holds, so that a part of it stands in the log already.
    for (let n = 0; n < 200; n += 1) writer.prepare("INSERT INTO t VALUES (?)").run("half".repeat(1_000));
    await makeBackup(input());
    writer.close();
    const copy = new DatabaseSync(join(directory.path, "kept", "do", "clawhold-Host", "a.sqlite"));
    expect(copy.prepare("SELECT n FROM t").all()).toMatchObject([{ n: "whole" }]);
    copy.close();
  });

  it("waits for a database that somebody opens just now", async () => {
    const path = join(directory.path, "data", "do", "clawhold-Host", "a.sqlite");
    const opening = new DatabaseSync(path);
    opening.exec("PRAGMA journal_mode = WAL; PRAGMA locking_mode = EXCLUSIVE; CREATE TABLE t (n); BEGIN EXCLUSIVE");
    let held = 0;
    const hold = (): Promise<Hold> => {
      held += 1;
      if (held === 2) opening.close();
      return nothingToHold();
    };
    expect(await makeBackup(input({ hold, smallBytes: 0 }))).toMatchObject({ files: 2 });
    expect(held).toBe(2);
  });
});
