import { runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { CheckpointTable } from "../../durable-objects/db/checkpoint-table.ts";
import { publicKeyOf } from "../../durable-objects/signer.ts";
import { fromBase64url, toBase64url, utf8 } from "../../protocol/bytes.ts";
import {
  openCheckpoint,
  entryLeaf,
  parseCheckpoint,
  witnessName,
  type OpenedCheckpoint,
} from "../../protocol/checkpoint.ts";
import { endpoints } from "../../protocol/contracts.ts";
import { TICKET_HEADER } from "../../protocol/contracts/exports.ts";
import { CHAIN_START, checkEntry } from "../../protocol/ledger.ts";
import { ledgerLineCodec, type LedgerLine } from "../../protocol/ledger-file.ts";
import { Frontier, verifyConsistency, verifyInclusion } from "../../protocol/merkle.ts";
import { decodeNote, encodeNote, noteFromWire } from "../../protocol/note.ts";
import { approvedBody, type Bends } from "../fixtures/edge/edge-action.ts";
import { HostPeer } from "../fixtures/edge/host-peer.ts";
import { ORIGIN } from "../fixtures/edge/page.ts";
import { addMember, signInMember } from "../fixtures/edge/people.ts";
import { Town } from "../fixtures/edge/town.ts";
import type { Fields } from "../fixtures/workspace.ts";
import { edge, fresh, ledgerBodies, send, type Reply } from "./client.ts";
import { env } from "./environment.ts";

const endpoint = "exportStart";
const everything = { format: "jsonl", purpose: "audit", filter: {} };

let town: Town;
let intent: string;
let host: string;
beforeAll(async () => {
  town = await Town.at(edge);
  const peer = await HostPeer.at(edge, "host", town.workspace);
  await peer.join();
  ({ host } = peer);
  const tunnel = await peer.open();
  await town.admit(peer);
  await tunnel.next("trust");
  const { body, digest } = await town.submission(host);
  intent = digest;
  await town.page.must("command", { body });
});

const start = async (change: Fields, bends?: Bends): Promise<Reply> =>
  town.page.call(endpoint, { body: await approvedBody(town.founded, { endpoint, change }, bends) });
const started = async (change: Fields): Promise<string> => {
  const { status, body } = await start(change);
  if (status !== 200) throw new Error(JSON.stringify(body));
  return String(body["export"]);
};

async function parts(name: string): Promise<readonly string[]> {
  const texts: string[] = [];
  let query = "";
  for (;;) {
    const { text, next } = await town.page.must("exportPart", { params: { export: name }, query });
    texts.push(String(text));
    if (typeof next !== "string") return texts;
    query = `?cursor=${next}`;
  }
}
const whole = async (change: Fields): Promise<string> => (await parts(await started(change))).join("");

const ticketFor = async (name: string): Promise<string> =>
  String((await town.page.must("exportTicket", { params: { export: name }, body: {} }))["ticket"]);
const download = (ticket: string | undefined): Promise<Response> =>
  send(
    "web",
    new Request(`${ORIGIN}${endpoints.exportDownload.path}`, {
      method: "POST",
      headers: ticket === undefined ? {} : { [TICKET_HEADER]: ticket },
    }),
  );

const linesOf = (text: string): readonly LedgerLine[] =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => ledgerLineCodec.decode(utf8(line)));

async function checkpointOf(lines: readonly LedgerLine[]): Promise<OpenedCheckpoint> {
  const line = lines.find(({ kind }) => kind === "checkpoint");
  if (line?.kind !== "checkpoint") throw new Error("no checkpoint");
  const ledgerKey = await publicKeyOf(env.LEDGER_KEY);
  const opened = await openCheckpoint(noteFromWire(line.note), { workspace: town.workspace, ledgerKey });
  if (typeof opened === "string") throw new Error(opened);
  return opened;
}

