/**
 * Every reading against a gateway that lies: what comes out fits the read's own schema or is a code of the protocol, in
 * bounded time, and no word of the gateway is logged.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readRefusals } from "../../../../../protocol/reading.ts";
import type { GatewayReadName } from "../../../../../agent/host/gateway/control-interface.ts";
import { reads } from "../../../../../protocol/reads.ts";
import { openDevice } from "../../../../../agent/host/gateway/device.ts";
import { ReadingError } from "../../../../../agent/host/gateway/reading-error.ts";
import { gatewayReadings, type ReadingDeps } from "../../../../../agent/host/gateway/readings/table.ts";
import { openTags } from "../../../../../agent/host/gateway/tags.ts";
import { hello, ok, refuse, startHostileGateway } from "../fixtures/hostile-gateway.ts";
import type { Asked, HostileGateway, Script } from "../fixtures/hostile-gateway.ts";
import { targetOf } from "../fixtures/watching.ts";

const CANARY = "CANARY-0777";
/** What a hostile text looks like: escapes of a terminal, HTML, a direction that turns, half a character, and length. */
const NASTY = `\u001B[2J<img src=x onerror=1>\u202E${CANARY}\uD800${"x".repeat(300)}`;

let directory = "";
let gateway: HostileGateway | undefined;
let logged: string[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "readings-"));
  logged = [];
});

afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
  await rm(directory, { recursive: true, force: true });
});

async function readingsOf(script: Script, changes: Partial<ReadingDeps> = {}) {
  const started = await startHostileGateway(script);
  gateway = started;
  return gatewayReadings({
    target: () => Promise.resolve(targetOf(started.port)),
    store: await openDevice(directory, "reader"),
    agentVersion: "0.1.0",
    log: (code, detail) => logged.push(`${code} ${JSON.stringify(detail ?? {})}`),
    now: () => 1_795_000_000_000,
    elapsed: () => performance.now(),
    directory,
    milliseconds: 1_000,
    ...changes,
  });
}

/** A connection with the scopes that were asked for; everything else as the test says. */
function answering(answer: (asked: Asked) => unknown): Script {
  return {
    answer: (asked) =>
      asked.method === "connect"
        ? ok(asked, hello({ auth: { scopes: asked.params["scopes"] }, server: { version: "2026.9.6" } }))
        : answer(asked),
  };
}

const ID = "thing-1";
/** Arguments that name the one thing of these scripts. */
function argsOf(name: GatewayReadName): Readonly<Record<string, unknown>> {
  const tags = openTags(directory);
  const args: Partial<Record<GatewayReadName, object>> = {
    "gateway.job-runs@1": { job: tags.tag("job", ID) },
    "gateway.usage@1": { days: 7 },
    "content.config-schema@1": { path: "gateway.bind" },
    "content.config-version@1": { version: 1 },
    "content.transcript@1": { session: tags.tag("session", ID) },
    "content.job@1": { job: tags.tag("job", ID) },
    "content.agent@1": { agent: tags.tag("agent", ID) },
  };
  return { ...args[name] };
}

const names = Object.keys(reads).filter((name) => !name.startsWith("posture.")) as GatewayReadName[];

type Ending = { readonly code: string } | { readonly fits: boolean };

async function endingOf(asking: Promise<unknown>, name: GatewayReadName): Promise<Ending> {
  try {
    return { fits: v.is(reads[name].result as v.GenericSchema, await asking) };
  } catch (error) {
    if (error instanceof ReadingError) return { code: error.code };
    throw error;
  }
}

function expectHonest(ending: Ending, what: string): void {
  if ("code" in ending) expect(readRefusals, what).toContain(ending.code);
  else expect(ending.fits, what).toBe(true);
}

/** A row that has every member that any reading looks at, each a lie of the same kind. */
function rowOf(lie: unknown): object {
  const members = [
    "name",
    "status",
    "kind",
    "agentId",
    "model",
    "modelProvider",
    "updatedAt",
    "inputTokens",
    "totalTokens",
  ];
  const more = [
    "estimatedCostUsd",
    "channel",
    "schedule",
    "payload",
    "state",
    "roles",
    "scopes",
    "displayName",
    "connected",
  ];
  const others = [
    "enabled",
    "version",
    "origin",
    "source",
    "size",
    "updatedAtMs",
    "content",
    "role",
    "text",
    "timestamp",
  ];
  const liar = Object.fromEntries([...members, ...more, ...others].map((key) => [key, lie]));
  return { ...liar, id: ID, key: ID, deviceId: ID, requestId: ID, skillKey: ID, accountId: ID };
}

/** The answer of a gateway of which every list is `rows`, whatever was asked. */
function listsOf(rows: unknown): object {
  const lists = [
    "sessions",
    "agents",
    "jobs",
    "entries",
    "paired",
    "pending",
    "requests",
    "plugins",
    "skills",
    "messages",
  ];
  return {
    ...Object.fromEntries([...lists, "lines", "files", "children", "daily"].map((key) => [key, rows])),
    channelAccounts: { telegram: rows },
    aggregates: { byModel: rows, byAgent: rows, daily: rows },
    file: { defaults: rows },
    parsed: { channels: { telegram: { allowFrom: rows, dmPolicy: rows } }, mcp: { servers: { one: rows } } },
    hash: "a-hash-of-the-file",
    configRevisionHash: "what-is-written",
    appliedConfigHash: "what-is-written",
    valid: true,
    cursor: 7,
    schema: { type: rows, anyOf: rows },
  };
}

