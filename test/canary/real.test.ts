/**
 * Zero secrets, proven: a secret or a text of its own in every place where a real gateway keeps one, everything read and
 * everything done through a real edge, and then a search for all of them in all that left the host or stayed at the edge.
 * CLAWHOLD_CANARY_ROUNDS=N does all of it N times, each time with other canaries.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { operations } from "../../protocol/operations.ts";
import { reads } from "../../protocol/reads.ts";
import type { Leaks } from "./builds.ts";
import { runRound, Watched, webhookBodies, type Round } from "./campaign.ts";
import type { Place } from "./gateway.ts";
import { search, type Canary, type Finding } from "./search.ts";
import type { Sink } from "./sinks.ts";
import { until } from "./until.ts";

const ROUNDS = Number(process.env["CLAWHOLD_CANARY_ROUNDS"] ?? "1");
if (!Number.isSafeInteger(ROUNDS) || ROUNDS < 1)
  throw new RangeError("CLAWHOLD_CANARY_ROUNDS is not a number of rounds");

/** What a person sees of them when she reads. */
const SHOWN: readonly Place[] = [
  "job's name",
  "job's message",
  "job's arguments",
  "message",
  "agent's file",
  "device's name",
  "device's request",
  "channel's request",
  "allow-list",
  "command to approve",
  "second command",
  "third command",
  "edited job's message",
  "new agent's file",
  "new sender",
];

/**
 * Orders that are carried and judged, and that this gateway may have no use for: it asks about each command anew, so it
 * offers no such answer; and whether a short conversation is worth a summary is its own opinion.
 */
const MAY_FAIL: ReadonlyMap<string, string> = new Map([
  ["exec.allow-always@1", "failed not_offered"],
  ["session.compact@1", "failed nothing_to_compact"],
]);

/**
 * Of the machine itself the gateway knows nothing: what is found there is looked for in test/e2e/posture.test.ts; and moving the
 * gateway takes a server of its own (test/lab/isolate.test.ts).
 */
const ofGateway = (table: object): readonly string[] =>
  Object.keys(table).filter((name) => !/^(?:posture|profile)\.|^agent\.update|^gateway\.isolate@/.test(name));

function findAll(sinks: readonly Sink[], canaries: readonly Canary[]): readonly Finding[] {
  return sinks.flatMap(({ name, bytes }) => search(name, bytes, canaries));
}

function tableOf(sinks: readonly Sink[], canaries: readonly Canary[], findings: readonly Finding[]): string {
  const kinds = [...new Set(sinks.map(({ kind }) => kind))];
  const namesOf = (kind: string): ReadonlySet<string> =>
    new Set(sinks.filter((sink) => sink.kind === kind).map(({ name }) => name));
  const cell = (kind: string, place: string): number => {
    const names = namesOf(kind);
    return findings.filter((finding) => finding.place === place && names.has(finding.sink)).length;
  };
  const sizes = kinds.map((kind) => {
    const bytes = sinks.filter((sink) => sink.kind === kind).reduce((sum, sink) => sum + sink.bytes.length, 0);
    return `${kind}: ${String(Math.ceil(bytes / 1_024))} kB`;
  });
  const rows = canaries.map(({ place }) => `| ${[place, ...kinds.map((kind) => cell(kind, place))].join(" | ")} |`);
  return [sizes.join(", "), `| ${["place", ...kinds].join(" | ")} |`, ...rows].join("\n");
}

