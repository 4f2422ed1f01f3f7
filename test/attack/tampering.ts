/**
 * Attacks on the ledger by somebody who holds the database. The triggers stop careless code; a holder drops them first,
 * and then the chain has to tell. Checked with the function behind `clawhold verify`, on what the API gives out.
 */
import { verifyChunks } from "../../agent/verify/read.ts";
import type { Row, RunSql } from "../../agent/edge/d1.ts";
import { fromBase64url, utf8, utf8Text } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import type { ActivityRow } from "../../protocol/contracts.ts";
import { CHAIN_START, checkEntry, entryDigest, personalFields, type ChainPosition } from "../../protocol/ledger.ts";
import { ZERO_DIGEST } from "../../protocol/messages.ts";
import type { Fields } from "../fixtures/workspace.ts";
import { nonceOf } from "../fixtures/keys.ts";
import type { Result } from "./attack.ts";
import type { Household } from "./real-edge.ts";
import type { Outcome } from "./scene.ts";

interface LedgerRow {
  readonly idx: number;
  readonly body: string;
  readonly previous: string;
  readonly hash: string;
  readonly subject: string | null;
}

const KIND = "tampered ledger";
const COLUMNS = "workspace, idx, body, previous, hash, subject";

/** With the triggers in place: what careless code, or a statement injected into it, would run into. */
const guarded: readonly (readonly [name: string, rule: string, sql: string])[] = [
  ["a row edited under the triggers", "ledger_append_only", "UPDATE ledger SET body = '{}' WHERE idx = 2"],
  ["a row deleted under the triggers", "ledger_append_only", "DELETE FROM ledger WHERE idx = 2"],
  ["all rows deleted under the triggers", "ledger_append_only", "DELETE FROM ledger"],
  [
    "a row replaced under the triggers",
    "ledger_chain",
    `INSERT OR REPLACE INTO ledger SELECT ${COLUMNS} FROM ledger WHERE idx = 2`,
  ],
  [
    "a row upserted under the triggers",
    "ledger_chain",
    `INSERT INTO ledger SELECT ${COLUMNS} FROM ledger WHERE idx = 2 ON CONFLICT DO UPDATE SET body = '{}'`,
  ],
  [
    "a gap under the triggers",
    "ledger_chain",
    `INSERT INTO ledger SELECT workspace, idx + 1000, body, hash, '${ZERO_DIGEST}', NULL FROM ledger ORDER BY idx DESC LIMIT 1`,
  ],
  [
    "a fork under the triggers",
    "ledger_chain",
    `INSERT INTO ledger SELECT workspace, idx + 1, body, '${ZERO_DIGEST}', hash, NULL FROM ledger ORDER BY idx DESC LIMIT 1`,
  ],
  ["a trust statement edited under the triggers", "statements_append_only", "UPDATE statements SET hash = 'x'"],
  ["a trust statement deleted under the triggers", "statements_append_only", "DELETE FROM statements"],
];

type Tamper = (rows: LedgerRow[]) => LedgerRow[];
type TamperRow = readonly [name: string, rule: string, tamper: Tamper];

/** Rows from `from` on, numbered and chained again as the writer would have done it. */
function rechained(rows: readonly LedgerRow[], from: number): LedgerRow[] {
  const made: LedgerRow[] = [];
  for (const row of rows) {
    const before = made.at(-1);
    const idx = made.length + 1;
    if (idx < from) made.push(row);
    else {
      const tree = JSON.parse(row.body) as Fields;
      const previous = before?.hash ?? CHAIN_START.hash;
      const body = encodeCanonical({ ...tree, index: idx, previous });
      made.push({ ...row, idx, body: utf8Text(body), previous, hash: entryDigest(body) });
    }
  }
  return made;
}

function edited(row: LedgerRow, change: Fields): LedgerRow {
  return { ...row, body: utf8Text(encodeCanonical({ ...(JSON.parse(row.body) as Fields), ...change })) };
}

function swapBodies(rows: LedgerRow[], a: number, b: number): LedgerRow[] {
  const [first, second] = [rows[a], rows[b]];
  if (first === undefined || second === undefined) return rows;
  return rows
    .with(a, { ...first, body: second.body, hash: second.hash })
    .with(b, { ...second, body: first.body, hash: first.hash });
}

/** The same log as if nobody had ever had an address, chained from its beginning. */
function impersonal(rows: readonly LedgerRow[]): LedgerRow[] {
  const bare = Object.fromEntries(personalFields.map((field) => [field, undefined]));
  return rechained(
    rows.map((row) => edited(row, bare)),
    1,
  );
}

