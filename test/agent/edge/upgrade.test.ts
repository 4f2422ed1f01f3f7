import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { restoreBackup } from "../../../agent/edge/backup/restore.ts";
import { openDataDirectory } from "../../../agent/edge/data-directory.ts";
import type { EdgeError } from "../../../agent/shared/edge-error.ts";
import { upgradeData, type Layout } from "../../../agent/edge/upgrade.ts";
import { makeDirectory, startTestEdge, type TestEdge } from "./fixtures/harness.ts";

let directory: ReturnType<typeof makeDirectory>;
beforeEach(() => {
  directory = makeDirectory();
});
afterEach(() => directory.remove());

const folder = resolve(import.meta.dirname, "../../../migrations");
const migrations = readdirSync(folder)
  .filter((name) => name.endsWith(".sql"))
  .toSorted()
  .map((name) => ({ name, sql: readFileSync(join(folder, name), "utf8") }));
/** What the version before this one knew. */
const earlier = migrations.slice(0, -1);

async function during<Value>(edge: TestEdge, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } finally {
    await edge.stop();
  }
}

const rootsIn = async (edge: TestEdge): Promise<unknown> =>
  edge.edge.admin("/api/sql", [{ sql: "SELECT workspace FROM workspaces" }]);

describe("an upgrade", () => {
  it("keeps what was there, and there is a way back to it", async () => {
    const dataDir = join(directory.path, "data");
    const sql = "INSERT INTO workspaces (workspace, created_at) VALUES ('w', 1)";
    const first = await startTestEdge({ dataDir, migrations: earlier, version: "1.0.0" });
    await during(first, () => first.edge.admin("/api/sql", [{ sql }]));
    expect(existsSync(join(dataDir, "backups"))).toBe(false);

    const second = await startTestEdge({ dataDir, migrations, version: "2.0.0" });
    await during(second, async () => {
      expect(await rootsIn(second)).toMatchObject([{ results: [{ workspace: "w" }] }]);
      expect(second.events.map(({ code }) => code)).toEqual(
        expect.arrayContaining(["upgrade_backup", "database_migrated"]),
      );
    });
    const [name = ""] = readdirSync(join(dataDir, "backups"));
    expect(name).toMatch(/^before-2\.0\.0-\d{8}T\d{9}Z$/);

    const refused: unknown = await startTestEdge({ dataDir, migrations: earlier }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "data_newer" });
    const backup = join(dataDir, "backups", name);
    expect((refused as EdgeError).message).toContain(`clawhold up restore ${backup} --data <new directory>`);

    const back = join(directory.path, "back");
    restoreBackup({ backup, dataDirectory: back, migrations: earlier.map((one) => one.name) });
    const third = await startTestEdge({ dataDir: back, migrations: earlier, version: "1.0.0" });
    await during(third, async () => expect(await rootsIn(third)).toMatchObject([{ results: [{ workspace: "w" }] }]));
    const forward = await startTestEdge({ dataDir: back, migrations, version: "2.0.1" });
    await during(forward, async () =>
      expect(await rootsIn(forward)).toMatchObject([{ results: [{ workspace: "w" }] }]),
    );
  });

  it("makes no backup where nothing changes", async () => {
    const dataDir = join(directory.path, "data");
    for (let start = 0; start < 2; start += 1) {
      const edge = await startTestEdge({ dataDir, migrations });
      await edge.stop();
    }
    expect(existsSync(join(dataDir, "backups"))).toBe(false);
  });

  it("refuses a backup of a newer version than can be run", async () => {
    const dataDir = join(directory.path, "data");
    await (await startTestEdge({ dataDir, migrations: earlier })).stop();
    await (await startTestEdge({ dataDir, migrations })).stop();
    const [name = ""] = readdirSync(join(dataDir, "backups"));
    const restore = (): unknown =>
      restoreBackup({
        backup: join(dataDir, "backups", name),
        dataDirectory: join(directory.path, "older"),
        migrations: earlier.slice(0, -1).map((one) => one.name),
      });
    expect(restore).toThrow(expect.objectContaining({ code: "data_newer" }));
    expect(existsSync(join(directory.path, "older"))).toBe(false);
  });
});

describe("a step of the layout", () => {
  const now = (): Date => new Date();
  const run = async (layout: Layout): Promise<readonly string[]> => {
    const data = openDataDirectory(join(directory.path, "data"), now);
    const codes: string[] = [];
    try {
      await upgradeData({ data, migrations: [], version: "9.9.9", now, log: ({ code }) => codes.push(code), layout });
      return codes;
    } finally {
      data.close();
    }
  };

  it("is taken once, after one backup, and again when it was cut short", async () => {
    const taken: string[] = [];
    const file = join(directory.path, "data", "version");
    openDataDirectory(join(directory.path, "data"), now).close();
    const crashing: Layout = {
      version: 2,
      upgrades: {
        1: () => {
          throw new Error("power cut");
        },
      },
    };
    await expect(run(crashing)).rejects.toThrow("power cut");
    expect(readFileSync(file, "utf8")).toBe("1\n");
    const backups = (): readonly string[] => readdirSync(join(directory.path, "data", "backups"));
    const before = backups();
    await expect(run(crashing)).rejects.toThrow("power cut");
    // What a half-done step left must not push out the backup of what was there before it.
    expect(await run({ version: 2, upgrades: { 1: (path) => taken.push(path) } })).toEqual([]);
    expect(backups()).toEqual(before);
    expect(readFileSync(file, "utf8")).toBe("2\n");
    expect(taken).toHaveLength(1);
    // This program knows version 1 only.
    await expect(run({ version: 2, upgrades: {} })).rejects.toMatchObject({
      code: "data_newer",
      message: expect.stringContaining("clawhold up restore"),
    });
  });

  it("leaves two backups at most, and no half one", async () => {
    const path = join(directory.path, "data");
    openDataDirectory(path, now).close();
    for (let step = 0; step < 4; step += 1) {
      writeFileSync(join(path, "version"), "1\n");
      const data = openDataDirectory(path, now);
      const at = new Date(Date.UTC(2026, 0, step + 1));
      const layout: Layout = { version: 2, upgrades: { 1: () => undefined } };
      await upgradeData({ data, migrations: [], version: "1", now: () => at, log: () => undefined, layout });
      await upgradeData({
        data: { path, version: 2 },
        migrations: [],
        version: "1",
        now,
        log: () => undefined,
        layout,
      });
      data.close();
    }
    expect(readdirSync(join(path, "backups")).toSorted()).toEqual([
      "before-1-20260103T000000000Z",
      "before-1-20260104T000000000Z",
    ]);
  });
});
