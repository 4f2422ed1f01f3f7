/**
 * `clawhold audit` on a real server with a gateway as its own user: the program that a release brings, alone, without an account. As root it
 * sees what an ordinary user does not, and neither is told more than was seen; a deep look runs the gateway's own audit in a unit
 * without a network.
 */
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, it } from "vitest";
import * as v from "valibot";
import { hostProgramBundle, postureBundle } from "../../agent/agent-bundle.ts";
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import { reportSchema, type Report } from "../../protocol/posture/report.ts";
import { GATEWAY_TOKEN, gatewayShown, startGateway } from "./gateway.ts";
import { labDirectory } from "./leftovers.ts";
import { Machine } from "./machine.ts";
import { Network } from "./network.ts";
import { OWNER } from "./root-file-system.ts";
import { findingOf, NODE } from "./scan.ts";

const HOME = "/opt/lab-audit";
const closers: Closers = [];
let machine: Machine;

beforeAll(async () => {
  const network = new Network();
  closers.push(() => network.close());
  machine = await Machine.started({ network, shown: await gatewayShown() });
  closers.push(() => machine.remove());
  const directory = await mkdtemp(path.join(labDirectory, "audit-"));
  await build({ ...hostProgramBundle(directory), logLevel: "silent" });
  await build({ ...postureBundle(directory), logLevel: "silent" });
  writeFileSync(path.join(directory, "version"), "0.1.0\n");
  await machine.copyIn(directory, HOME);
  await rm(directory, { recursive: true });
  await machine.must(["/usr/bin/chmod", "-R", "a+rX", HOME]);
  await startGateway(machine);
});

afterAll(() => closeAll(closers));

const program = [NODE, path.join(HOME, "clawhold.cjs"), "audit"] as const;

async function looked(
  user: string | undefined,
  ...words: readonly string[]
): Promise<{ text: string; report: Report }> {
  const { code, stdout, stderr } = await machine.run(
    [...program, "--json", ...words],
    user === undefined ? {} : { user },
  );
  expect([code, stderr]).toEqual([0, ""]);
  const { report } = JSON.parse(stdout) as { report: unknown };
  return { text: stdout, report: v.parse(reportSchema, report) };
}

const stateOf = (report: Report, check: Parameters<typeof findingOf>[1]) => findingOf(report, check).state;

it("root is told of the gateway what was tried, and none of its secrets", async () => {
  const { text, report } = await looked(undefined);
  expect(report.privileged).toBe(true);
  for (const check of [
    "gw.bind.loopback",
    "gw.port.external",
    "gw.auth.mode",
    "gw.auth.ratelimit",
    "gw.version.advisories",
  ] as const)
    expect([check, stateOf(report, check)]).toEqual([check, "pass"]);
  for (const check of ["gw.pairing.manual", "gw.exec.asks", "cfg.immutable", "cfg.versioned"] as const)
    expect([check, stateOf(report, check)]).toEqual([check, "fail"]);
  expect(stateOf(report, "gw.audit.native")).toBe("unverified");
  expect(text).not.toContain(GATEWAY_TOKEN);
});

it("an ordinary user sees less, is told so, and nothing goes wrong or passes unseen", async () => {
  const { report } = await looked(OWNER);
  expect(report.privileged).toBe(false);
  const wrong = report.findings
    .filter(({ state }) => state === "error")
    .map(({ check, shortfalls }) => [check, ...shortfalls]);
  expect(wrong).toEqual([]);
  for (const check of [
    "gw.controlui.origins",
    "gw.exec.asks",
    "gw.state.perms",
    "cfg.immutable",
    "usr.empty-pw",
  ] as const)
    expect(findingOf(report, check)).toMatchObject({ check, state: "unverified", reason: "not_root" });
  const { stdout } = await machine.run(program, { user: OWNER });
  expect(stdout).toContain("Looked without root: see more with sudo clawhold audit");
});

it("a pipeline is told by the exit code", async () => {
  expect((await machine.run([...program, "--fail-under", "A"])).code).toBe(1);
  expect((await machine.run([...program, "--fail-under", "F"])).code).toBe(0);
  expect((await machine.run([...program, "--deep"], { user: OWNER })).code).toBe(4);
});

it("a deep look has the gateway's own audit run as its user, in a unit without a network", async () => {
  const { report } = await looked(undefined, "--deep");
  const { state, level, shortfalls } = findingOf(report, "gw.audit.native");
  expect({ state, level, shortfalls }).toEqual({ state: "pass", level: "effective", shortfalls: [] });
  const units = await machine.must([
    "/usr/bin/systemctl",
    "list-units",
    "--all",
    "--no-legend",
    "--plain",
    "--type=service",
    "run-*",
  ]);
  expect(units.trim()).toBe("");
});