const LATER = { at: 4_000_000_000_000 };

/** `rule`: the fault that the verifier names. */
const tampers: readonly TamperRow[] = [
  ["an entry edited", "hash", (rows) => rows.map((row) => (row.idx === 3 ? edited(row, LATER) : row))],
  ["the last entry edited", "hash", (rows) => rows.map((row, i) => (i === rows.length - 1 ? edited(row, LATER) : row))],
  [
    "an entry edited, its own digest made to fit",
    "previous",
    (rows) =>
      rows.map((row) => {
        if (row.idx !== 3) return row;
        const made = edited(row, LATER);
        return { ...made, hash: entryDigest(utf8(made.body)) };
      }),
  ],
  [
    "an entry that is no entry",
    "malformed",
    (rows) => rows.map((row) => (row.idx === 3 ? { ...row, body: '{"v":1}' } : row)),
  ],
  [
    "an entry with a member more",
    "malformed",
    (rows) => rows.map((row) => (row.idx === 3 ? edited(row, { note: "fine" }) : row)),
  ],
  [
    "an entry spelled another way",
    "malformed",
    (rows) => rows.map((row) => (row.idx === 3 ? { ...row, body: row.body.replace("{", "{ ") } : row)),
  ],
  [
    "an entry of another workspace",
    "workspace",
    (rows) => rows.map((row) => (row.idx === 3 ? edited(row, { workspace: nonceOf("elsewhere") }) : row)),
  ],
  ["an entry deleted", "gap", (rows) => rows.filter((row) => row.idx !== 3)],
  ["the first entry deleted", "gap", (rows) => rows.slice(1)],
  [
    "an entry deleted, the rest numbered again",
    "gap",
    (rows) => rows.filter((row) => row.idx !== 3).map((row, i) => ({ ...row, idx: i + 1 })),
  ],
  ["two entries swapped", "gap", (rows) => swapBodies(rows, 2, 3)],
  [
    "an entry inserted, the rest numbered again",
    "gap",
    (rows) => [...rows.slice(0, 3), ...rows.slice(2)].map((row, i) => ({ ...row, idx: i + 1 })),
  ],
];

/**
 * Histories that agree with themselves, of a log without personal values (their openings would tell who moved): the chain
 * alone cannot tell, and does not claim to. A reader who kept an earlier head can, and so can the hosts, as witnesses.
 */
const rewritten: readonly TamperRow[] = [
  ["the last entries cut off", "shorter than a head seen before", (rows) => rows.slice(0, -2)],
  [
    "an entry edited and all later ones made to fit",
    "not the head seen before",
    (rows) =>
      rechained(
        rows.map((row) => (row.idx === 3 ? edited(row, LATER) : row)),
        3,
      ),
  ],
  [
    "an entry deleted and all later ones made to fit",
    "shorter than a head seen before",
    (rows) =>
      rechained(
        rows.filter((row) => row.idx !== 3),
        3,
      ),
  ],
  [
    "an entry inserted and all later ones made to fit",
    "not the head seen before",
    (rows) => rechained([...rows.slice(0, 3), ...rows.slice(2)], 4),
  ],
];

export async function attackLedger(household: Household): Promise<readonly Result[]> {
  const { sql } = household.edge;
  const results: Result[] = [];
  for (const [name, rule, statement] of guarded) {
    const outcome = await guardedOutcome(sql, statement);
    results.push({ class: KIND, name, rule, outcome, executed: outcome === "accepted" ? 1 : 0 });
  }
  const rows = await readRows(sql);
  const head = headOf(rows);
  const untouched = await found(household, head);
  results.push({
    class: KIND,
    name: "the ledger as it is, for comparison",
    rule: "verifies",
    outcome: untouched,
    executed: 0,
  });
  await dropTriggers(sql);
  results.push(...(await tamperAll(tampers, { household, rows, head })));
  await sql([{ sql: "UPDATE ledger_values SET value = '198.51.100.9'" }]);
  results.push({
    class: KIND,
    name: "a source address replaced",
    rule: "source",
    outcome: await found(household, head),
    executed: 0,
  });
  results.push({
    class: KIND,
    name: "source addresses removed, and no entry says so",
    rule: "withheld",
    outcome: await withoutValues(household, head),
    executed: 0,
  });
  const bare = impersonal(rows);
  results.push(...(await tamperAll(rewritten, { household, rows: bare, head: headOf(bare) })));
  return results;
}

