/** Streams of the log: how one is set, what it brings, and who may change it. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { MAX_STREAM_BATCH, MAX_STREAMS } from "../../protocol/limits.ts";
import { approvedBody } from "../fixtures/edge/edge-action.ts";
import { endpoint, secret, siem, streamRig, upTo } from "./stream-rig.ts";

const newSecret = "whsec_c2l4dGVlbiBieXRlcyBhbmQgdGhlbiBzb21lIG1vcmU=";

const rig = streamRig();
const { stub, change, must, listed, only, add, look, lookLater, head, write, actions, indices } = rig;

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
      detail: { setting: "streamAdd", stream, session: rig.town.founded.session },
    });
  });

  it("brings every entry once, in order, signed, in its format, and writes none itself", async () => {
    await write(MAX_STREAM_BATCH + 5);
    await add();
    const size = await head();
    await look();
    expect(rig.far.refused).toEqual([]);
    expect(indices()).toEqual(upTo(size));
    expect(rig.far.accepted[0]).toMatchObject({ contentType: "application/x-ndjson" });
    expect(await only()).toMatchObject({ cursor: size, head: size, state: "live", lastSentAt: expect.any(Number) });
    await look();
    expect(rig.far.requests).toBe(Math.ceil(size / MAX_STREAM_BATCH));
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
    expect(rig.far.accepted[0]).toMatchObject({ contentType, body: expect.stringMatching(beginning) });
  });

  it("with a filter brings what fits, and moves past the rest", async () => {
    await add({ filter: { action: "session.started" } });
    await look();
    expect(rig.far.accepted).toHaveLength(1);
    const first = await only();
    await write(3);
    await look();
    expect(rig.far.accepted).toHaveLength(1);
    expect((await only()).cursor).toBe(first.cursor + 3);
  });

  it("can be tested, and says what failed", async () => {
    const stream = await add();
    const body = {};
    expect(await rig.town.page.must("streamTest", { params: { stream }, body })).toEqual({});
    expect(rig.far.accepted[0]?.body).toContain("This is a test.");
    rig.far.always = { status: 500 };
    expect(await rig.town.page.must("streamTest", { params: { stream }, body })).toEqual({ fault: "status" });
    expect((await rig.town.page.call("streamTest", { params: { stream: "s-other" }, body })).code).toBe(
      "stream_unknown",
    );
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
      const body = await approvedBody(rig.town.founded, { endpoint, change: siem }, bends);
      expect((await rig.town.page.call(endpoint, { body })).code).toBe("approval_wrong");
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

describe("whoever changes a stream", () => {
  it("rotates its secret: both sign for a day", async () => {
    const stream = await add();
    await must({ setting: "streamRotate", stream, secret: newSecret });
    expect((await only()).overlapUntil).toBeGreaterThan(Date.now() / 1_000 + 80_000);
    await look();
    expect([rig.far.signatures, rig.far.refused]).toEqual([2, []]);
    rig.far.secrets = [newSecret];
    await write(1);
    await look();
    expect(rig.far.refused).toEqual([]);
  });

  it("pauses and resumes it", async () => {
    const stream = await add();
    await must({ setting: "streamPause", stream });
    await look();
    expect([rig.far.requests, (await only()).state]).toEqual([0, "paused"]);
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
    rig.far.accepted.length = 0;
    await look();
    expect(indices()[0]).toBe(2);
    expect(rig.far.repeated).toEqual([]); // under a new name, or a far end that remembers would drop it
  });

  it("removes it, with what was set aside", async () => {
    const stream = await add();
    await must({ setting: "streamRemove", stream });
    await look();
    expect([rig.far.requests, await listed()]).toEqual([0, []]);
  });

  it("while a message is on its way is not overruled by its answer", async () => {
    const stream = await add();
    vi.mocked(globalThis.fetch).mockImplementation(async (input) => {
      const response = await rig.far.handle(input as Request);
      if (rig.far.requests === 1) await must({ setting: "streamRewind", stream, from: 1 });
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
  rig.answer();
  await add({ from: 0 });
  const size = await head();
  await write(1);
  await stub().wake(rig.town.workspace);
  await vi.waitUntil(() => indices().includes(size + 1), { timeout: 15_000 });
});

it("survives its own end between naming a message and the answer", async () => {
  await add();
  rig.far.script.push("lost");
  await look();
  await evictDurableObject(stub());
  await lookLater();
  expect(rig.far.repeated).toEqual([rig.far.accepted[0]?.id]);
  expect(indices()).toEqual(upTo(await head()));
});
