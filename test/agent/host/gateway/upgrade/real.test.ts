/**
 * A gateway that is brought from the extended-stable line to the current one, under an agent that stays: the same devices, versions
 * and tags go on. The former version is not the pinned one, so it is installed only when asked for:
 * CLAWHOLD_FORMER_GATEWAY names a folder with that version's node_modules.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { gatewayControl } from "../../../../../agent/host/gateway/control.ts";
import type {
  GatewayControl,
  GatewayOperationName,
  GatewayReadName,
  Performed,
} from "../../../../../agent/host/gateway/control-interface.ts";
import { openDevice } from "../../../../../agent/host/gateway/device.ts";
import { gatewayReadings } from "../../../../../agent/host/gateway/readings/table.ts";
import type { Telemetry } from "../../../../../protocol/telemetry.ts";
import { reads, type ReadResult } from "../../../../../protocol/reads.ts";
import { startToolGateway, type ToolGateway } from "../fixtures/tool-gateway.ts";
import { watch, type Watching } from "../fixtures/watching.ts";

const folder = process.env["CLAWHOLD_FORMER_GATEWAY"];
const everyMetadata = [
  "gateway.sessions@1",
  "gateway.agents@1",
  "gateway.jobs@1",
  "gateway.devices@1",
  "gateway.channels@1",
  "gateway.extensions@1",
  "gateway.advice@1",
] as const;

let directory = "";
let kept = "";
let gateway: ToolGateway;
let watching: Watching;
let control: GatewayControl;

async function perform(operation: GatewayOperationName, args: Readonly<Record<string, unknown>>): Promise<Performed> {
  const expected = await control.observe(operation, args);
  const intent = randomBytes(32).toString("base64url");
  return control.perform({ operation, args, content: undefined, intent, author: "person-1", expect: expected });
}

async function read<N extends GatewayReadName>(name: N, args = {}): Promise<ReadResult<N>> {
  const readings = gatewayReadings({
    target: () => gateway.target(),
    store: await openDevice(kept, "reader"),
    agentVersion: "0.1.0",
    log: () => undefined,
    now: () => Date.now(),
    elapsed: () => performance.now(),
    directory: kept,
  });
  return v.parse(reads[name].result as v.GenericSchema<ReadResult<N>>, await readings.read(name, args));
}

/** As somebody at the gateway's own command line would. */
async function addJob(): Promise<void> {
  const own = await gateway.connect("operator.admin");
  try {
    await own.call("cron.add", {
      name: "Nightly",
      schedule: { kind: "cron", expr: "5 4 * * *" },
      sessionTarget: "isolated",
      wakeMode: "now",
      payload: { kind: "agentTurn", message: "Look around" },
      delivery: { mode: "none" },
    });
  } finally {
    own.close();
  }
}

/** The newer version adds jobs of its own. */
async function nightly(): Promise<ReadResult<"gateway.jobs@1">["jobs"][number] | undefined> {
  return (await read("gateway.jobs@1")).jobs.find(({ name }) => name === "Nightly");
}

const runs = (version: string) => (telemetry: Telemetry) =>
  telemetry.gateway.state === "running" && telemetry.gateway.version === version;

describe.skipIf(folder === undefined)("a gateway that is upgraded under the agent", () => {
  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "real-upgrade-"));
    kept = path.join(directory, "kept");
    gateway = await startToolGateway({
      directory,
      entry: path.join(folder ?? "", "node_modules", "openclaw", "openclaw.mjs"),
    });
    const store = await openDevice(kept, "reader");
    watching = watch({ directory, store, logged: [], remove: () => Promise.resolve() }, () => gateway.target(), {
      pollMilliseconds: 500,
    });
    control = gatewayControl({
      target: () => gateway.target(),
      store: await openDevice(kept, "warden"),
      agentVersion: "0.1.0",
      log: () => undefined,
      elapsed: () => performance.now(),
      now: () => Date.now(),
      directory: kept,
    });
  }, 240_000);

  afterAll(async () => {
    await watching.reader.stop();
    await gateway.stop();
  }, 30_000);

  it("is seen, read and changed before, and its devices, versions and names go on afterwards", async () => {
    const before = await watching.until((telemetry) => telemetry.gateway.state === "running");
    expect(before.gateway).toMatchObject({ version: "2026.7.35", support: "older" });
    for (const name of everyMetadata) await read(name);
    await read("gateway.usage@1", { days: 7 });
    expect(await read("gateway.extensions@1")).toMatchObject({ withoutPlugins: true });
    await addJob();
    const job = await nightly();

    // What only tightens is done to a version that nobody tried; what lets something run is not.
    const enable = (): Promise<Performed> => perform("cron.enable@1", { subject: job?.tag });
    expect(await perform("cron.disable@1", { subject: job?.tag })).toMatchObject({ verdict: "executed" });
    expect(await enable()).toEqual({ verdict: "failed", observed: { reason: "version_unknown" } });

    await gateway.leave();
    gateway = await startToolGateway({ directory, former: gateway });
    const after = await watching.until(runs("2026.9.6"));
    expect(after.gateway.support).toBe("known");
    for (const name of everyMetadata) await read(name);
    expect(await read("gateway.extensions@1")).not.toHaveProperty("withoutPlugins");
    expect((await nightly())?.tag).toBe(job?.tag);
    expect(await enable()).toMatchObject({ verdict: "executed" });
    // No second pairing: an upgrade must not fill the gateway's list with devices of ours.
    const { devices } = await read("gateway.devices@1");
    expect(devices.filter(({ isOurs }) => isOurs)).toHaveLength(2);
  }, 240_000);
});