describe("a copy of everything", () => {
  it("proves itself: chain, root, signature, and nothing is cut off", async () => {
    const lines = linesOf(await whole(everything));
    expect(lines[0]).toEqual({ kind: "log", v: 1, workspace: town.workspace, form: "chain" });
    const [, trust] = lines;
    expect(trust?.kind === "trust" && trust.page.root !== undefined).toBe(true);
    const { size, root } = await checkpointOf(lines);
    let position = CHAIN_START;
    const tree = new Frontier();
    for (const line of lines) {
      if (line.kind !== "entry") continue;
      const step = checkEntry(fromBase64url(line.row.body), line.row.hash, { workspace: town.workspace, position });
      if (!step.ok) throw new Error(`${step.index}: ${step.fault}`);
      ({ position } = step);
      tree.append(entryLeaf(line.row.hash));
    }
    expect(position.index).toBe(size);
    expect(toBase64url(tree.root())).toBe(toBase64url(root));
    expect(lines.at(-1)).toEqual({ kind: "end", lines: lines.length - 1 });
  });

  it("holds the entry of its own making, and what people signed right behind the entry that took it", async () => {
    const name = await started(everything);
    const lines = linesOf((await parts(name)).join(""));
    const entries = (await ledgerBodies(town.workspace)).filter(({ action }) => action === "ledger.exported");
    expect(entries.at(-1)).toMatchObject({
      actor: { kind: "person", id: "p-ada" },
      detail: { export: { id: name, format: "jsonl", purpose: "audit" }, session: town.founded.session },
    });
    const bodies = lines.flatMap((line) => (line.kind === "entry" ? [toText(line.row.body)] : []));
    expect(bodies.some((body) => body.includes(name))).toBe(true);
    const place = lines.findIndex(({ kind }) => kind === "evidence");
    expect(lines[place]).toMatchObject({ kind: "evidence", intent, host });
    const before = lines[place - 1];
    expect(before?.kind === "entry" && toText(before.row.body)).toContain("command.accepted");
  });

  it("is the same file with a ticket as in parts", async () => {
    const name = await started(everything);
    const response = await download(await ticketFor(name));
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/octet-stream");
    expect(await response.text()).toBe((await parts(name)).join(""));
  });

  it.each(["csv", "ocsf", "cef", "syslog"])("as %s has a line for each entry", async (format) => {
    const { body } = await start({ ...everything, format });
    const text = (await parts(String(body["export"]))).join("");
    const lines = text.split("\n").slice(0, -1);
    expect(lines).toHaveLength(Number(body["entries"]) + (format === "csv" ? 1 : 0));
    expect(text).toContain("workspace.created");
    expect(text).toContain("ledger.exported");
  });
});

const textOf = (note: string): string => decodeNote(noteFromWire(note)).text;

function toText(body: string): string {
  return new TextDecoder().decode(fromBase64url(body));
}

describe("a filtered copy", () => {
  it("proves each entry for itself", async () => {
    const filter = { action: "session.started" };
    const lines = linesOf(await whole({ ...everything, filter }));
    expect(lines[0]).toMatchObject({ form: "proven", filter });
    const { size, root } = await checkpointOf(lines);
    const rows = lines.flatMap((line) => (line.kind === "proven" ? [line] : []));
    expect(rows.length).toBeGreaterThan(0);
    for (const { row, inclusion } of rows) {
      expect(toText(row.body)).toContain('"action":"session.started"');
      const proof = inclusion.map((hash) => fromBase64url(hash));
      expect(verifyInclusion({ index: row.index - 1, size, leaf: entryLeaf(row.hash), proof, root })).toBe(true);
    }
    expect(lines.some(({ kind }) => kind === "entry")).toBe(false);
    expect(lines.at(-1)?.kind).toBe("end");
  });

  it("brings what hosts cosigned before, proven to be the beginning of what covers it", async () => {
    const table = new CheckpointTable(env.DB, town.workspace);
    const seen = await table.newest();
    if (seen === undefined) throw new Error("a checkpoint of the copy before");
    const line = { name: witnessName(town.workspace, host), bytes: new Uint8Array(76) };
    const { text, signatures } = decodeNote(seen.note);
    const note = encodeNote({ text, signatures: [...signatures, line] });
    await table.addCosignature({ host, size: seen.size, line: toBase64url(line.bytes), note, at: 1 });
    const lines = linesOf(await whole({ ...everything, filter: { action: "session.started" } }));
    const [covering, earlier] = lines.filter((one) => one.kind === "checkpoint");
    const [total, part] = [covering, earlier].map((one) => parseCheckpoint(textOf(one?.note ?? "")));
    if (total === undefined || part === undefined) throw new Error("two checkpoints");
    const proof = (earlier?.consistency ?? []).map((hash) => fromBase64url(hash));
    const { size: to, root: toRoot } = total;
    expect([part.size, proof.length > 0]).toEqual([seen.size, true]);
    expect(verifyConsistency({ from: part.size, fromRoot: part.root, to, toRoot, proof })).toBe(true);
    expect(covering?.consistency).toBeUndefined();
  });

  it.each<readonly [string, Fields, (body: Fields) => boolean]>([
    ["actor", { actor: "p-ada" }, ({ actor }) => (actor as Fields)["id"] === "p-ada"],
    ["actor without an id", { actor: "edge" }, ({ actor }) => (actor as Fields)["kind"] === "edge"],
    ["time", { since: 1, until: 2 }, () => false],
    ["action", { action: "host.joined" }, ({ action }) => action === "host.joined"],
  ])("by %s holds those and no other", async (_, filter, fits) => {
    const text = await whole({ ...everything, format: "ocsf", filter });
    const indices = text
      .split("\n")
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { unmapped: { index: number } }).unmapped.index);
    const bodies = await ledgerBodies(town.workspace);
    const held = bodies.slice(0, lastExported(bodies) + 1);
    const wanted = held.filter((body) => fits(body)).map(({ index }) => index);
    expect(indices).toEqual(wanted);
  });

  it("of a host holds what it did and what was done to it", async () => {
    const text = await whole({ ...everything, format: "csv", filter: { host } });
    expect(text).toContain("host.connected");
    expect(text).toContain("command.accepted");
    expect(text).not.toContain("workspace.created");
  });

  it("that finds nothing is an empty file, not an error", async () => {
    const text = await whole({ ...everything, format: "csv", filter: { action: "host.reset" } });
    expect(text).toMatch(/^"index",[^\n]*\r\n$/);
  });
});

