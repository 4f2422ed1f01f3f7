/**
 * Copies that the real edge gave out, checked by `clawhold verify`: as they are, and after somebody who holds the database
 * dropped its triggers and changed what is in it.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Finding } from "../../agent/verify/report.ts";
import { utf8Text } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { entryDigest } from "../../protocol/ledger.ts";
import { approvedBody } from "../fixtures/edge/edge-action.ts";
import { ORIGIN } from "../fixtures/edge/page.ts";
import { run } from "../agent/cli/terminal.ts";
import { LongLog } from "./ledger/long-log.ts";

const PATIENCE = 300_000;
const ENTRIES = 60;

let log: LongLog;
const directory = mkdtempSync(join(tmpdir(), "clawhold-verify-"));
beforeAll(async () => {
  log = await LongLog.start(ENTRIES);
}, PATIENCE);
afterAll(async () => {
  await log.stop();
  rmSync(directory, { recursive: true });
});

/** Takes a whole copy as a program does. */
async function taken(name: string): Promise<string> {
  const chunks: Buffer[] = [];
  await log.take("jsonl", (chunk) => {
    chunks.push(Buffer.from(chunk));
  });
  const path = join(directory, name);
  writeFileSync(path, Buffer.concat(chunks));
  return path;
}

interface Said {
  readonly exit: number;
  readonly entries: number;
  readonly kept?: string;
  readonly wrong: readonly string[];
}

async function verified(path: string, ...more: readonly string[]): Promise<Said> {
  const { exit, out } = await run(["verify", path, `--workspace=${log.workspace}`, "--json", ...more]);
  const { findings, entries, kept } = JSON.parse(out[0] ?? "{}") as {
    findings: readonly Finding[];
    entries: number;
    kept?: string;
  };
  const wrong = findings.filter(({ weight }) => weight === "wrong").map(({ code }) => code);
  return { exit, entries, wrong, ...(kept === undefined ? {} : { kept }) };
}

describe("a copy of the real edge's log", () => {
  it(
    "verifies, and a later one contains it",
    async () => {
      const first = await taken("first.jsonl");
      expect(await verified(first)).toMatchObject({ exit: 0, wrong: [] });
      const second = await taken("second.jsonl");
      expect(await verified(second, "--checkpoint", first)).toMatchObject({ exit: 0, wrong: [], kept: "same" });
    },
    PATIENCE,
  );
});

const ROW = 20;
/** `unsigned`: the writer finds it before anybody else does, signs nothing, and so gives out no copy. Those come last. */
const CHANGED = [
  [
    "an entry edited",
    "UPDATE ledger SET body = replace(body, 'host.connected', 'host.frozen') WHERE idx = ?1",
    "entry_hash",
  ],
  [
    "an entry replaced",
    "INSERT OR REPLACE INTO ledger SELECT workspace, idx, replace(body, 'host.connected', 'host.frozen'), previous, hash, subject FROM ledger WHERE idx = ?1",
    "entry_hash",
  ],
  ["a source address edited", "UPDATE ledger_values SET value = '10.0.0.9' WHERE idx = ?1", "opening_other"],
  ["a source address erased without an entry", "DELETE FROM ledger_values WHERE idx = ?1", "withheld"],
  ["a digest edited", "UPDATE ledger SET hash = previous WHERE idx = ?1", "unsigned"],
  ["an entry deleted", "DELETE FROM ledger WHERE idx = ?1", "unsigned"],
] as const;

/** Codes of what is wrong with a copy, or that none was to be had. */
async function found(name: string): Promise<readonly string[]> {
  try {
    const { exit, wrong } = await verified(await taken(`${name}.jsonl`));
    expect(exit).toBe(wrong.length === 0 ? 0 : 1);
    return wrong;
  } catch (error) {
    if (error instanceof Error && error.message.includes("export_unknown")) return ["unsigned"];
    throw error;
  }
}

describe("a download against a ticket", () => {
  it(
    "is checked while it comes, once",
    async () => {
      const file = join(directory, "ticket");
      writeFileSync(file, await log.ticket("jsonl"));
      const address = `${ORIGIN}/api/exports/download`;
      expect(await verified(address, "--ticket-file", file)).toMatchObject({ exit: 0, wrong: [] });
      expect((await run(["verify", address, "--ticket-file", file])).exit).toBe(2);
    },
    PATIENCE,
  );
});

