import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { fromBase64url } from "../../protocol/bytes.ts";
import { entryLeaf, openCheckpoint, type OpenedCheckpoint } from "../../protocol/checkpoint.ts";
import type { ActivityRow } from "../../protocol/contracts.ts";
import { commit, entryCodec, type LedgerEntry } from "../../protocol/ledger.ts";
import { verifyConsistency, verifyInclusion, type Hash } from "../../protocol/merkle.ts";
import { noteFromWire } from "../../protocol/note.ts";
import { approvedBody } from "../fixtures/edge/edge-action.ts";
import { HostPeer } from "../fixtures/edge/host-peer.ts";
import { Town } from "../fixtures/edge/town.ts";
import { edge } from "./client.ts";
import { env } from "./environment.ts";

let town: Town;
let peer: HostPeer;

beforeAll(async () => {
  town = await Town.at(edge);
  peer = await HostPeer.at(edge, "box", town.workspace);
  await peer.join();
  await town.admit(peer);
});

const entryOf = ({ body }: ActivityRow): LedgerEntry => entryCodec.decode(fromBase64url(body));

interface Filtered {
  readonly rows: readonly ActivityRow[];
  readonly head: { readonly index: number };
  readonly inclusion?: readonly (readonly string[])[];
  readonly checkpoint?: string;
  readonly scanned?: number;
}

async function opened(note: string): Promise<OpenedCheckpoint> {
  const { workspace, ledgerKey } = await town.trust();
  const checkpoint = await openCheckpoint(noteFromWire(note), { workspace, ledgerKey });
  if (typeof checkpoint === "string") throw new Error(checkpoint);
  return checkpoint;
}

function isIncluded(row: ActivityRow, proof: readonly string[], { size, root }: OpenedCheckpoint): boolean {
  return verifyInclusion({
    index: row.index - 1,
    size,
    leaf: entryLeaf(row.hash),
    proof: proof.map((hash) => fromBase64url(hash)),
    root,
  });
}

async function filtered(query: string): Promise<Filtered> {
  return (await town.page.must("activity", { query })) as unknown as Filtered;
}

async function signCheckpoint(): Promise<void> {
  const signed = await env.LEDGER.getByName(town.workspace).checkpoint(town.workspace);
  expect(signed.ok).toBe(true);
}

describe("a filtered page", () => {
  it("gives each row with its own proof under a signed checkpoint", async () => {
    await signCheckpoint();
    const { rows, inclusion, checkpoint, scanned } = await filtered("?action=session.started");
    expect(rows.map((row) => entryOf(row).action)).toEqual(["session.started"]);
    expect(scanned).toBe(1);
    const signed = await opened(checkpoint ?? "");
    expect(rows.map((row, i) => isIncluded(row, inclusion?.[i] ?? [], signed))).toEqual([true]);
  });

  it("finds by actor, by host, by time, newest first", async () => {
    const hosts = await filtered(`?host=${peer.host}`);
    expect(hosts.rows.length).toBeGreaterThan(0);
    expect(
      hosts.rows.every((row) => {
        const { actor, target } = entryOf(row);
        return target === peer.host || ("id" in actor && actor.id === peer.host);
      }),
    ).toBe(true);
    const people = await filtered("?actor=p-ada");
    const indices = people.rows.map(({ index }) => index);
    expect(indices).toEqual(indices.toSorted((a, b) => b - a));
    expect((await filtered("?actor=edge")).rows.every((row) => entryOf(row).actor.kind === "edge")).toBe(true);
    const [first] = (await filtered("?actor=p-ada&limit=1")).rows;
    if (first === undefined) throw new Error("no entry");
    const at = Math.floor(entryOf(first).at / 1_000);
    expect((await filtered(`?actor=p-ada&since=${at + 1}`)).rows).toEqual([]);
    expect((await filtered(`?actor=p-ada&until=${at}`)).rows.map(({ index }) => index)).not.toContain(first.index);
  });

  it("says how far it looked when the page is full", async () => {
    const { rows, scanned } = await filtered("?actor=p-ada&limit=1");
    expect(rows).toHaveLength(1);
    expect(scanned).toBe(rows[0]?.index);
  });

  it("refuses filters it does not know, twice the same, and walking forward", async () => {
    for (const query of ["?action=anything", "?actor=A", "?actor=p-a&actor=p-b", "?since=x", "?actor=p-ada&after=0"])
      expect((await town.page.call("activity", { query })).code).toBe("malformed_request");
  });
});

describe("an entry alone", () => {
  it("comes with all that proves it, also before a checkpoint was due", async () => {
    const { head } = await filtered("?limit=1");
    const answer = (await town.page.must("entryProof", { params: { index: String(head.index) } })) as unknown as {
      row: ActivityRow;
      inclusion: string[];
      checkpoint: string;
    };
    expect(answer.row.index).toBe(head.index);
    const signed = await opened(answer.checkpoint);
    expect(signed.size).toBeGreaterThanOrEqual(head.index);
    expect(isIncluded(answer.row, answer.inclusion, signed)).toBe(true);
    expect(isIncluded({ ...answer.row, index: head.index - 1 }, answer.inclusion, signed)).toBe(false);
  });

  it("does not exist beyond the head, or under no number", async () => {
    for (const index of ["999999", "0", "1.5", "x"])
      expect((await town.page.call("entryProof", { params: { index } })).code).toBe("not_found");
  });
});

