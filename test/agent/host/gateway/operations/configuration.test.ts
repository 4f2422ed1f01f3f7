import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { gatewayReadings } from "../../../../../agent/host/gateway/readings/table.ts";
import { openDevice } from "../../../../../agent/host/gateway/device.ts";
import { ConfigVersions, type ExecDefaults } from "../../../../../agent/host/gateway/versions-file.ts";
import { startScripted, type Scripted } from "../fixtures/scripted.ts";

let scripted: Scripted;
let parsed: Readonly<Record<string, unknown>>;
let number: number;
let defaults: unknown;
const hash = (): string => `hmac-sha256:v1:${String(number)}`;

beforeEach(async () => {
  scripted = await startScripted();
  parsed = { ui: { seamColor: "#000000" } };
  number = 1;
  defaults = { security: "allowlist", ask: "on-miss", askFallback: "deny" };
  const { answers } = scripted;
  answers.set("config.get", () => ({
    payload: { parsed, valid: true, hash: hash(), configRevisionHash: hash(), appliedConfigHash: hash() },
  }));
  answers.set("config.patch", ({ params }) => {
    parsed = { ...parsed, ...(JSON.parse(String(params["raw"])) as object) };
    number += 1;
    return { payload: { ok: true, hash: hash() } };
  });
  answers.set("exec.approvals.get", () => ({ payload: { file: { version: 1, defaults, agents: {} }, hash: "h1" } }));
  answers.set("exec.approvals.set", ({ params }) => {
    ({ defaults } = params["file"] as { readonly defaults: unknown });
    return { payload: {} };
  });
});
afterEach(() => scripted.close());

function keep(tree: Readonly<Record<string, unknown>>, exec?: ExecDefaults): number {
  const entry = { at: 1, author: "outside", hash: "A".repeat(43), paths: [] };
  const content = { tree, ...(exec === undefined ? {} : { exec }) };
  return new ConfigVersions(scripted.tools.directory).keep(entry, content).version;
}

const places = (count: number): Readonly<Record<string, number>> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`place${String(at)}`, at]));
const rollBack = (version: number): Promise<unknown> => scripted.perform("config.rollback@1", { version });

describe("a rollback", () => {
  it("is shown with the rules for commands that it writes", async () => {
    const version = keep({ ui: { seamColor: "#ffffff" } }, { security: "full", askFallback: "full" });
    const readings = gatewayReadings({
      target: scripted.tools.target,
      store: await openDevice(scripted.tools.directory, "reader"),
      agentVersion: "0.1.0",
      log: () => undefined,
      now: () => 1_795_000_000_000,
      elapsed: () => 0,
      directory: scripted.tools.directory,
    });
    expect(await readings.read("content.config-version@1", { version })).toMatchObject({
      changes: [
        { path: "exec_file.security", from: '"allowlist"', to: '"full"', isSecret: false },
        { path: "exec_file.ask", from: '"on-miss"', isSecret: false },
        { path: "exec_file.fallback", from: '"deny"', to: '"full"', isSecret: false },
        { path: "ui.seamColor", from: '"#000000"', to: '"#ffffff"', isSecret: false },
      ],
    });
    expect(await rollBack(version)).toMatchObject({ verdict: "executed" });
    expect(defaults).toEqual({ security: "full", askFallback: "full" });
  });

  it.each([
    ["of the configuration", 65, undefined],
    ["with the rules for commands", 62, { security: "full" }],
  ])("that changes more places %s than the page shows is refused", async (_what, count, exec) => {
    const version = keep({ ...parsed, ...places(count) }, exec);
    const refused = { verdict: "failed", observed: { reason: "too_many_changes" } };
    expect(await rollBack(version)).toEqual(refused);
    expect(scripted.count("config.patch")).toBe(0);
    expect(await rollBack(keep({ ...parsed, ...places(count - 1) }, exec))).toMatchObject({ verdict: "executed" });
  });

  it("from a file that does not parse puts everything back", async () => {
    const version = keep(places(100));
    parsed = {};
    expect(await rollBack(version)).toMatchObject({ verdict: "executed" });
  });
});
