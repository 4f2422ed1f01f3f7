/** A workspace's log with sealed segments in it, at a limit that a test can reach. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { segmentOf } from "../../durable-objects/env.ts";
import { ledgerGroupOf, ledgerOf, type NewEntry } from "../../durable-objects/ledger-client.ts";
import { Sealing } from "../../durable-objects/ledger/seal.ts";
import { env } from "./environment.ts";

/** Entries of a segment here. */
export const SEGMENT = 100;

/** Enough entries for `segments` of them, with an address each, and then those segments are moved. */
export async function sealSegments(workspace: string, segments: number): Promise<void> {
  const wanted = Math.max(512, (segments + 1) * SEGMENT + 1);
  const entry: NewEntry = {
    draft: { actor: { kind: "unknown" }, action: "session.refused", detail: {}, sourceIp: "192.0.2.17" },
  };
  const positions = await ledgerGroupOf(env, workspace)(Array.from({ length: wanted }, () => entry));
  if (positions.includes(undefined)) throw new Error("not written");
  for (let n = 1; n <= segments; n++) {
    const signed = await env.LEDGER.getByName(workspace).checkpoint(workspace);
    if (!signed.ok) throw new Error("not signed");
    await sealingOf(workspace).look(signed);
    while (await runDurableObjectAlarm(segmentOf(env, workspace, n)));
  }
}

function sealingOf(workspace: string): Sealing {
  const append = ledgerOf(env, workspace);
  return new Sealing({
    env,
    workspace,
    entries: SEGMENT,
    append: async (draft) => {
      await append(draft);
      return { ok: true };
    },
  });
}

/** As if its newest entry had been written so many days ago. */
export async function age(workspace: string, n: number, days: number): Promise<void> {
  const trigger = await env.DB.prepare("SELECT sql FROM sqlite_master WHERE name = 'ledger_segments_update'").first<{
    sql: string;
  }>();
  await env.DB.batch([
    env.DB.prepare("DROP TRIGGER ledger_segments_update"),
    env.DB.prepare("UPDATE ledger_segments SET newest = newest - ?3 * 86400 WHERE workspace = ?1 AND n = ?2").bind(
      workspace,
      n,
      days,
    ),
    env.DB.prepare(trigger?.sql ?? ""),
  ]);
}