async function withoutValues(household: Household, head: ChainPosition): Promise<Outcome> {
  await household.edge.sql([{ sql: "DELETE FROM ledger_values" }]);
  return found(household, head);
}

interface Untouched {
  readonly household: Household;
  readonly rows: readonly LedgerRow[];
  readonly head: ChainPosition;
}

async function tamperAll(
  table: readonly TamperRow[],
  { household, rows, head }: Untouched,
): Promise<readonly Result[]> {
  const { sql } = household.edge;
  const results: Result[] = [];
  for (const [name, rule, tamper] of table) {
    await writeRows(sql, household.workspace, tamper([...rows]));
    const outcome = await found(household, head);
    results.push({ class: KIND, name, rule, outcome, executed: outcome === "verifies" ? 1 : 0 });
  }
  await writeRows(sql, household.workspace, rows);
  return results;
}

async function guardedOutcome(sql: RunSql, statement: string): Promise<Outcome> {
  try {
    const [rows = []] = await sql([{ sql: `${statement} RETURNING 1 AS touched` }]);
    return rows.length === 0 ? "no rows" : "accepted";
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return /(ledger_append_only|ledger_chain|statements_append_only|receipts_append_only)/.exec(text)?.[1] ?? text;
  }
}

async function readRows(sql: RunSql): Promise<readonly LedgerRow[]> {
  const [rows = []] = await sql([{ sql: "SELECT idx, body, previous, hash, subject FROM ledger ORDER BY idx" }]);
  return rows.map((row: Row) => row as unknown as LedgerRow);
}

function headOf(rows: readonly LedgerRow[]): ChainPosition {
  const last = rows.at(-1);
  return last === undefined ? CHAIN_START : { index: last.idx, hash: last.hash };
}

async function dropTriggers(sql: RunSql): Promise<void> {
  await sql(["ledger_update", "ledger_delete", "ledger_insert"].map((name) => ({ sql: `DROP TRIGGER ${name}` })));
}

async function writeRows(sql: RunSql, workspace: string, rows: readonly LedgerRow[]): Promise<void> {
  await sql([{ sql: "DELETE FROM ledger" }]);
  // Two rows may claim one place or one subject here: the attacker's table need not keep our constraints.
  const seen = new Set<string>();
  await sql(
    rows.map((row) => {
      const subject = row.subject !== null && !seen.has(row.subject) ? row.subject : undefined;
      if (subject !== undefined) seen.add(subject);
      const params = [workspace, row.idx, row.body, row.previous, row.hash];
      return subject === undefined
        ? { sql: `INSERT INTO ledger (${COLUMNS}) VALUES (?, ?, ?, ?, ?, NULL)`, params }
        : { sql: `INSERT INTO ledger (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)`, params: [...params, subject] };
    }),
  );
}

/** Findings about values beside an entry, as the tables above name them. */
const NAMES: Readonly<Record<string, string>> = { opening_other: "source", withheld: "withheld" };

/** What a reader finds: the chain's own fault, what `clawhold verify` says, or a difference to a head kept from before. */
async function found({ page, workspace }: Household, kept: ChainPosition): Promise<Outcome> {
  const activity = (await page.must("activity", { query: "?after=0&limit=500" })) as unknown as {
    readonly rows: readonly ActivityRow[];
  };
  const trust = (await page.must("trust")) as unknown as { readonly page: unknown };
  const body = [
    { kind: "log", v: 1, workspace, form: "chain" },
    { kind: "trust", page: trust.page },
    ...activity.rows.map((row) => ({ kind: "entry", row })),
  ];
  const lines = [...body, { kind: "end", lines: body.length }].map((value) => utf8Text(encodeCanonical(value)));
  const { report } = await verifyChunks([Buffer.from(`${lines.join("\n")}\n`)], { workspace });
  // Only the chain is asked here: what the checkpoint adds has a campaign of its own.
  const findings = report.findings.filter(({ code, weight }) => weight === "wrong" && code !== "checkpoint_missing");
  let position = CHAIN_START;
  let keptHash: string | undefined;
  for (const row of activity.rows) {
    const step = checkEntry(fromBase64url(row.body), row.hash, { workspace, position });
    if (!step.ok) return findings.length === 0 ? `${step.fault}, and clawhold verify says nothing` : step.fault;
    ({ position } = step);
    if (position.index === kept.index) keptHash = position.hash;
  }
  const [finding] = findings;
  if (finding !== undefined) return NAMES[finding.code] ?? finding.what;
  if (position.index < kept.index) return "shorter than a head seen before";
  return keptHash === kept.hash ? "verifies" : "not the head seen before";
}