const shapes: readonly (readonly [string, unknown])[] = [
  ["nothing", undefined],
  ["a number", 5],
  ["a text", NASTY.repeat(300)],
  ["a list", [NASTY]],
  ["an empty object", {}],
  ["lists that are texts", listsOf(NASTY)],
  ["lists of nothing", listsOf([])],
  ["lists of numbers and nulls", listsOf([null, 5, NASTY, [], {}])],
  ["rows of texts", listsOf([rowOf(NASTY)])],
  ["rows of numbers", listsOf([rowOf(-1.5), rowOf(1e300)])],
  ["rows of objects", listsOf([rowOf({ kind: "every", everyMs: 1, __proto__: null }), rowOf([NASTY])])],
  ["too many rows", listsOf(Array.from({ length: 600 }, (_, at) => ({ id: `i${String(at)}`, key: `k${String(at)}` })))],
  ["lists without an end", { ...listsOf([rowOf("x")]), hasMore: true }],
];

describe.each(shapes)("a gateway that answers everything with %s", (_what, payload) => {
  it("gets codes and fitting answers out of every reading, and nothing into a log", async () => {
    const readings = await readingsOf(answering((asked) => ok(asked, payload)));
    for (const name of names) expectHonest(await endingOf(readings.read(name, argsOf(name)), name), name);
    expect(logged.join("\n")).not.toContain(CANARY);
  });
});

describe("a gateway that does not answer as it should", () => {
  it("refuses everything, with words in its codes", async () => {
    const readings = await readingsOf(answering((asked) => refuse(asked, "NOT_TODAY", "BECAUSE")));
    for (const name of names)
      expect(await endingOf(readings.read(name, argsOf(name)), name), name).toHaveProperty("code");
  });

  it("never answers: the reading ends by itself and hangs up", async () => {
    const readings = await readingsOf(
      answering(() => undefined),
      { milliseconds: 50 },
    );
    const endings = await Promise.all(names.map((name) => endingOf(readings.read(name, argsOf(name)), name)));
    for (const [at, ending] of endings.entries()) expectHonest(ending, String(names[at]));
    expect(endings.filter((ending) => "code" in ending && ending.code === "gateway").length).toBeGreaterThan(12);
    await expect.poll(() => gateway?.sockets.size).toBe(0);
  });

  it("says nothing at all, not even its challenge", async () => {
    const readings = await readingsOf({ open: () => undefined }, { milliseconds: 50 });
    const asked = endingOf(readings.read("gateway.jobs@1", {}), "gateway.jobs@1");
    expect(await asked).toEqual({ code: "gateway" });
  });

  it("speaks another version of the protocol", async () => {
    const readings = await readingsOf({
      answer: (asked) => refuse(asked, "INVALID_REQUEST", "PROTOCOL_MISMATCH"),
    });
    expect(await endingOf(readings.read("gateway.jobs@1", {}), "gateway.jobs@1")).toEqual({ code: "unsupported" });
  });

  it("does not know the method", async () => {
    const readings = await readingsOf(answering((asked) => refuse(asked, "UNKNOWN_METHOD")));
    expect(await endingOf(readings.read("gateway.jobs@1", {}), "gateway.jobs@1")).toEqual({ code: "unsupported" });
  });

  it("streams without an end, instead of an answer", async () => {
    const readings = await readingsOf({
      answer: (asked, socket) => {
        if (asked.method === "connect") return ok(asked, hello({ auth: { scopes: asked.params["scopes"] } }));
        for (let frame = 0; frame < 25_000; frame += 1) socket.send('{"type":"event","event":"chat","payload":{}}');
        return undefined;
      },
    });
    expect(await endingOf(readings.read("gateway.sessions@1", {}), "gateway.sessions@1")).toEqual({ code: "gateway" });
  });

  it("answers with more than a frame may hold", async () => {
    const readings = await readingsOf(answering((asked) => ok(asked, { jobs: ["x".repeat(2_200_000)] })));
    expect(await endingOf(readings.read("gateway.jobs@1", {}), "gateway.jobs@1")).toEqual({ code: "gateway" });
  });
});

describe("what is shown of a hostile text", () => {
  it("is the text itself, cut to its size", async () => {
    const readings = await readingsOf(answering((asked) => ok(asked, listsOf([{ ...rowOf("x"), name: NASTY }]))));
    const { jobs } = (await readings.read("gateway.jobs@1", {})) as { jobs: { name: string }[] };
    expect(jobs[0]?.name).toBe(NASTY.slice(0, 200));
  });

  it("names things by tags alone in what the edge is asked", async () => {
    const readings = await readingsOf(answering((asked) => ok(asked, listsOf([rowOf("x")]))));
    const missing = readings.read("gateway.job-runs@1", { job: "j-0000000000000000" });
    expect(await endingOf(missing, "gateway.job-runs@1")).toEqual({ code: "not_found" });
  });
});

describe("with which rights it asks", () => {
  it("keeps the reader's own device at reading, and pairs no device for more", async () => {
    const readings = await readingsOf(answering((asked) => ok(asked, listsOf([]))));
    await readings.read("gateway.devices@1", {});
    await readings.read("gateway.jobs@1", {});
    const connects = (gateway?.asked ?? []).filter(({ method }) => method === "connect").map(({ params }) => params);
    expect(connects.map((params) => [params["scopes"], (params["client"] as { id: string }).id])).toEqual([
      [["operator.admin"], "gateway-client"],
      [["operator.read"], "cli"],
    ]);
  });
});