function lastExported(bodies: readonly Fields[]): number {
  return bodies.findLastIndex(({ action }) => action === "ledger.exported");
}

describe("a copy", () => {
  it("is not made without a touch over exactly it, and then nothing is written", async () => {
    const count = async () =>
      (await ledgerBodies(town.workspace)).filter(({ action }) => action === "ledger.exported").length;
    const before = await count();
    expect((await start(everything, { change: { ...everything, purpose: "backup" } })).code).toBe("approval_wrong");
    expect((await start({ ...everything, filter: { since: 5, until: 5 } })).code).toBe("malformed_request");
    expect((await start({ ...everything, segment: 1, filter: { actor: "p-ada" } })).code).toBe("malformed_request");
    expect((await start({ ...everything, format: "xml" })).code).toBe("malformed_request");
    expect(await count()).toBe(before);
  });

  it("that could not prove itself is not made, and costs no touch: the writer does not sign", async () => {
    const view = { size: 1, root: fresh() };
    const refusal = { since: 1, reason: "smaller", held: view, shown: view };
    const ledger = env.LEDGER.getByName(town.workspace);
    await runInDurableObject(ledger, (_, { storage }) => {
      storage.sql.exec("INSERT INTO refusal (one, refusal, written) VALUES (1, ?, 1)", JSON.stringify(refusal));
    });
    const body = await approvedBody(town.founded, { endpoint, change: everything });
    expect((await town.page.call(endpoint, { body })).code).toBe("checkpoint_refused");
    // The others are worth having just then.
    expect((await start({ ...everything, format: "csv" })).status).toBe(200);
    await runInDurableObject(ledger, (_, { storage }) => storage.sql.exec("DELETE FROM refusal"));
    expect((await town.page.call(endpoint, { body })).status).toBe(200);
  });

  it("of a segment that is none is refused", async () => {
    expect((await start({ ...everything, segment: 77 })).code).toBe("segment_unknown");
  });

  it.each([
    "",
    "?cursor=rows",
    "?cursor=rows.1",
    "?cursor=rows.01.1",
    "?cursor=nowhere.1.1",
    "?cursor=rows.1.1&cursor=rows.1.1",
  ])("goes on from a cursor and nothing else: %s", async (query) => {
    const name = await started(everything);
    const reply = await town.page.call("exportPart", { params: { export: name }, query });
    expect(reply.code).toBe(query === "" ? undefined : "malformed_request");
  });

  it("is nobody else's: not another person's, not another session's", async () => {
    const name = await started(everything);
    const aud = await signInMember(town, await addMember(town, "p-aud", ["admin"]));
    for (const endpoint of ["exportPart", "exportTicket"] as const) {
      const body = endpoint === "exportTicket" ? { body: {} } : {};
      expect((await aud.page.call(endpoint, { params: { export: name }, ...body })).code).toBe("export_unknown");
      expect((await town.page.call(endpoint, { params: { export: "x-nobody" }, ...body })).code).toBe("export_unknown");
    }
  });

  it("is over after its hour", async () => {
    const name = await started(everything);
    const stub = env.EXPORTS.getByName(town.workspace);
    const order = await stub.find(name, town.founded.session);
    if (order === undefined) throw new Error("no order");
    await stub.start({ ...order, export: "x-old", expires: 1 });
    expect((await town.page.call("exportPart", { params: { export: "x-old" } })).code).toBe("export_unknown");
  });
});

describe("a ticket", () => {
  it("is good once, and nothing else opens the door", async () => {
    const ticket = await ticketFor(await started(everything));
    expect((await download(ticket)).status).toBe(200);
    for (const wrong of [ticket, undefined, fresh(), "x"]) expect((await download(wrong)).status).toBe(401);
  });

  it("is worth nothing once the session that asked for it has ended", async () => {
    const otto = await signInMember(town, await addMember(town, "p-otto", ["admin"]));
    const member = { workspace: town.workspace, ...otto };
    const body = await approvedBody(member, { endpoint, change: everything });
    const { export: name } = await otto.page.must(endpoint, { body });
    const { ticket } = await otto.page.must("exportTicket", { params: { export: String(name) }, body: {} });
    await otto.page.must("signOut");
    expect((await download(String(ticket))).status).toBe(401);
  });
});

describe("a download under way", () => {
  it("breaks off, and is seen to, when its session ends", async () => {
    const eva = await signInMember(town, await addMember(town, "p-eva", ["admin"]));
    const body = await approvedBody({ workspace: town.workspace, ...eva }, { endpoint, change: everything });
    const { export: name } = await eva.page.must(endpoint, { body });
    const { ticket } = await eva.page.must("exportTicket", { params: { export: String(name) }, body: {} });
    const response = await download(String(ticket));
    const reader = response.body?.getReader();
    const first = await reader?.read();
    expect(first?.value?.length).toBeGreaterThan(0);
    await eva.page.must("signOut");
    const drain = async (): Promise<void> => {
      while ((await reader?.read())?.done === false);
    };
    await expect(drain()).rejects.toThrow("not allowed");
  });
});
