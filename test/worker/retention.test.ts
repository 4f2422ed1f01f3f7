/** How long the log is kept: segments that were exported are dropped, by a touch, and the rest still proves itself. */
import { runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { segmentOf } from "../../durable-objects/env.ts";
import { fromBase64url, toBase64url, utf8 } from "../../protocol/bytes.ts";
import { entryLeaf, openCheckpoint } from "../../protocol/checkpoint.ts";
import { endpoints, type ActivityRow } from "../../protocol/contracts.ts";
import { TICKET_HEADER } from "../../protocol/contracts/exports.ts";
import type { Retention } from "../../protocol/contracts/ledger.ts";
import { verifyInclusion } from "../../protocol/merkle.ts";
import { noteFromWire } from "../../protocol/note.ts";
import { sha256Of } from "../../protocol/signing.ts";
import { approvedBody, type Bends } from "../fixtures/edge/edge-action.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { ORIGIN } from "../fixtures/edge/page.ts";
import { Town } from "../fixtures/edge/town.ts";
import type { Fields } from "../fixtures/workspace.ts";
import { withoutTriggers } from "../durable-objects/ledger-rows.ts";
import { edge, ledgerBodies, send, type Reply } from "./client.ts";
import { env } from "./environment.ts";
import { age, SEGMENT, sealSegments } from "./sealed-log.ts";

let town: Town;
beforeAll(async () => {
  town = await Town.at(edge);
  await sealSegments(town.workspace, 3);
}, 60_000);

const change = async (what: Fields, bends?: Bends): Promise<Reply> =>
  town.page.call("retentionChange", {
    body: await approvedBody(town.founded, { endpoint: "retentionChange", change: what }, bends),
  });
const standing = async (): Promise<Retention> => (await town.page.must("retention")) as unknown as Retention;

const started = async (what: Fields): Promise<string> => {
  const asked = { format: "jsonl", purpose: "retention", filter: {}, ...what };
  const body = await approvedBody(town.founded, { endpoint: "exportStart", change: asked });
  return String((await town.page.must("exportStart", { body }))["export"]);
};

async function parts(name: string, { twice = false } = {}): Promise<string> {
  let text = "";
  let query = "";
  for (;;) {
    const ask = () => town.page.must("exportPart", { params: { export: name }, query });
    // An answer that was lost is asked for again.
    const part = twice ? (await ask(), await ask()) : await ask();
    text += String(part["text"]);
    const { next } = part;
    if (typeof next !== "string") return text;
    query = `?cursor=${next}`;
  }
}

async function downloaded(name: string): Promise<string> {
  const { ticket } = await town.page.must("exportTicket", { params: { export: name }, body: {} });
  const headers = { [TICKET_HEADER]: String(ticket) };
  const request = new Request(`${ORIGIN}${endpoints.exportDownload.path}`, { method: "POST", headers });
  return (await send("web", request)).text();
}

const sha256 = (text: string): string => toBase64url(sha256Of(utf8(text)));

/** What `clawhold verify` runs: a program of Node, which this runtime can run too, but whose types are others. */
interface VerifyResult {
  readonly first: number;
  readonly last: number;
  readonly entries: number;
  readonly report: { readonly findings: readonly { readonly code: string }[] };
}
const VERIFIER: string = "../../agent/verify/read.ts";

async function verified(text: string): Promise<VerifyResult> {
  const { verifyChunks } = (await import(VERIFIER)) as {
    readonly verifyChunks: (
      chunks: Iterable<Uint8Array>,
      options: { readonly workspace: string },
    ) => Promise<VerifyResult>;
  };
  return verifyChunks([Buffer.from(text)], { workspace: town.workspace });
}

/** There is no host here that could witness. */
const FINE = ["unwitnessed"];
const codesOf = ({ report }: VerifyResult): readonly string[] => report.findings.map(({ code }) => code);

describe("what is kept", () => {
  it("is everything, until somebody says otherwise", async () => {
    const { days, segments, openFrom } = await standing();
    expect(days).toBeUndefined();
    expect(openFrom).toBe(3 * SEGMENT + 1);
    expect(segments.map(({ n, first, last }) => [n, first, last])).toEqual([
      [1, 1, 100],
      [2, 101, 200],
      [3, 201, 300],
    ]);
    expect(segments.every(({ exported, droppedAt }) => exported === undefined && droppedAt === undefined)).toBe(true);
  });

  it("is set by a touch, in the ledger first", async () => {
    expect((await change({ setting: "ledgerRetention", days: 2_192 })).body).toMatchObject({ days: 2_192 });
    expect((await change({ setting: "ledgerRetentionOff" })).body["days"]).toBeUndefined();
    expect((await change({ setting: "ledgerRetention", days: 365 })).body).toMatchObject({ days: 365 });
    const said = (await ledgerBodies(town.workspace)).filter(({ action }) => action === "setting.changed");
    expect(said.map(({ detail }) => (detail as Fields)["setting"])).toEqual([
      "ledgerRetention",
      "ledgerRetentionOff",
      "ledgerRetention",
    ]);
    expect((await change({ setting: "ledgerRetention", days: 89 })).code).toBe("malformed_request");
    const bent = await change({ setting: "ledgerRetention", days: 365 }, { change: { setting: "ledgerRetentionOff" } });
    expect(bent.code).toBe("approval_wrong");
  });
});

describe("a copy of one segment", () => {
  it("proves itself, and is remembered by its digest when it is whole", async () => {
    const text = await downloaded(await started({ segment: 1 }));
    const result = await verified(text);
    expect(codesOf(result)).toEqual(FINE);
    expect(result).toMatchObject({ first: 1, last: SEGMENT, entries: SEGMENT });
    expect((await standing()).segments[0]?.exported).toBe(sha256(text));
    const said = (await ledgerBodies(town.workspace)).findLast(({ action }) => action === "ledger.exported");
    expect(said?.["detail"]).toMatchObject({ segment: { n: 1, first: 1, last: SEGMENT } });
  });

  it("taken by a page in parts is the same, also when parts are asked for twice", async () => {
    const name = await started({ segment: 2 });
    const text = await parts(name, { twice: true });
    const result = await verified(text);
    expect(codesOf(result)).toEqual(FINE);
    expect(result).toMatchObject({ first: SEGMENT + 1, last: 2 * SEGMENT });
    expect((await standing()).segments[1]?.exported).toBe(sha256(text));
  });

  it("is not remembered when it was not taken whole, or cannot prove itself", async () => {
    const name = await started({ segment: 3 });
    await town.page.must("exportPart", { params: { export: name }, query: "?cursor=rows.200.4" });
    await downloaded(await started({ segment: 3, format: "csv" }));
    await parts(await started({ segment: 3, format: "csv" }));
    expect((await standing()).segments[2]?.exported).toBeUndefined();
  });
});

describe("a value in a sealed segment", () => {
  it("is erased there, and found erased", async () => {
    const index = 50;
    const rowOf = async (): Promise<ActivityRow> =>
      ((await town.page.must("entryProof", { params: { index: String(index) } })) as unknown as { row: ActivityRow })
        .row;
    expect((await rowOf()).source).toBeDefined();
    const what = { field: "source", index };
    const erase = async () =>
      town.page.call("erase", { body: await approvedBody(town.founded, { endpoint: "erase", change: what }) });
    expect((await erase()).status).toBe(200);
    expect((await rowOf()).source).toBeUndefined();
    expect((await erase()).code).toBe("nothing_to_erase");
  });
});

describe("dropping", () => {
  const drop = (n: number, exported: string | undefined, bends?: Bends): Promise<Reply> =>
    change({ setting: "ledgerDropSegment", n, exported: exported ?? nonceOf("no file") }, bends);
  const exportedOf = async (n: number): Promise<string | undefined> =>
    (await standing()).segments.find((one) => one.n === n)?.exported;

  it("waits until the policy says so, and for the oldest, and for a copy", async () => {
    expect((await drop(1, await exportedOf(1))).code).toBe("segment_kept");
    await age(town.workspace, 1, 366);
    await age(town.workspace, 2, 366);
    expect((await drop(2, await exportedOf(2))).code).toBe("segment_older");
    expect((await drop(1, nonceOf("another file"))).code).toBe("segment_copy");
    expect((await drop(4, nonceOf("another file"))).code).toBe("segment_unknown");
    await change({ setting: "ledgerRetentionOff" });
    expect((await drop(1, await exportedOf(1))).code).toBe("segment_kept");
    await change({ setting: "ledgerRetention", days: 365 });
    expect((await ledgerBodies(town.workspace)).some(({ action }) => action === "ledger.dropped")).toBe(false);
  });

  it("needs a touch over exactly this segment and copy", async () => {
    const exported = await exportedOf(1);
    const other = { setting: "ledgerDropSegment", n: 2, exported: exported ?? "" };
    const bent = await drop(1, exported, { action: { endpoint: "erase" } });
    expect(bent.code).toBe("approval_wrong");
    const body = await approvedBody(
      town.founded,
      { endpoint: "retentionChange", change: other },
      { change: { ...other, n: 1 } },
    );
    expect((await town.page.call("retentionChange", { body })).code).toBe("approval_wrong");
    expect((await standing()).segments[0]?.droppedAt).toBeUndefined();
  });

  it("does nothing while the ledger cannot be written", async () => {
    await env.DB.exec("CREATE TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    expect((await drop(1, await exportedOf(1))).code).toBe("ledger_unavailable");
    await env.DB.exec("DROP TRIGGER full");
    expect((await standing()).segments[0]?.droppedAt).toBeUndefined();
    expect((await town.page.must("entryProof", { params: { index: "1" } }))["row"]).toBeDefined();
  });

  it("waits until the open table has none of its rows", async () => {
    const { results } = await env.DB.prepare("SELECT * FROM ledger WHERE workspace = ? ORDER BY idx LIMIT 1")
      .bind(town.workspace)
      .all<Record<string, unknown>>();
    const row = { ...results[0], idx: 7, subject: null };
    await withoutTriggers(env.DB, () =>
      env.DB.prepare("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?)")
        .bind(...Object.values(row))
        .run(),
    );
    expect((await drop(1, await exportedOf(1))).code).toBe("segment_moving");
    await env.DB.prepare("DELETE FROM ledger WHERE workspace = ? AND idx = 7").bind(town.workspace).run();
  });

  it("says so first, takes the rows, and leaves the hashes", async () => {
    const exported = await exportedOf(1);
    const { body, status } = await drop(1, exported);
    expect(status).toBe(200);
    const { segments } = body as unknown as Retention;
    expect(segments[0]).toMatchObject({ n: 1, exported });
    expect(segments[0]?.droppedAt).toBeGreaterThan(0);
    const said = (await ledgerBodies(town.workspace)).findLast(({ action }) => action === "ledger.dropped");
    expect(said).toMatchObject({
      actor: { kind: "person", id: "p-ada" },
      detail: { segment: { n: 1, first: 1, last: SEGMENT, hash: segments[0]?.hash, exported } },
    });
    const left = await runInDurableObject(segmentOf(env, town.workspace, 1), (_, { storage }) =>
      ["entries", "openings", "receipts", "segment"].map(
        (table) => storage.sql.exec(`SELECT * FROM ${table}`).toArray().length,
      ),
    );
    expect(left).toEqual([0, 0, 0, 0]);
    expect((await drop(1, exported)).code).toBe("segment_unknown");
    expect((await town.page.call("exportStart", { body: await exportBody(1) })).code).toBe("segment_unknown");
  });

  const exportBody = (segment: number): Promise<Fields> =>
    approvedBody(town.founded, {
      endpoint: "exportStart",
      change: { format: "jsonl", purpose: "retention", filter: {}, segment },
    });

  it("leaves entries after it readable, and says where they begin", async () => {
    const { rows, droppedTo } = (await town.page.must("activity", { query: "?after=0&limit=5" })) as unknown as {
      rows: readonly ActivityRow[];
      droppedTo: number;
    };
    expect(droppedTo).toBe(SEGMENT);
    expect(rows.map(({ index }) => index)).toEqual([101, 102, 103, 104, 105]);
    const newest = await town.page.must("activity", { query: `?before=${SEGMENT + 3}&limit=5` });
    expect((newest["rows"] as readonly ActivityRow[]).map(({ index }) => index)).toEqual([102, 101]);
    expect((await town.page.call("entryProof", { params: { index: "100" } })).code).toBe("entry_dropped");
  });

  it("leaves proofs of later entries what they were", async () => {
    const { row, inclusion, checkpoint } = (await town.page.must("entryProof", {
      params: { index: "101" },
    })) as unknown as { row: ActivityRow; inclusion: string[]; checkpoint: string };
    const { workspace, ledgerKey } = await town.trust();
    const signed = await openCheckpoint(noteFromWire(checkpoint), { workspace, ledgerKey });
    if (typeof signed === "string") throw new Error(signed);
    const { size, root } = signed;
    const leaf = entryLeaf(row.hash);
    const proof = inclusion.map((one) => fromBase64url(one));
    expect(verifyInclusion({ index: row.index - 1, size, leaf, proof, root })).toBe(true);
  });

  it("leaves copies that verify, and say what was dropped", async () => {
    for (const text of [await parts(await started({})), await downloaded(await started({}))]) {
      const before = text.split("\n").find((line) => line.includes('"kind":"before"'));
      expect(JSON.parse(before ?? "{}")).toMatchObject({ kind: "before", index: SEGMENT, dropped: true });
      const result = await verified(text);
      expect(codesOf(result)).toEqual(FINE);
      expect(result.first).toBe(SEGMENT + 1);
    }
    const next = await verified(await downloaded(await started({ segment: 2 })));
    expect(codesOf(next)).toEqual(FINE);
  });

  it("is carried through by the object when whoever asked is gone", async () => {
    const segment = segmentOf(env, town.workspace, 2);
    await env.DB.prepare("UPDATE ledger_segments SET exported = ? WHERE workspace = ? AND n = 2")
      .bind(nonceOf("kept"), town.workspace)
      .run();
    await runInDurableObject(segment, async (instance, { storage }) => {
      storage.sql.exec("UPDATE segment SET stage = 'dropping'");
      await instance.alarm();
    });
    expect((await standing()).segments[1]?.droppedAt).toBeGreaterThan(0);
    const rows = await town.page.must("activity", { query: "?after=0&limit=1" });
    expect((rows["rows"] as readonly ActivityRow[])[0]?.index).toBe(2 * SEGMENT + 1);
    // Here no entry told of it, as the route would have had it written: whoever reads a copy is told.
    const result = await verified(await parts(await started({})));
    expect(codesOf(result)).toEqual(["dropped_untold", ...FINE]);
  });
});
