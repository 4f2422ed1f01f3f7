import { beforeEach, describe, expect, it } from "vitest";
import { openDatabase } from "../../durable-objects/db/database.ts";
import { TrustLog, TrustLogDamaged } from "../../durable-objects/db/trust-log.ts";
import { found } from "../worker/client.ts";
import { env } from "../worker/environment.ts";

const make = () => new TrustLog(openDatabase(env.DB));

/** What a holder of the database can do: the triggers stop accidents only. */
async function empty(): Promise<void> {
  const { results } = await env.DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ('statements', 'workspaces')",
  ).all<{ name: string }>();
  for (const { name } of results) await env.DB.exec(`DROP TRIGGER ${name}`);
  await env.DB.batch(["statements", "workspaces", "setup"].map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
}

describe("the trust log of the workspace that is served", () => {
  beforeEach(empty);

  it("is absent before there is one, and found once there is", async () => {
    const log = make();
    expect(await log.currentServed()).toBeUndefined();
    const { workspace } = await found();
    expect((await log.currentServed())?.head).toMatchObject({ n: 0, hash: workspace });
    expect(await log.currentServed()).toBe(await log.current(workspace));
  });

  it("is believed from no memory when the database lost it or holds another one", async () => {
    const log = make();
    const first = await found();
    expect((await log.currentServed())?.workspace).toBe(first.workspace);
    await empty();
    expect(await log.currentServed()).toBeUndefined();
    const second = await found();
    expect(second.workspace).not.toBe(first.workspace);
    expect((await log.currentServed())?.workspace).toBe(second.workspace);
  });

  it("is refused when its root is not the one that names it", async () => {
    const log = make();
    const { workspace } = await found();
    await log.currentServed();
    await empty();
    const other = await found();
    await env.DB.prepare("UPDATE statements SET workspace = ?1").bind(workspace).run();
    await env.DB.prepare("UPDATE workspaces SET workspace = ?1").bind(workspace).run();
    expect(other.workspace).not.toBe(workspace);
    await expect(log.currentServed()).rejects.toBeInstanceOf(TrustLogDamaged);
  });

  it("answers requests that ask at the same time alike", async () => {
    const log = make();
    const { workspace } = await found();
    const states = await Promise.all([log.currentServed(), log.current(workspace), log.currentServed()]);
    expect(states.map((state) => state?.head.hash)).toEqual([workspace, workspace, workspace]);
  });
});
