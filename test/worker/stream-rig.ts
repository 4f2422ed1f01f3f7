/**
 * A town, a far end that its streams send to, and what a test does with them. Each test has a far end of its own, and leaves
 * no stream behind.
 */
import { runInDurableObject } from "cloudflare:test";
import { afterEach, beforeAll, beforeEach, vi } from "vitest";
import type { StreamRow } from "../../protocol/contracts/streams.ts";
import { approvedBody } from "../fixtures/edge/edge-action.ts";
import { FarEnd } from "../fixtures/edge/far-end.ts";
import { Town } from "../fixtures/edge/town.ts";
import type { Fields } from "../fixtures/workspace.ts";
import { edge, ledgerBodies, type Reply } from "./client.ts";
import { env } from "./environment.ts";

export const endpoint = "streamChange";
export const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
export const siem = {
  setting: "streamAdd",
  label: "SIEM",
  url: "https://siem.example/in?k=1",
  secret,
  format: "ocsf",
  filter: {},
  from: 1,
};

export const upTo = (size: number): readonly number[] => Array.from({ length: size }, (_, i) => i + 1);

class StreamRig {
  #town: Town | undefined;
  far = new FarEnd(secret);

  get town(): Town {
    if (this.#town === undefined) throw new Error("the town is made before the first test");
    return this.#town;
  }

  readonly open = async (): Promise<void> => {
    this.#town = await Town.at(edge);
  };
  /** What goes out arrives at the far end of this test. */
  readonly answer = (): void => {
    vi.spyOn(globalThis, "fetch").mockImplementation((input) => this.far.handle(input as Request));
  };
  readonly begin = async (): Promise<void> => {
    // A test says itself when the object looks; that it wakes by itself has a test of its own.
    await runInDurableObject(this.stub(), (_, { storage }) => {
      vi.spyOn(storage, "setAlarm").mockResolvedValue(undefined);
    });
    this.far = new FarEnd(secret);
    this.answer();
  };
  readonly end = async (): Promise<void> => {
    for (const { stream } of await this.listed()) await this.must({ setting: "streamRemove", stream });
    vi.restoreAllMocks();
  };

  readonly stub = () => env.STREAMS.getByName(this.town.workspace);
  readonly change = async (what: Fields): Promise<Reply> =>
    this.town.page.call(endpoint, { body: await approvedBody(this.town.founded, { endpoint, change: what }) });
  readonly must = async (what: Fields): Promise<readonly StreamRow[]> => {
    const { status, body } = await this.change(what);
    if (status !== 200) throw new Error(JSON.stringify(body));
    return body["streams"] as readonly StreamRow[];
  };
  readonly listed = async (): Promise<readonly StreamRow[]> =>
    (await this.town.page.must("streams"))["streams"] as readonly StreamRow[];
  readonly only = async (): Promise<StreamRow> => {
    const [row] = await this.listed();
    if (row === undefined) throw new Error("no stream");
    return row;
  };
  readonly add = async (more: Fields = {}): Promise<string> =>
    (await this.must({ ...siem, ...more })).at(-1)?.stream ?? "";
  readonly look = () => runInDurableObject(this.stub(), (object) => object.alarm());
  /** As if every pause were over. */
  readonly lookLater = (bend = "retry_at = 0") =>
    runInDurableObject(this.stub(), async (object, { storage }) => {
      storage.sql.exec(`UPDATE streams SET ${bend} WHERE retry_at IS NOT NULL`);
      await object.alarm();
    });

  readonly head = async (): Promise<number> => (await ledgerBodies(this.town.workspace)).length;
  readonly write = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++)
      await env.LEDGER.getByName(this.town.workspace).append(this.town.workspace, [
        { draft: { actor: { kind: "edge" }, action: "host.connected", detail: {} } },
      ]);
  };
  readonly actions = async (action: string): Promise<readonly Fields[]> =>
    (await ledgerBodies(this.town.workspace)).filter((entry) => entry["action"] === action);
  readonly alerts = async (): Promise<readonly Fields[]> =>
    ((await this.town.page.must("alerts"))["alerts"] as readonly Fields[]).filter(
      ({ kind }) => kind === "stream.failing",
    );
  /** Of the entries that the far end took, in order. */
  readonly indices = (): readonly number[] =>
    this.far.accepted.flatMap(({ body }) =>
      body
        .split("\n")
        .slice(0, -1)
        .map((line) => (JSON.parse(line) as { unmapped: { index: number } }).unmapped.index),
    );
}

/** For the file that calls it: its hooks are registered there. */
export function streamRig(): StreamRig {
  const rig = new StreamRig();
  beforeAll(rig.open);
  beforeEach(rig.begin);
  afterEach(rig.end);
  return rig;
}