describe("checkpoints", () => {
  it("are listed newest first, and the longer one is proven to begin with the shorter", async () => {
    await signCheckpoint();
    await town.page.must("me");
    await env.LEDGER.getByName(town.workspace).append(town.workspace, [
      { draft: { actor: { kind: "edge" }, action: "host.connected", target: peer.host, detail: {} } },
    ]);
    await signCheckpoint();
    const { checkpoints } = (await town.page.must("checkpoints")) as unknown as { checkpoints: { note: string }[] };
    const [to, from] = await Promise.all(checkpoints.slice(0, 2).map(({ note }) => opened(note)));
    if (to === undefined || from === undefined) throw new Error("fewer than two checkpoints");
    expect(to.size).toBeGreaterThan(from.size);
    const query = `?from=${from.size}&to=${to.size}`;
    const { consistency } = (await town.page.must("consistency", { query })) as unknown as { consistency: string[] };
    const proof: Hash[] = consistency.map((hash) => fromBase64url(hash));
    expect(verifyConsistency({ from: from.size, to: to.size, fromRoot: from.root, toRoot: to.root, proof })).toBe(true);
  });

  it("refuses sizes that there are none of", async () => {
    for (const query of ["?from=0&to=1", "?from=2&to=1", "?from=1&to=999999", ""])
      expect((await town.page.call("consistency", { query })).code).toBe("malformed_request");
  });
});

describe("a sign-in's entry", () => {
  it("commits to the browser, and gives the opening", async () => {
    const [row] = (await filtered("?action=session.started")).rows;
    if (row?.device === undefined) throw new Error("no opening");
    expect(entryOf(row).device).toBe(commit({ field: "device", ...row.device }));
  });
});

describe("who is looking", () => {
  it("is whoever asked for something a moment ago", async () => {
    const { people } = (await town.page.must("looking")) as unknown as { people: object[] };
    expect(people).toEqual([expect.objectContaining({ person: "p-ada", sessions: 1 })]);
  });
});

describe("erasing", () => {
  const erase = async (change: Record<string, string | number>) =>
    town.page.call("erase", { body: await approvedBody(town.founded, { endpoint: "erase", change }) });

  it("writes the entry, takes the value, and leaves every proof as it was", async () => {
    const [before] = (await filtered("?action=session.started")).rows;
    if (before === undefined) throw new Error("no entry");
    expect((await erase({ field: "source", index: before.index })).status).toBe(200);
    const [row] = (await filtered("?action=session.started")).rows;
    expect(row?.source).toBeUndefined();
    expect(row?.device).toBeDefined();
    expect(row?.body).toBe(before.body);
    const [entry] = (await filtered("?action=ledger.erased&limit=1")).rows;
    expect(entry === undefined ? undefined : entryOf(entry).detail.erased).toEqual({
      field: "source",
      index: before.index,
    });
    expect((await erase({ field: "source", index: before.index })).code).toBe("nothing_to_erase");
  });

  it("takes a name from every table that holds it", async () => {
    expect((await erase({ field: "name", person: "p-ada" })).status).toBe(200);
    const { names } = (await town.page.must("trust")) as unknown as { names: object[] };
    expect(names).toEqual([]);
    expect((await erase({ field: "name", person: "p-nobody" })).code).toBe("nothing_to_erase");
  });

  it("needs a touch over exactly this", async () => {
    const [row] = (await filtered("?action=session.started")).rows;
    const change = { field: "device", index: row?.index ?? 0 };
    const body = await approvedBody(town.founded, { endpoint: "erase", change }, { change: { ...change, index: 1 } });
    expect((await town.page.call("erase", { body })).status).not.toBe(200);
    const other = await approvedBody(town.founded, { endpoint: "alertSettingsChange", change });
    expect((await town.page.call("erase", { body: other })).code).toBe("approval_wrong");
    expect((await filtered("?action=session.started")).rows[0]?.device).toBeDefined();
  });
});

describe("ordinary calls", () => {
  const sessions = () => env.SESSIONS.getByName(town.workspace);

  async function countedCalls(): Promise<readonly { readonly since: number; readonly total: number }[]> {
    const { rows } = await filtered("?action=calls.counted");
    return rows.toReversed().flatMap((row) => entryOf(row).detail.calls ?? []);
  }

  /** As if the hour were over. */
  async function anHourLater(): Promise<void> {
    await runInDurableObject(sessions(), async (object, state) => {
      object.flushCalls();
      state.storage.sql.exec("UPDATE call_counts SET started = started - 3600");
      await state.storage.setAlarm(Date.now() + 60_000);
    });
    await runDurableObjectAlarm(sessions());
  }

  it("become one entry an hour with what came since and in all", async () => {
    await anHourLater();
    const [first] = await countedCalls();
    if (first === undefined) throw new Error("no count");
    expect(first.since).toBe(first.total);
    await town.page.must("me");
    await town.page.must("me");
    await anHourLater();
    const [, second] = await countedCalls();
    // The two, and the page that looked.
    expect(second?.since).toBeGreaterThanOrEqual(3);
    expect(second?.total).toBe(first.total + (second?.since ?? 0));
  });

  it("are not lost when the object is evicted, and write nothing when nobody calls", async () => {
    await runInDurableObject(sessions(), (object) => object.flushCalls());
    const before = await countedCalls();
    await runInDurableObject(sessions(), (object) => object.flushCalls());
    await evictDurableObject(sessions());
    await anHourLater();
    const after = await countedCalls();
    expect(after).toHaveLength(before.length + 1);
    const last = after.at(-1);
    expect(last?.total).toBe((before.at(-1)?.total ?? 0) + (last?.since ?? 0));
  });
});

describe("reading what somebody signed", () => {
  it("is in the ledger before the answer, and nothing is where there was nothing to read", async () => {
    const params = { host: peer.host, intent: "A".repeat(43) };
    expect((await town.page.call("commandEvidence", { params })).code).toBe("command_unknown");
    expect((await filtered("?action=evidence.read")).rows).toEqual([]);
  });
});
