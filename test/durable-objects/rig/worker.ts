/**
 * The Worker of benches and of the crash campaign: the real objects, the real database, and doors that no product has: one
 * append each, many appends at once, and the same without what makes a ledger of it. Runs on a private socket only.
 */
import "reflect-metadata"; // before the certificate libraries that the host's object brings
import { buildBatch } from "../../../durable-objects/ledger-batch.ts";
import { LedgerTable } from "../../../durable-objects/db/ledger-table.ts";
import { ledgerGroupOf, ledgerOf, type NewEntry } from "../../../durable-objects/ledger-client.ts";
import type { Env } from "../../../durable-objects/env.ts";
import { CHAIN_START, type LedgerDraft } from "../../../protocol/ledger.ts";
import { counted } from "../counted.ts";
import { PlainLedger } from "./plain-ledger.ts";

export { Alerts } from "../../../durable-objects/alerts.ts";
export { Exports } from "../../../durable-objects/exports.ts";
export { Host } from "../../../durable-objects/host.ts";
export { Ledger } from "../../../durable-objects/ledger.ts";
export { LedgerSegment } from "../../../durable-objects/segment.ts";
export { Streams } from "../../../durable-objects/streams.ts";
/** In the place of a class that no ledger calls. */
export { PlainLedger as Sessions };

type RigEnv = Omit<Env, "SESSIONS"> & { readonly SESSIONS: DurableObjectNamespace<PlainLedger> };

/** How many appends, each a call of its own, and how many of them at once. */
interface Load {
  readonly workspace: string;
  readonly total: number;
  readonly atOnce: number;
}

interface One extends NewEntry {
  readonly workspace: string;
}

const doors: Record<string, (body: never, env: RigEnv) => Promise<unknown>> = {
  "/append": ({ workspace, draft, receipt }: One, env) => ledgerGroupOf(env, workspace)([{ draft, receipt }]),
  "/checkpoint": ({ workspace }: One, env) => env.LEDGER.getByName(workspace).checkpoint(workspace),
  "/load/ledger": (load: Load, env) => run(load, ledgerOf(env, load.workspace)),
  "/load/plain": (load: Load, env) =>
    run(load, (draft) => env.SESSIONS.getByName(load.workspace).append(load.workspace, [{ draft }])),
  "/rows": rowsOfCommand,
  "/load/raw": (load: Load, env) => runRaw(load, env.DB),
};

/** An accepted command from a page, and its receipt. */
async function rowsOfCommand({ workspace }: { readonly workspace: string }, { DB }: RigEnv): Promise<number> {
  const count = counted(DB);
  const table = new LedgerTable(count.db, workspace);
  const accepted = { ...someDraft(), sourceIp: "203.0.113.7" };
  const digest = accepted.subject ?? "";
  const answered: LedgerDraft = {
    actor: { kind: "host", id: "h-0123456789abcdef0123" },
    action: "command.receipt",
    target: "h-0123456789abcdef0123",
    detail: { intent: digest, verdict: "executed", receipt: digest },
    subject: digest,
  };
  const receipt = { workspace, digest, intent: digest, host: "h-0", number: 1, body: "e30", signature: "A" };
  const drafts = [accepted, answered].map((draft) => ({ draft, at: Date.now() }));
  await table.insert(await buildBatch({ workspace, head: CHAIN_START, known: new Map(), drafts }), [receipt]);
  return count.written;
}

export default {
  async fetch(request: Request, env: RigEnv): Promise<Response> {
    const door = doors[new URL(request.url).pathname];
    if (door === undefined) return new Response("ready");
    return Response.json((await door((await request.json()) as never, env)) ?? null);
  },
} satisfies ExportedHandler<RigEnv>;

async function run({ total, atOnce }: Load, append: (draft: LedgerDraft) => Promise<unknown>): Promise<void> {
  let left = total;
  const caller = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await append(someDraft());
    }
  };
  await Promise.all(Array.from({ length: atOnce }, caller));
}

/** As fast as the database takes rows from somebody who is all alone and wants nothing of them. */
async function runRaw({ workspace, total, atOnce }: Load, db: D1Database): Promise<void> {
  await db.exec(
    "CREATE TABLE IF NOT EXISTS raw (workspace TEXT NOT NULL, idx INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (workspace, idx)) WITHOUT ROWID",
  );
  const newest = await db.prepare("SELECT MAX(idx) AS idx FROM raw").first<{ readonly idx: number | null }>();
  let idx = newest?.idx ?? 0;
  const insert = db.prepare("INSERT INTO raw (workspace, idx, body) VALUES (?, ?, ?)");
  for (let done = 0; done < total; done += atOnce) {
    const batch = Array.from({ length: atOnce }, () => insert.bind(workspace, ++idx, JSON.stringify(someDraft())));
    if (batch.length === 1) await batch[0]?.run();
    else await db.batch(batch);
  }
}

/** As large as the entries of commands are. */
function someDraft(): LedgerDraft {
  const intent = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace("=", "");
  return {
    actor: { kind: "person", id: "p-0123456789abcdef0123" },
    action: "command.accepted",
    target: "h-0123456789abcdef0123",
    detail: { operation: "host.check@1", intent },
    subject: intent,
  };
}
