/** What was not signed stays where it is, and what is where it belongs cannot be moved by accident. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { nonceOf } from "../../fixtures/keys.ts";
import { env } from "../../worker/environment.ts";
import { withoutTriggers } from "../ledger-rows.ts";
import { DUE, Log } from "./log.ts";

describe("what was not signed", () => {
  const bend = async (log: Log, sql: string): Promise<void> =>
    withoutTriggers(env.DB, () => env.DB.prepare(sql).bind(log.workspace).run());

  it.each([
    [
      "a changed body",
      "UPDATE ledger SET body = replace(body, 'session.ended', 'session.started') WHERE workspace = ? AND idx = 41",
    ],
    ["a changed hash", "UPDATE ledger SET hash = previous WHERE workspace = ? AND idx = 41"],
    ["a missing row", "DELETE FROM ledger WHERE workspace = ? AND idx = 41"],
    ["a row that is no JSON", "UPDATE ledger SET body = '{' WHERE workspace = ? AND idx = 41"],
  ])("%s stays in the open table, and is an alert", async (name, sql) => {
    const log = new Log(`bent ${name}`);
    await log.write(DUE);
    await log.look();
    await bend(log, sql);
    const open = await log.open("ledger");
    await runDurableObjectAlarm(log.segment(1));
    expect((await log.segments.find(1))?.movedAt).toBeNull();
    expect(await log.open("ledger")).toBe(open);
    expect(await log.stage(1)).toBe("copying");
    expect(await log.alerts()).toMatchObject([{ kind: "ledger.rewritten", state: "open" }]);
  });

  it("is taken when somebody has put it right, and the alert goes by itself", async () => {
    const log = new Log("put right");
    await log.write(DUE);
    const before = await log.all();
    await log.look();
    await bend(log, "UPDATE ledger SET body = body || ' ' WHERE workspace = ? AND idx = 99");
    await runDurableObjectAlarm(log.segment(1));
    expect(await log.stage(1)).toBe("copying");
    await bend(log, "UPDATE ledger SET body = rtrim(body) WHERE workspace = ? AND idx = 99");
    await log.finish(1);
    expect(await log.stage(1)).toBe("done");
    expect((await log.all()).slice(0, DUE)).toEqual(before);
    expect(await log.alerts()).toMatchObject([{ kind: "ledger.rewritten", state: "resolved" }]);
  });

  it("a whole history that chains, but is not the one that was signed, stays too", async () => {
    const log = new Log("other tree");
    await log.write(DUE);
    const other = await log.stub.checkpoint(log.workspace);
    if (!other.ok) throw new Error("not signed");
    await log.look();
    await runInDurableObject(log.segment(1), (_, { storage }) => {
      const [row] = storage.sql.exec<{ task: string }>("SELECT task FROM segment").toArray();
      const task = JSON.parse(row?.task ?? "") as { signed: { root: string } };
      storage.sql.exec(
        "UPDATE segment SET task = ?",
        JSON.stringify({ ...task, signed: { ...task.signed, root: nonceOf("other root") } }),
      );
    });
    await runDurableObjectAlarm(log.segment(1));
    expect((await log.segments.find(1))?.movedAt).toBeNull();
    expect(await log.alerts()).toMatchObject([{ kind: "ledger.rewritten" }]);
  });
});

describe("dropping", () => {
  it("is not for a segment whose rows are still being taken", async () => {
    const log = new Log("too early");
    await log.write(DUE);
    await log.look();
    const refused = await runInDurableObject(log.segment(1), (segment) => segment.drop().then(() => "dropped", String));
    expect(refused).toContain("not moved yet");
    await log.finish(1);
    expect((await log.segments.find(1))?.droppedAt).toBeNull();
    expect((await log.all())[0]?.index).toBe(1);
  });
});

describe("the triggers", () => {
  const run = (sql: string, log: Log): Promise<unknown> => env.DB.prepare(sql).bind(log.workspace).run();

  it("let no row go that no segment has, and no receipt before its entry's segment has it", async () => {
    const log = new Log("triggers");
    await log.write(DUE);
    await log.look();
    await expect(run("DELETE FROM ledger WHERE workspace = ? AND idx = 1", log)).rejects.toThrow("ledger_append_only");
    await expect(run("DELETE FROM receipts WHERE workspace = ?", log)).rejects.toThrow("receipts_append_only");
    await log.finish(1);
    await expect(run("DELETE FROM ledger WHERE workspace = ? AND idx = 101", log)).rejects.toThrow(
      "ledger_append_only",
    );
    await expect(run("DELETE FROM receipts WHERE workspace = ?", log)).rejects.toThrow("receipts_append_only");
  });

  it("let no segment be changed, reordered, undone or dropped before it was exported", async () => {
    const log = new Log("segment triggers");
    await log.sealed();
    for (const sql of [
      "DELETE FROM ledger_segments WHERE workspace = ?",
      "UPDATE ledger_segments SET hash = 'x' WHERE workspace = ?",
      "UPDATE ledger_segments SET last = 90 WHERE workspace = ?",
      "UPDATE ledger_segments SET moved_at = NULL WHERE workspace = ?",
      "UPDATE ledger_segments SET dropped_at = 1 WHERE workspace = ?",
    ])
      await expect(run(sql, log)).rejects.toThrow("ledger_segments_append_only");
    for (const values of ["3, 101, 200", "2, 102, 200", "2, 100, 200", "1, 1, 100"])
      await expect(
        run(
          `INSERT OR REPLACE INTO ledger_segments (workspace, n, first, last, hash, newest, sealed_at)
           SELECT workspace, ${values}, hash, 1, 1 FROM ledger WHERE workspace = ? AND idx = 200`,
          log,
        ),
      ).rejects.toThrow("ledger_segments_order");
    await log.segments.setExported(1, nonceOf("file"));
    await log.segments.setExported(1, nonceOf("file again"));
    await log.segments.setDropped(1, 5);
    for (const sql of [
      "UPDATE ledger_segments SET dropped_at = NULL WHERE workspace = ?",
      "UPDATE ledger_segments SET exported = 'x' WHERE workspace = ?",
    ])
      await expect(run(sql, log)).rejects.toThrow("ledger_segments_append_only");
  });
});
