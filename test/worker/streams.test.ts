import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { StreamRow } from "../../protocol/contracts/streams.ts";
import { MAX_STREAM_ATTEMPTS, MAX_STREAM_BATCH, MAX_STREAMS, STREAM_PATIENCE_SECONDS } from "../../protocol/limits.ts";
import { approvedBody } from "../fixtures/edge/edge-action.ts";
import { FarEnd } from "../fixtures/edge/far-end.ts";
import { Town } from "../fixtures/edge/town.ts";
import type { Fields } from "../fixtures/workspace.ts";
import { edge, ledgerBodies, type Reply } from "./client.ts";
import { env } from "./environment.ts";

const endpoint = "streamChange";
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const newSecret = "whsec_c2l4dGVlbiBieXRlcyBhbmQgdGhlbiBzb21lIG1vcmU=";
const siem = {
  setting: "streamAdd",
  label: "SIEM",
  url: "https://siem.example/in?k=1",
  secret,
  format: "ocsf",
  filter: {},
  from: 1,
};

let town: Town;
let far: FarEnd;
beforeAll(async () => {
  town = await Town.at(edge);
});
beforeEach(async () => {
  // A test says itself when the object looks; that it wakes by itself has a test of its own.
  await runInDurableObject(stub(), (_, { storage }) => {
    vi.spyOn(storage, "setAlarm").mockResolvedValue(undefined);
  });
  far = new FarEnd(secret);
  vi.spyOn(globalThis, "fetch").mockImplementation((input) => far.handle(input as Request));
});
afterEach(async () => {
  for (const { stream } of await listed()) await must({ setting: "streamRemove", stream });
  vi.restoreAllMocks();
});

const stub = () => env.STREAMS.getByName(town.workspace);
const change = async (what: Fields): Promise<Reply> =>
  town.page.call(endpoint, { body: await approvedBody(town.founded, { endpoint, change: what }) });
const must = async (what: Fields): Promise<readonly StreamRow[]> => {
  const { status, body } = await change(what);
  if (status !== 200) throw new Error(JSON.stringify(body));
  return body["streams"] as readonly StreamRow[];
};
const listed = async (): Promise<readonly StreamRow[]> =>
  (await town.page.must("streams"))["streams"] as readonly StreamRow[];
const only = async (): Promise<StreamRow> => {
  const [row] = await listed();
  if (row === undefined) throw new Error("no stream");
  return row;
};
const add = async (more: Fields = {}): Promise<string> => (await must({ ...siem, ...more })).at(-1)?.stream ?? "";
const look = () => runInDurableObject(stub(), (object) => object.alarm());
/** As if every pause were over. */
const lookLater = (bend = "retry_at = 0") =>
  runInDurableObject(stub(), async (object, { storage }) => {
    storage.sql.exec(`UPDATE streams SET ${bend} WHERE retry_at IS NOT NULL`);
    await object.alarm();
  });
const head = async (): Promise<number> => (await ledgerBodies(town.workspace)).length;
const indices = (): readonly number[] =>
  far.accepted.flatMap(({ body }) =>
    body
      .split("\n")
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { unmapped: { index: number } }).unmapped.index),
  );
const upTo = (size: number): readonly number[] => Array.from({ length: size }, (_, i) => i + 1);
const write = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++)
    await env.LEDGER.getByName(town.workspace).append(town.workspace, [
      { draft: { actor: { kind: "edge" }, action: "host.connected", detail: {} } },
    ]);
};
const actions = async (action: string): Promise<readonly Fields[]> =>
  (await ledgerBodies(town.workspace)).filter((entry) => entry["action"] === action);
const alerts = async (): Promise<readonly Fields[]> =>
  ((await town.page.must("alerts"))["alerts"] as readonly Fields[]).filter(({ kind }) => kind === "stream.failing");