describe.each(Array.from({ length: ROUNDS }, (_unused, round) => round))("round %d", (_round) => {
  const closers: (() => unknown)[] = [];
  let round: Round;

  beforeAll(async () => {
    round = await runRound(closers);
  }, 600_000);
  afterAll(async () => {
    for (const close of closers.toReversed()) await close();
  }, 120_000);

  it("plants each canary where the gateway keeps it", () => {
    const { planted, kept, watched } = round;
    const all = Buffer.concat([...kept, Buffer.from(watched.person.shown.join("\n"))]);
    expect(planted.canaries.filter(({ text }) => !all.includes(text)).map(({ place }) => place)).toEqual([]);
  });

  it("reads everything, and does everything", () => {
    const { read, ended } = round.watched.person;
    console.log([...ended].map(([name, how]) => `${name}: ${how}`).join("\n"));
    expect(Object.fromEntries(read)).toEqual(Object.fromEntries(ofGateway(reads).map((name) => [name, "read"])));
    expect([...ended.keys()].toSorted()).toEqual(ofGateway(operations).toSorted());
    const odd = [...ended].filter(([name, how]) => !how.startsWith("executed") && how !== MAY_FAIL.get(name));
    expect(odd).toEqual([]);
  });

  it("shows the person what is hers to see", () => {
    const { planted, watched } = round;
    const shown = watched.person.shown.join("\n");
    expect(SHOWN.filter((place) => !shown.includes(planted.of(place)))).toEqual([]);
  });

  it("captures what the tunnel carries", () => {
    const wanted = ["telemetry", "history", "read", "reading", "prepare", "prepared", "deliver", "receipt"];
    expect([...round.watched.kinds]).toEqual(expect.arrayContaining(wanted));
  });

  it("finds no canary in anything that left the host", () => {
    const { planted, sinks } = round;
    const findings = findAll(sinks, planted.canaries);
    console.log(tableOf(sinks, planted.canaries, findings));
    expect(findings).toEqual([]);
    for (const kind of ["D1", "Durable Objects", "edge log", "agent log", "tunnel", "webhook", "export"])
      expect(sinks.some((sink) => sink.kind === kind && sink.bytes.length > 0)).toBe(true);
  });
});

describe("a build that leaks is caught", () => {
  const closers: (() => unknown)[] = [];
  const leak = (): string => `CANARY-leak-${randomUUID()}`;
  const leaks: Leaks = { edgeLog: leak(), agentLog: leak(), telemetry: leak(), history: leak(), row: leak() };
  let sinks: readonly Sink[] = [];

  beforeAll(async () => {
    const watched = await Watched.start(closers, { gateway: "none", leaks });
    await until("figures", async () => (await watched.row()).telemetry !== undefined);
    sinks = await watched.sinks();
  }, 300_000);
  afterAll(async () => {
    for (const close of closers.toReversed()) await close();
  }, 120_000);

  it.each([
    ["edgeLog", "edge log"],
    ["agentLog", "agent log"],
    ["telemetry", "Durable Objects"],
    ["telemetry", "tunnel"],
    ["telemetry", "answers of the edge"],
    ["history", "Durable Objects"],
    ["history", "tunnel"],
    ["row", "D1"],
  ] as const)("the %s, in the sink: %s", (place, kind) => {
    const findings = findAll(
      sinks.filter((sink) => sink.kind === kind),
      [{ place, text: leaks[place] }],
    );
    console.log(findings[0]);
    expect(findings[0]).toMatchObject({ place, sink: expect.any(String), offset: expect.any(Number) });
  });

  it("in what is sent about an alert, and in a file of the log", async () => {
    const text = leak();
    const alert = {
      alert: "al-1",
      kind: "exec.waiting",
      state: "raised",
      detail: {},
      raisedAt: 1,
      times: 1,
      lastAt: 1,
    };
    const bent = { ...alert, deliveries: [], note: text } as unknown as Parameters<typeof webhookBodies>[0][number];
    const bodies = Buffer.from((await webhookBodies([bent], "w")).join("\n"));
    expect(search("webhook", bodies, [{ place: "alert", text }])[0]).toMatchObject({ sink: "webhook" });
    const file = sinks.find(({ kind }) => kind === "export")?.bytes ?? Buffer.alloc(0);
    const at = Math.floor(file.length / 2);
    const leaking = Buffer.concat([
      file.subarray(0, at),
      Buffer.from(JSON.stringify({ note: text })),
      file.subarray(at),
    ]);
    expect(search("export", leaking, [{ place: "entry", text }])[0]).toMatchObject({ offset: at + 9 });
  });
});
