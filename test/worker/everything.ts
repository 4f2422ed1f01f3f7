/** All that an edge keeps of a workspace, to be compared with what it kept before. */
import { runInDurableObject } from "cloudflare:test";
import { hostOf } from "../../durable-objects/env.ts";
import { settled } from "./client.ts";
import { env } from "./environment.ts";

/** One-time values are spent by asking, and a checkpoint comes by itself; the rest of the database holds still. */
const SPENT = new Set(["nonces", "d1_migrations", "checkpoints", "ledger_tiles"]);

export async function everythingOf(workspace: string, host: string): Promise<unknown> {
  await settled();
  const { results } = await env.DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '_cf_*'",
  ).all<{ name: string }>();
  const database: Record<string, unknown> = {};
  for (const { name } of results)
    if (!SPENT.has(name)) database[name] = (await env.DB.prepare(`SELECT * FROM ${name}`).all()).results;
  return {
    database,
    sessions: await held(env.SESSIONS.getByName(workspace), [
      "SELECT session, person FROM sign_ins",
      "SELECT * FROM session_ends",
    ]),
    alerts: await held(env.ALERTS.getByName(workspace), [
      "SELECT alert, state FROM alerts",
      "SELECT channel FROM alert_targets",
    ]),
    streams: await held(env.STREAMS.getByName(workspace), [
      "SELECT stream FROM streams",
      "SELECT * FROM stream_asides",
    ]),
    limits: await held(env.LIMITS.getByName(workspace), ["SELECT * FROM networks", "SELECT network FROM bans"]),
    exports: await held(env.EXPORTS.getByName(workspace), ["SELECT * FROM exports"]),
    host: await held(hostOf(env, workspace, host), [
      "SELECT intent FROM commands",
      "SELECT intent FROM held",
      "SELECT digest FROM receipts",
      "SELECT * FROM outbox",
    ]),
  };
}

function held<T extends Rpc.DurableObjectBranded>(
  stub: DurableObjectStub<T>,
  queries: readonly string[],
): Promise<unknown> {
  return runInDurableObject(stub, (_, { storage }) => queries.map((query) => storage.sql.exec(query).toArray()));
}
