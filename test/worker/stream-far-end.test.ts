/** Far ends that are slow, gone, or refuse: what a stream sends again, sets aside, and says of it. */
import { describe, expect, it, vi } from "vitest";
import { MAX_STREAM_ATTEMPTS, STREAM_PATIENCE_SECONDS } from "../../protocol/limits.ts";
import { streamRig, upTo } from "./stream-rig.ts";

const rig = streamRig();
const { must, only, add, look, lookLater, head, write, actions, alerts, indices } = rig;

describe("a far end that does not answer as it should", () => {
  it("gets the same message again after a lost answer, under the same name, and can drop it", async () => {
    await add();
    rig.far.script.push("lost");
    await look();
    expect(await only()).toMatchObject({ state: "waiting", fault: "unreachable", attempts: 1 });
    await lookLater();
    expect(rig.far.repeated).toEqual([rig.far.accepted[0]?.id]);
    expect(indices()).toEqual(upTo(await head()));
    expect(await only()).toMatchObject({ state: "live", attempts: 0 });
  });

  it("is waited for, longer each time, and nothing overtakes", async () => {
    await add();
    const size = await head();
    rig.far.always = { status: 503 };
    await look();
    await write(2);
    const waits: number[] = [];
    for (let i = 0; i < 4; i++) {
      const { retryAt = 0 } = await only();
      waits.push(retryAt - Math.floor(Date.now() / 1_000));
      await lookLater();
    }
    expect(waits.toSorted((a, b) => a - b)).toEqual(waits);
    const requests = rig.far.requests;
    await look();
    expect(rig.far.requests).toBe(requests);
    rig.far.always = undefined;
    await lookLater();
    expect(indices().slice(0, size + 2)).toEqual(upTo(size + 2));
  });

  it("says itself how long to wait", async () => {
    await add();
    rig.far.script.push({ status: 429, headers: { "retry-after": "900" } });
    await look();
    const { retryAt = 0 } = await only();
    expect(Math.abs(retryAt - Date.now() / 1_000 - 900)).toBeLessThan(30);
    await look();
    expect(rig.far.requests).toBe(1);
  });

  it("is never followed elsewhere", async () => {
    await add();
    rig.far.script.push({ status: 307, headers: { location: "https://127.0.0.1/" } });
    await look();
    expect(rig.far.requests).toBe(1);
    expect(await only()).toMatchObject({ state: "waiting", fault: "redirect" });
  });

  it("for a while is an alert, which ends with the first success", async () => {
    const stream = await add();
    rig.far.always = "down";
    await look();
    expect(await alerts()).toEqual([]);
    await lookLater(`retry_at = 0, failing_since = failing_since - ${STREAM_PATIENCE_SECONDS + 5}`);
    expect(await alerts()).toMatchObject([{ state: "open", detail: { stream } }]);
    rig.far.always = undefined;
    await lookLater();
    expect((await alerts()).map(({ state }) => state)).toEqual(["resolved"]);
  });

  it("that says it is gone is left alone until somebody resumes", async () => {
    const stream = await add();
    rig.far.script.push({ status: 410 });
    await look();
    expect(await only()).toMatchObject({ state: "paused", fault: "gone" });
    await write(1);
    await look();
    expect(rig.far.requests).toBe(1);
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
    rig.far.always = { status: 422 };
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
    rig.far.always = undefined;
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
    for (let i = 0; i < 60 && requests !== rig.far.requests; i++) {
      ({ requests } = rig.far);
      await look();
      await lookLater();
    }
    // Another object raises the alerts, each once and in its own time; with both there, all is said.
    const open = async () => (await alerts()).filter(({ state }) => state === "open").length;
    await vi.waitFor(async () => expect(await open()).toBe(2), { timeout: 10_000 });
    const size = await head();
    for (let i = 0; i < 5; i++) await lookLater();
    await look();
    expect(rig.far.requests).toBe(requests);
    expect(await head()).toBe(size);
  });

  it("is sent again when asked, before anything new, and the alert ends", async () => {
    const { stream } = await refuseOne();
    const { setAside } = await only();
    rig.far.always = undefined;
    await write(2);
    await rig.town.page.must("streamReplay", { params: { stream }, body: {} });
    await look();
    const brought = indices();
    expect(brought).toEqual(upTo(brought.length));
    expect((await only()).setAside).toEqual([]);
    expect((await alerts()).every(({ state }) => state === "resolved")).toBe(true);
    const [entry] = (await actions("stream.replayed")).slice(-1);
    expect(entry).toMatchObject({ detail: { stream, range: { first: setAside[0]?.first } } });
    expect((await rig.town.page.call("streamReplay", { params: { stream }, body: {} })).code).toBe("stream_nothing");
  });
});
