/** The ledger of one workspace with its real object, and everything that can be done to it behind that object's back. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { expect } from "vitest";
import { CheckpointTable } from "../../../durable-objects/db/checkpoint-table.ts";
import { ledgerOf } from "../../../durable-objects/ledger-client.ts";
import { publicKeyOf, seedNoteSigner } from "../../../durable-objects/signer.ts";
import { openCheckpoint, signCheckpoint, type OpenedCheckpoint } from "../../../protocol/checkpoint.ts";
import type { LedgerDraft } from "../../../protocol/ledger.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { env } from "../../worker/environment.ts";
import { withoutTriggers } from "../ledger-rows.ts";

export const draft: LedgerDraft = { actor: { kind: "edge" }, action: "session.ended", detail: {} };
/** Whoever shows what it has seen. */
export const HOST = "h-one";

export class Writer {
  readonly workspace: string;
  readonly table: CheckpointTable;

  constructor(name: string) {
    this.workspace = nonceOf(name);
    this.table = new CheckpointTable(env.DB, this.workspace);
  }

  get stub() {
    return env.LEDGER.getByName(this.workspace);
  }

  async write(count: number): Promise<void> {
    const append = ledgerOf(env, this.workspace);
    await Promise.all(Array.from({ length: count }, () => append(draft)));
  }

  async sign(): Promise<OpenedCheckpoint> {
    const result = await this.stub.checkpoint(this.workspace);
    if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.refusal)}`);
    return this.open(result.note);
  }

  async refusedToSign() {
    const result = await this.stub.checkpoint(this.workspace);
    expect(result).toMatchObject({ ok: false });
    return result.ok ? undefined : result.refusal;
  }

  async open(note: string): Promise<OpenedCheckpoint> {
    const opened = await openCheckpoint(note, {
      workspace: this.workspace,
      ledgerKey: await publicKeyOf(env.LEDGER_KEY),
    });
    if (typeof opened === "string") throw new Error(opened);
    return opened;
  }

  seen(note: string): Promise<void> {
    return this.stub.seen(this.workspace, HOST, note);
  }

  /** A checkpoint of a history that this writer never saw, signed by its own key: what an older life of it signed. */
  async signedElsewhere(size: number, root = new Uint8Array(32).fill(size)): Promise<string> {
    return signCheckpoint({ workspace: this.workspace, size, root }, await seedNoteSigner(env.LEDGER_KEY));
  }

  /** As if the object's own disk were restored from before it signed anything. */
  async forget(): Promise<void> {
    await runInDurableObject(this.stub, (_, state) => {
      state.storage.sql.exec("DELETE FROM signed");
      state.storage.sql.exec("DELETE FROM shown");
      state.storage.sql.exec("DELETE FROM refusal");
    });
    await evictDurableObject(this.stub);
  }

  /** The database as it was when it held `size` entries. */
  async restore(size: number): Promise<() => Promise<void>> {
    const { results } = await env.DB.prepare("SELECT * FROM ledger WHERE workspace = ? AND idx > ? ORDER BY idx")
      .bind(this.workspace, size)
      .all();
    await withoutTriggers(env.DB, async () => {
      for (const table of ["ledger WHERE idx", "checkpoints WHERE size"])
        await env.DB.prepare(`DELETE FROM ${table} > ? AND workspace = ?`).bind(size, this.workspace).run();
    });
    return async () =>
      withoutTriggers(env.DB, async () => {
        await env.DB.prepare("DELETE FROM ledger WHERE workspace = ? AND idx > ?").bind(this.workspace, size).run();
        for (const row of results)
          await env.DB.prepare("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?)")
            .bind(...Object.values(row))
            .run();
      });
  }

  async entries(action: string): Promise<readonly { readonly detail: unknown; readonly target?: string }[]> {
    const { results } = await env.DB.prepare("SELECT body FROM ledger WHERE workspace = ? ORDER BY idx")
      .bind(this.workspace)
      .all<{ body: string }>();
    return results.map(({ body }) => JSON.parse(body)).filter((entry) => entry.action === action);
  }

  alerts() {
    return env.ALERTS.getByName(this.workspace).list(this.workspace);
  }
}