async function dropTriggers(): Promise<void> {
  const [triggers = []] = await log.sql([{ sql: "SELECT name FROM sqlite_master WHERE type = 'trigger'" }]);
  await log.sql(triggers.map((row) => ({ sql: `DROP TRIGGER "${String(row["name"])}"` })));
}

describe("with the triggers dropped", () => {
  beforeAll(dropTriggers);

  it.each(CHANGED)(
    "%s",
    async (name, sql, by) => {
      const params = [ROW];
      await log.sql([
        { sql: "DROP TABLE IF EXISTS kept_rows" },
        { sql: "CREATE TABLE kept_rows AS SELECT * FROM ledger WHERE idx = 20" },
        { sql: "DROP TABLE IF EXISTS kept_values" },
        { sql: "CREATE TABLE kept_values AS SELECT * FROM ledger_values WHERE idx = 20" },
      ]);
      await log.sql([{ sql, params }]);
      try {
        expect(await found(name)).toContain(by);
      } finally {
        await log.sql([
          { sql: "DELETE FROM ledger WHERE idx = ?1", params },
          { sql: "INSERT INTO ledger SELECT * FROM kept_rows" },
          { sql: "DELETE FROM ledger_values WHERE idx = ?1", params },
          { sql: "INSERT INTO ledger_values SELECT * FROM kept_values" },
        ]);
      }
      // Put back as it was, it verifies again.
      if (by !== "unsigned") expect(await found("again")).toEqual([]);
    },
    PATIENCE,
  );
});

/** Moves everything after the row up by one place and puts a second copy of it into the gap. */
async function insertRow(): Promise<void> {
  const params = [ROW];
  await log.sql([
    { sql: "UPDATE ledger SET idx = -1 - idx WHERE idx > ?1", params },
    { sql: "UPDATE ledger SET idx = -idx WHERE idx < 0" },
    {
      sql: "INSERT INTO ledger SELECT workspace, idx + 1, body, previous, hash, NULL FROM ledger WHERE idx = ?1",
      params,
    },
  ]);
}

/** As a good forger: one entry says something else, and every digest from there on is computed again. */
async function chainAgain(): Promise<void> {
  const [rows = []] = await log.sql([
    { sql: "SELECT idx, body, previous FROM ledger WHERE idx >= ?1 ORDER BY idx", params: [ROW] },
  ]);
  let previous = String(rows[0]?.["previous"]);
  const changes = rows.map((row, place) => {
    const told = place === 0 ? String(row["body"]).replace("host.connected", "host.frozen") : String(row["body"]);
    const body = encodeCanonical({ ...(JSON.parse(told) as object), previous });
    const hash = entryDigest(body);
    const sql = "UPDATE ledger SET body = ?2, previous = ?3, hash = ?4 WHERE idx = ?1";
    const params = [Number(row["idx"]), utf8Text(body), previous, hash];
    previous = hash;
    return { sql, params };
  });
  await log.sql(changes);
}

async function startCode(): Promise<string | undefined> {
  const change = { format: "jsonl", purpose: "backup", filter: {} };
  const body = await approvedBody(log.town.founded, { endpoint: "exportStart", change });
  return (await log.town.page.call("exportStart", { body })).code;
}

describe("with the triggers dropped and the whole log rewritten", () => {
  it.each([
    ["an entry inserted", insertRow],
    ["everything chained again", chainAgain],
  ] as const)(
    "%s: the writer signs none of it",
    async (name, rewrite) => {
      await log.stop();
      log = await LongLog.start(ENTRIES);
      const earlier = await taken(`${name} before.jsonl`);
      expect(await verified(earlier)).toMatchObject({ exit: 0, wrong: [] });
      await dropTriggers();
      await rewrite();
      // Where the writer's next place is taken, its first entry fails, and it looks at what is stored.
      const codes = [await startCode(), await startCode()];
      expect(codes.at(-1)).toBe("checkpoint_refused");
    },
    PATIENCE,
  );
});
