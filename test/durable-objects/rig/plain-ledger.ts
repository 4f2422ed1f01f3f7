/**
 * What the ledger is measured against: the same call, the same grouping of what arrives together, the same table without
 * its triggers, and nothing hashed, chained or signed. Lives in tests only.
 */
import { DurableObject } from "cloudflare:workers";
import type { Env } from "../../../durable-objects/env.ts";
import type { NewEntry } from "../../../durable-objects/ledger-client.ts";
import { MAX_BATCH_ENTRIES, type Appended } from "../../../durable-objects/ledger.ts";

interface Waiting extends NewEntry {
  readonly at: number;
  readonly settle: (result: Appended) => void;
}

const TABLES = [
  "CREATE TABLE IF NOT EXISTS plain (workspace TEXT NOT NULL, idx INTEGER NOT NULL, body TEXT NOT NULL, subject TEXT, PRIMARY KEY (workspace, idx)) WITHOUT ROWID",
  "CREATE UNIQUE INDEX IF NOT EXISTS plain_subject ON plain (workspace, subject) WHERE subject IS NOT NULL",
];
const INSERT = `INSERT INTO plain (workspace, idx, body, subject)
  SELECT ?1, value ->> 'idx', value ->> 'body', value ->> 'subject' FROM json_each(?2) ORDER BY key`;

export class PlainLedger extends DurableObject<Env> {
  #head: number | undefined;
  #waiting: Waiting[] = [];
  #writing = false;

  append(workspace: string, entries: readonly NewEntry[]): Promise<readonly Appended[]> {
    const answers = entries.map(
      ({ draft }) => new Promise<Appended>((settle) => this.#waiting.push({ draft, at: Date.now(), settle })),
    );
    if (!this.#writing) void this.#write(workspace);
    return Promise.all(answers);
  }

  async #write(workspace: string): Promise<void> {
    this.#writing = true;
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, MAX_BATCH_ENTRIES);
      const head = (this.#head ??= await this.#open(workspace));
      const rows = group.map(({ draft, at }, i) => ({
        idx: head + i + 1,
        body: JSON.stringify({ v: 1, workspace, index: head + i + 1, at, ...draft }),
        subject: `${draft.action}:${draft.subject}`,
      }));
      await this.env.DB.batch([this.env.DB.prepare(INSERT).bind(workspace, JSON.stringify(rows))]);
      this.#head = head + group.length;
      group.forEach(({ settle }, i) => settle({ ok: true, index: head + i + 1, hash: "" }));
    }
    this.#writing = false;
  }

  async #open(workspace: string): Promise<number> {
    await this.env.DB.batch(TABLES.map((sql) => this.env.DB.prepare(sql)));
    const row = await this.env.DB.prepare("SELECT MAX(idx) AS idx FROM plain WHERE workspace = ?")
      .bind(workspace)
      .first<{ readonly idx: number | null }>();
    return row?.idx ?? 0;
  }
}
