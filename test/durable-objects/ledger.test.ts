import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { ledgerGroupOf, ledgerOf } from "../../durable-objects/ledger-client.ts";
import { utf8 } from "../../protocol/bytes.ts";
import { CHAIN_START, checkEntry, commit, type Commitment, type LedgerDraft } from "../../protocol/ledger.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { env } from "../worker/environment.ts";

interface Row {
  readonly idx: number;
  readonly body: string;
  readonly previous: string;
  readonly hash: string;
  readonly subject: string | null;
}

async function rowsOf(workspace: string): Promise<readonly Row[]> {
  const { results } = await env.DB.prepare("SELECT * FROM ledger WHERE workspace = ? ORDER BY idx")
    .bind(workspace)
    .all<Row>();
  return results;
}

function draft(change: Partial<LedgerDraft> = {}): LedgerDraft {
  return { actor: { kind: "edge" }, action: "session.ended", detail: {}, ...change };
}

function expectChain(workspace: string, rows: readonly Row[]): void {
  let position = CHAIN_START;
  for (const row of rows) {
    const step = checkEntry(utf8(row.body), row.hash, { workspace, position });
    expect(step).toMatchObject({ ok: true });
    if (step.ok) position = step.position;
  }
}

describe("Ledger", () => {
  it("chains entries from the first on", async () => {
    const workspace = nonceOf("chain");
    const append = ledgerOf(env, workspace);
    expect(await append(draft())).toMatchObject({ index: 1 });
    expect(await append(draft())).toMatchObject({ index: 2 });
    const rows = await rowsOf(workspace);
    expect(rows).toHaveLength(2);
    expectChain(workspace, rows);
  });

  it("commits concurrent appends in groups, in one unbroken chain", async () => {
    const workspace = nonceOf("group");
    const append = ledgerOf(env, workspace);
    const positions = await Promise.all(Array.from({ length: 250 }, () => append(draft())));
    expect(new Set(positions.map(({ index }) => index)).size).toBe(250);
    const rows = await rowsOf(workspace);
    expect(rows.map(({ idx }) => idx)).toEqual(Array.from({ length: 250 }, (_, i) => i + 1));
    expectChain(workspace, rows);
  });

  it("writes one (action, subject) once, within a batch, across batches, and after an eviction", async () => {
    const workspace = nonceOf("idempotent");
    const append = ledgerOf(env, workspace);
    const once = draft({ action: "command.accepted", subject: nonceOf("intent") });
    const [a, b] = await Promise.all([append(once), append(once)]);
    expect(a).toEqual(b);
    expect(await append(once)).toEqual(a);
    await evictDurableObject(env.LEDGER.getByName(workspace));
    expect(await append(once)).toEqual(a);
    expect(await append({ ...once, action: "command.refused" })).toMatchObject({ index: 2 });
    expect(await rowsOf(workspace)).toHaveLength(2);
  });

  it("commits to the source address and keeps the opening beside it", async () => {
    const workspace = nonceOf("source");
    await ledgerOf(env, workspace)(draft({ sourceIp: "203.0.113.7" }));
    const [row] = await rowsOf(workspace);
    expect(row?.body).not.toContain("203.0.113.7");
    const opening = await env.DB.prepare("SELECT field, salt, value FROM ledger_values WHERE workspace = ?")
      .bind(workspace)
      .first<{ salt: string; value: string }>();
    expect(opening).toMatchObject({ field: "source", value: "203.0.113.7" });
    const { salt = "", value = "" } = opening ?? {};
    expect(JSON.parse(row?.body ?? "{}")).toMatchObject({ source: commit({ field: "source", salt, value }) });
  });

  it("commits to country and device likewise, each under a salt of its own", async () => {
    const workspace = nonceOf("where from");
    await ledgerOf(env, workspace)(draft({ sourceIp: "203.0.113.7", country: "NL", device: "Firefox on Linux" }));
    const [row] = await rowsOf(workspace);
    const { results } = await env.DB.prepare("SELECT field, salt, value FROM ledger_values WHERE workspace = ?")
      .bind(workspace)
      .all<Commitment>();
    expect(results.map(({ field, value }) => [field, value])).toEqual([
      ["country", "NL"],
      ["device", "Firefox on Linux"],
      ["source", "203.0.113.7"],
    ]);
    expect(new Set(results.map(({ salt }) => salt)).size).toBe(3);
    const committed = Object.fromEntries(results.map((opening) => [opening.field, commit(opening)]));
    expect(JSON.parse(row?.body ?? "{}")).toMatchObject(committed);
    expect(row?.body).not.toContain("Firefox");
    expectChain(workspace, await rowsOf(workspace));
  });

  it("refuses a draft that is no entry without harming its neighbours", async () => {
    const workspace = nonceOf("poison");
    const append = ledgerOf(env, workspace);
    const poisons = [
      { target: "Not An Id" },
      { detail: { calls: { since: Number.NaN, total: 1 } } },
      { detail: { foreign: 1 } },
      { detail: { code: "wide\u202ecode" } },
      { detail: { range: { first: 1.5, last: 2 } } },
      { detail: 7 },
    ] as unknown as readonly Partial<LedgerDraft>[];
    const answers = await Promise.allSettled([{}, ...poisons, {}].map((change) => append(draft(change))));
    expect(answers.map(({ status }) => status)).toEqual(["fulfilled", ...poisons.map(() => "rejected"), "fulfilled"]);
    expectChain(workspace, await rowsOf(workspace));
  });

  it("answers that it cannot write, writes nothing, and goes on from the real head afterwards", async () => {
    const workspace = nonceOf("fault");
    const append = ledgerOf(env, workspace);
    await append(draft());
    await env.DB.exec("CREATE TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    await expect(append(draft({ subject: "s" }))).rejects.toThrow("session.ended");
    expect(await rowsOf(workspace)).toHaveLength(1);
    await env.DB.exec("DROP TRIGGER full");
    expect(await append(draft({ subject: "s" }))).toMatchObject({ index: 2 });
    expectChain(workspace, await rowsOf(workspace));
  });

  it("answers each entry of one call in its place, and says which is not written", async () => {
    const workspace = nonceOf("several");
    const append = ledgerGroupOf(env, workspace);
    const positions = await append([
      { draft: draft({ subject: "a" }) },
      { draft: draft({ target: "Not An Id" }) },
      { draft: draft({ subject: "b" }) },
      { draft: draft({ subject: "a" }) },
    ]);
    expect(positions.map((position) => position?.index)).toEqual([1, undefined, 2, 1]);
    expect(await append([])).toEqual([]);
    expectChain(workspace, await rowsOf(workspace));
  });

  it("writes a receipt with the entry that names it, or neither, and once", async () => {
    const workspace = nonceOf("receipted");
    const append = ledgerGroupOf(env, workspace);
    const receipt = {
      workspace,
      digest: nonceOf("receipt"),
      intent: nonceOf("intent"),
      host: "h-one",
      number: 1,
      body: "e30",
      signature: "A".repeat(86),
    };
    const entry = draft({ action: "command.receipt", subject: receipt.digest, detail: { receipt: receipt.digest } });
    const both = { draft: entry, receipt };
    const stored = async () =>
      (await env.DB.prepare("SELECT * FROM receipts WHERE workspace = ?").bind(workspace).all()).results;
    await env.DB.exec("CREATE TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    expect(await append([both])).toEqual([undefined]);
    expect(await stored()).toEqual([]);
    await env.DB.exec("DROP TRIGGER full");
    const [position] = await append([both]);
    expect(position).toMatchObject({ index: 1 });
    expect(await stored()).toEqual([receipt]);
    expect(await append([both])).toEqual([position]);
    expect((await append([both, { draft: draft() }]))[0]).toEqual(position);
    expect(await stored()).toEqual([receipt]);
    expectChain(workspace, await rowsOf(workspace));
  });

  it("re-reads the head after somebody else wrote, and never forks", async () => {
    const workspace = nonceOf("ambiguous");
    const append = ledgerOf(env, workspace);
    await append(draft());
    const [first] = await rowsOf(workspace);
    await env.DB.prepare("INSERT INTO ledger VALUES (?, 2, '{}', ?, ?, NULL)")
      .bind(workspace, first?.hash, nonceOf("foreign"))
      .run();
    // The object still believes that entry 1 is the head: its write is refused by the table, then it looks again.
    await expect(append(draft())).rejects.toThrow("session.ended");
    expect(await append(draft())).toMatchObject({ index: 3 });
  });

  it("survives an eviction", async () => {
    const workspace = nonceOf("evicted");
    const append = ledgerOf(env, workspace);
    await append(draft());
    await evictDurableObject(env.LEDGER.getByName(workspace));
    expect(await append(draft())).toMatchObject({ index: 2 });
    expectChain(workspace, await rowsOf(workspace));
  });
});

describe("the ledger's triggers", () => {
  const workspace = nonceOf("triggers");
  const insert = (verb: string, values: string): Promise<unknown> =>
    env.DB.prepare(`${verb} INTO ledger (workspace, idx, body, previous, hash, subject) VALUES ${values}`).run();

  it("refuse every way to change what is written", async () => {
    const append = ledgerOf(env, workspace);
    await append(draft({ subject: "a" }));
    await append(draft({ subject: "b" }));
    const before = await rowsOf(workspace);
    const [one, two] = before;
    const w = `'${workspace}'`;
    const attempts: readonly (() => Promise<unknown>)[] = [
      () => env.DB.prepare("UPDATE ledger SET body = 'x'").run(),
      () => env.DB.prepare("DELETE FROM ledger").run(),
      () => insert("INSERT OR REPLACE", `(${w}, 1, 'x', '${one?.previous}', 'x', NULL)`),
      () => insert("INSERT OR REPLACE", `(${w}, 2, 'x', '${one?.hash}', 'x', NULL)`),
      () => insert("INSERT OR REPLACE", `(${w}, 3, 'x', '${two?.hash}', 'x', 'session.ended:a')`),
      () => insert("REPLACE", `(${w}, 2, 'x', '${one?.hash}', 'x', NULL)`),
      () =>
        insert("INSERT", `(${w}, 2, 'x', '${one?.hash}', 'x', NULL) ON CONFLICT DO UPDATE SET body = excluded.body`),
      () => insert("INSERT OR IGNORE", `(${w}, 2, 'x', '${one?.hash}', 'x', NULL)`),
      // A gap, a wrong predecessor, a place before the first.
      () => insert("INSERT", `(${w}, 4, 'x', '${two?.hash}', 'x', NULL)`),
      () => insert("INSERT", `(${w}, 3, 'x', '${one?.hash}', 'x', NULL)`),
      () => insert("INSERT", `(${w}, 0, 'x', '${one?.previous}', 'x', NULL)`),
      () =>
        env.DB.prepare(
          "INSERT OR REPLACE INTO ledger (rowid, workspace, idx, body, previous, hash) VALUES (1, 'w', 1, 'x', 'x', 'x')",
        ).run(),
    ];
    for (const attempt of attempts) await expect(attempt()).rejects.toThrow(/ledger_append_only|ledger_chain|rowid/);
    expect(await rowsOf(workspace)).toEqual(before);
  });

  it("keep workspaces apart", async () => {
    const other = nonceOf("other");
    expect(await ledgerOf(env, other)(draft({ subject: "a" }))).toMatchObject({ index: 1 });
  });
});