describe("a stream", () => {
  it("is set by a touch, told without its secrets, sealed, and an entry", async () => {
    const stream = await add();
    const row = await only();
    expect(row).toMatchObject({
      stream,
      label: "SIEM",
      to: "siem.example",
      format: "ocsf",
      state: "live",
      attempts: 0,
    });
    const stored = await runInDurableObject(stub(), (_, { storage }) =>
      JSON.stringify(storage.sql.exec("SELECT * FROM streams").toArray()),
    );
    for (const hidden of [secret.slice(6), "/in?k=1"]) {
      expect(JSON.stringify(row)).not.toContain(hidden);
      expect(stored).not.toContain(hidden);
    }
    const [entry] = (await actions("setting.changed")).slice(-1);
    expect(entry).toMatchObject({
      actor: { kind: "person", id: "p-ada" },
      detail: { setting: "streamAdd", stream, session: town.founded.session },
    });
  });

  it("brings every entry once, in order, signed, in its format, and writes none itself", async () => {
    await write(MAX_STREAM_BATCH + 5);
    await add();
    const size = await head();
    await look();
    expect(far.refused).toEqual([]);
    expect(indices()).toEqual(upTo(size));
    expect(far.accepted[0]).toMatchObject({ contentType: "application/x-ndjson" });
    expect(await only()).toMatchObject({ cursor: size, head: size, state: "live", lastSentAt: expect.any(Number) });
    await look();
    expect(far.requests).toBe(Math.ceil(size / MAX_STREAM_BATCH));
    expect(await head()).toBe(size);
  });

  it("from now on brings only what comes", async () => {
    await add({ from: 0 });
    const size = await head();
    await write(2);
    await look();
    expect(indices()).toEqual([size + 1, size + 2]);
  });

  it.each([
    ["csv", "text/csv; charset=utf-8; header=present", /^"index","time",/],
    ["jsonl", "application/x-ndjson", /^\{"kind":"entry","row":/],
    ["cef", "text/plain; charset=utf-8", /^CEF:0\|/],
    ["syslog", "text/plain; charset=utf-8", /^<\d+>1 /],
  ])("speaks %s", async (format, contentType, beginning) => {
    await add({ format });
    await look();
    expect(far.accepted[0]).toMatchObject({ contentType, body: expect.stringMatching(beginning) });
  });

  it("with a filter brings what fits, and moves past the rest", async () => {
    await add({ filter: { action: "session.started" } });
    await look();
    expect(far.accepted).toHaveLength(1);
    const first = await only();
    await write(3);
    await look();
    expect(far.accepted).toHaveLength(1);
    expect((await only()).cursor).toBe(first.cursor + 3);
  });

  it("can be tested, and says what failed", async () => {
    const stream = await add();
    const body = {};
    expect(await town.page.must("streamTest", { params: { stream }, body })).toEqual({});
    expect(far.accepted[0]?.body).toContain("This is a test.");
    far.always = { status: 500 };
    expect(await town.page.must("streamTest", { params: { stream }, body })).toEqual({ fault: "status" });
    expect((await town.page.call("streamTest", { params: { stream: "s-other" }, body })).code).toBe("stream_unknown");
  });

  it.each(["https://127.0.0.1/", "https://[::1]/", "https://siem.internal/", "https://a@siem.example/"])(
    "never goes to %s",
    async (url) => {
      expect((await change({ ...siem, url })).code).toBe("stream_target");
    },
  );

  it.each([
    { ...siem, url: "http://siem.example/" },
    { ...siem, secret: "whsec_c2hvcnQ=" },
    { ...siem, format: "xml" },
    { ...siem, filter: { nothing: 1 } },
    { setting: "streamRewind", stream: "s-one", from: 0 },
  ])("takes no other form: %j", async (what) => {
    expect((await change(what)).code).toBe("malformed_request");
  });

  it("is not set without a touch over exactly it, and then nothing is written", async () => {
    const before = (await actions("setting.changed")).length;
    const other = { ...siem, url: "https://elsewhere.example/" };
    for (const bends of [
      { change: other },
      { action: { endpoint: "alertSettingsChange" } },
      { approval: { kind: "statement" } },
    ]) {
      const body = await approvedBody(town.founded, { endpoint, change: siem }, bends);
      expect((await town.page.call(endpoint, { body })).code).toBe("approval_wrong");
    }
    expect([await listed(), (await actions("setting.changed")).length]).toEqual([[], before]);
  });

  it("is one of a few", async () => {
    for (let i = 0; i < MAX_STREAMS; i++) await add({ label: `SIEM ${i}`, from: 0 });
    expect((await change(siem)).code).toBe("streams_many");
  });

  it.each(["streamRotate", "streamRewind", "streamPause", "streamResume", "streamRemove"])(
    "that is not there takes no %s",
    async (setting) => {
      const more = setting === "streamRotate" ? { secret } : setting === "streamRewind" ? { from: 1 } : {};
      expect((await change({ setting, stream: "s-nobody", ...more })).code).toBe("stream_unknown");
    },
  );
});

describe("a far end that does not answer as it should", () => {
  it("gets the same message again after a lost answer, under the same name, and can drop it", async () => {
    await add();
    far.script.push("lost");
    await look();
    expect(await only()).toMatchObject({ state: "waiting", fault: "unreachable", attempts: 1 });
    await lookLater();
    expect(far.repeated).toEqual([far.accepted[0]?.id]);
    expect(indices()).toEqual(upTo(await head()));
    expect(await only()).toMatchObject({ state: "live", attempts: 0 });
  });

  it("is waited for, longer each time, and nothing overtakes", async () => {
    await add();
    const size = await head();
    far.always = { status: 503 };
    await look();
    await write(2);
    const waits: number[] = [];
    for (let i = 0; i < 4; i++) {
      const { retryAt = 0 } = await only();
      waits.push(retryAt - Math.floor(Date.now() / 1_000));
      await lookLater();
    }
    expect(waits.toSorted((a, b) => a - b)).toEqual(waits);
    const requests = far.requests;
    await look();
    expect(far.requests).toBe(requests);
    far.always = undefined;
    await lookLater();
    expect(indices().slice(0, size + 2)).toEqual(upTo(size + 2));
  });

  it("says itself how long to wait", async () => {
    await add();
    far.script.push({ status: 429, headers: { "retry-after": "900" } });
    await look();
    const { retryAt = 0 } = await only();
    expect(Math.abs(retryAt - Date.now() / 1_000 - 900)).toBeLessThan(30);
    await look();
    expect(far.requests).toBe(1);
  });

  it("is never followed elsewhere", async () => {
    await add();
    far.script.push({ status: 307, headers: { location: "https://127.0.0.1/" } });
    await look();
    expect(far.requests).toBe(1);
    expect(await only()).toMatchObject({ state: "waiting", fault: "redirect" });
  });

  it("for a while is an alert, which ends with the first success", async () => {
    const stream = await add();
    far.always = "down";
    await look();
    expect(await alerts()).toEqual([]);
    await lookLater(`retry_at = 0, failing_since = failing_since - ${STREAM_PATIENCE_SECONDS + 5}`);
    expect(await alerts()).toMatchObject([{ state: "open", detail: { stream } }]);
    far.always = undefined;
    await lookLater();
    expect((await alerts()).map(({ state }) => state)).toEqual(["resolved"]);
  });

  it("that says it is gone is left alone until somebody resumes", async () => {
    const stream = await add();
    far.script.push({ status: 410 });
    await look();
    expect(await only()).toMatchObject({ state: "paused", fault: "gone" });
    await write(1);
    await look();
    expect(far.requests).toBe(1);
    await must({ setting: "streamResume", stream });
    await look();
    const brought = indices();
    expect(brought).toEqual(upTo(brought.length));
    expect(brought.length).toBeGreaterThan(3);
  });
});

describe("a batch that the far end refuses", () => {
  async function refuseOne(): Promise<{ readonly stream: string; readonly size: number }> {
    const stream = await add();
    const size = await head();
    far.always = { status: 422 };
    await look();
    for (let i = 1; i < MAX_STREAM_ATTEMPTS; i++) await lookLater();
    return { stream, size };
  }

  it("is set aside after a few attempts, with an entry and an alert, and the rest goes on", async () => {
    const before = (await actions("stream.set-aside")).length;
    const { stream } = await refuseOne();
    const row = await only();
    const [aside] = row.setAside;
    expect(row.setAside.length).toBeGreaterThan(0);
    expect(aside).toMatchObject({ first: 1, fault: "status" });
    const entries = (await actions("stream.set-aside")).slice(before);
    expect(entries[0]).toMatchObject({ actor: { kind: "edge" }, detail: { stream, code: "status" } });
    expect((await alerts()).some(({ state }) => state === "open")).toBe(true);
    far.always = undefined;
    await write(1);
    await lookLater();
    await look();
    expect(indices().every((index) => index > (aside?.last ?? 0))).toBe(true);
    expect((await only()).cursor).toBe(await head());
  });

  it("leaves entries that are never sent on their own: two failing streams end", async () => {
    await refuseOne();
    await add({ label: "other" });
    let requests = -1;
    for (let i = 0; i < 60 && requests !== far.requests; i++) {
      ({ requests } = far);
      await look();
      await lookLater();
    }
    const size = await head();
    for (let i = 0; i < 5; i++) await lookLater();
    await look();
    expect(far.requests).toBe(requests);
    expect(await head()).toBe(size);
  });

  it("is sent again when asked, before anything new, and the alert ends", async () => {
    const { stream } = await refuseOne();
    const { setAside } = await only();
    far.always = undefined;
    await write(2);
    await town.page.must("streamReplay", { params: { stream }, body: {} });
    await look();
    const brought = indices();
    expect(brought).toEqual(upTo(brought.length));
    expect((await only()).setAside).toEqual([]);
    expect((await alerts()).every(({ state }) => state === "resolved")).toBe(true);
    const [entry] = (await actions("stream.replayed")).slice(-1);
    expect(entry).toMatchObject({ detail: { stream, range: { first: setAside[0]?.first } } });
    expect((await town.page.call("streamReplay", { params: { stream }, body: {} })).code).toBe("stream_nothing");
  });
});

describe("whoever changes a stream", () => {
  it("rotates its secret: both sign for a day", async () => {
    const stream = await add();
    await must({ setting: "streamRotate", stream, secret: newSecret });
    expect((await only()).overlapUntil).toBeGreaterThan(Date.now() / 1_000 + 80_000);
    await look();
    expect([far.signatures, far.refused]).toEqual([2, []]);
    far.secrets = [newSecret];
    await write(1);
    await look();
    expect(far.refused).toEqual([]);
  });

  it("pauses and resumes it", async () => {
    const stream = await add();
    await must({ setting: "streamPause", stream });
    await look();
    expect([far.requests, (await only()).state]).toEqual([0, "paused"]);
    await must({ setting: "streamResume", stream });
    await look();
    expect(indices()).toEqual(upTo(await head()));
  });

  it("lets it send again from an entry on, but never leave any out", async () => {
    const stream = await add();
    await look();
    const size = (await only()).cursor;
    expect((await change({ setting: "streamRewind", stream, from: size + 2 })).code).toBe("stream_ahead");
    await must({ setting: "streamRewind", stream, from: 2 });
    far.accepted.length = 0;
    await look();
    expect(indices()[0]).toBe(2);
    expect(far.repeated).toEqual([]); // under a new name, or a far end that remembers would drop it
  });

  it("removes it, with what was set aside", async () => {
    const stream = await add();
    await must({ setting: "streamRemove", stream });
    await look();
    expect([far.requests, await listed()]).toEqual([0, []]);
  });

  it("while a message is on its way is not overruled by its answer", async () => {
    const stream = await add();
    vi.mocked(globalThis.fetch).mockImplementation(async (input) => {
      const response = await far.handle(input as Request);
      if (far.requests === 1) await must({ setting: "streamRewind", stream, from: 1 });
      return response;
    });
    await look();
    await look();
    // Taken, rewound meanwhile, and therefore sent again from the beginning.
    expect(indices().filter((index) => index === 1)).toHaveLength(2);
  });
});

it("wakes by itself, and when it is told of new entries", async () => {
  vi.restoreAllMocks();
  vi.spyOn(globalThis, "fetch").mockImplementation((input) => far.handle(input as Request));
  await add({ from: 0 });
  const size = await head();
  await write(1);
  await stub().wake(town.workspace);
  await vi.waitUntil(() => indices().includes(size + 1), { timeout: 15_000 });
});

it("survives its own end between naming a message and the answer", async () => {
  await add();
  far.script.push("lost");
  await look();
  await evictDurableObject(stub());
  await lookLater();
  expect(far.repeated).toEqual([far.accepted[0]?.id]);
  expect(indices()).toEqual(upTo(await head()));
});
