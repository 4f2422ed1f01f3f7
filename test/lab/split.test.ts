/** The installed host under real systemd: what each of its three services can reach, and that commands run through them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import { hostLayout, UNITS } from "../../agent/host/units/layout.ts";
import { clawhold, type RunningEdge } from "../net/product.ts";
import { startEdge } from "./edge.ts";
import { GATEWAY_PORT, gatewayShown, startGateway } from "./gateway.ts";
import { receiptOf } from "../e2e/operator.ts";
import { Machine } from "./machine.ts";
import { Network } from "./network.ts";
import type { Ended } from "./process.ts";

const SYSTEMCTL = "/usr/bin/systemctl";
const ANALYZE = "/usr/bin/systemd-analyze";
/** A reader looks once a minute. */
const PATIENCE = { timeout: 120_000, interval: 500 };
/** A gateway that starts cold on a busy machine, twice. */
const SLOW_MILLISECONDS = 300_000;
const isAll = process.env["CLAWHOLD_LAB_ALL"] === "1";
const layout = hostLayout();

const closers: Closers = [];
let edge: RunningEdge;
let machine: Machine;
let host: string;

beforeAll(async () => {
  const network = new Network();
  closers.push(() => network.close());
  const shown = await gatewayShown();
  [edge, machine] = await Promise.all([startEdge(closers), Machine.started({ network, shown })]);
  closers.push(() => machine.remove());
  await startGateway(machine);
  const url = `ws://127.0.0.1:${String(GATEWAY_PORT)}`;
  const adding = clawhold(edge.installed, "host", "add", "--gateway", url);
  const command = String((await adding.mustSay((said) => said["event"] === "add"))["command"]);
  await machine.must(["/bin/bash", "-s"], { input: `${command}\n` });
  host = (JSON.parse(await machine.read(layout.hostFile)) as { readonly host: string }).host;
});
afterAll(() => closeAll(closers));

const mainPid = async (unit: string): Promise<string> =>
  (await machine.must([SYSTEMCTL, "show", "--property=MainPID", "--value", unit])).trim();

const exeOf = async (unit: string): Promise<string> =>
  (await machine.run(["/usr/bin/readlink", `/proc/${await mainPid(unit)}/exe`])).stdout.trim();

/** A program within the namespaces and the root of a unit's process, as its user. */
async function within(unit: string, user: string, ...argv: readonly string[]): Promise<Ended> {
  const pid = await mainPid(unit);
  const ids = await Promise.all(["-u", "-g"].map((which) => machine.must(["/usr/bin/id", which, user])));
  const [uid, gid] = ids.map((id) => id.trim());
  const as = [`--setuid=${String(uid)}`, `--setgid=${String(gid)}`];
  return machine.run(["/usr/bin/nsenter", "--target", pid, "--mount", "--net", ...as, "--", ...argv]);
}

describe("an installed host", () => {
  it(
    "is admitted, and restarts its gateway by a signed command, through link, warden and a socket",
    async () => {
      await edge.operator.admitFirstHost(host);
      await expect
        .poll(() => status(), PATIENCE)
        .toMatchObject({ tunnel: "connected", admitted: true, gateway: "running" });
      const sent = await edge.operator.build("gateway.restart@1", host);
      await edge.operator.submit(sent);
      expect(receiptOf(await edge.operator.ended(sent, host))?.verdict).toBe("executed");
    },
    SLOW_MILLISECONDS,
  );

  it("has no unit that failed, and none is exposed to more than 2.0 as it is loaded", async () => {
    expect(await machine.must([SYSTEMCTL, "list-units", "--failed", "--no-legend", "--plain", "clawhold*"])).toBe("");
    for (const unit of [UNITS.link, UNITS.reader, UNITS.warden, UNITS.gateway]) {
      const { code, stdout } = await machine.run([ANALYZE, "security", "--no-pager", "--threshold=20", unit]);
      expect(code, stdout.split("\n").slice(-2).join(" ")).toBe(0);
    }
  });

  it("has a link that executes nothing but Node, and sees neither the host's keys nor the gateway's door", async () => {
    const link = (...argv: readonly string[]): Promise<Ended> => within(UNITS.link, "clawhold", ...argv);
    for (const program of ["/bin/sh", "/usr/bin/systemctl", "/usr/bin/curl"])
      expect(
        (await link(layout.node, "-e", tried(`child.spawnSync(${JSON.stringify(program)})`))).stdout,
        program,
      ).toBe("EACCES");
    for (const file of [`${layout.wardenState}/keys.json`, layout.gatewayState, layout.readerState])
      expect((await link(layout.node, "-e", tried(`fs.openSync(${JSON.stringify(file)})`))).stdout, file).toBe(
        "EACCES",
      );
    expect((await link(layout.node, "-e", connecting(layout.gatewaySocket))).stdout).toBe("EACCES");
  });

  it("has a reader that sees neither the link's key nor the warden's door", async () => {
    // It ends when nobody listens, so somebody does; and it is there once its own namespaces are.
    const listening = machine.run([
      layout.node,
      "-e",
      `require("net").connect(${JSON.stringify(layout.readerSocket)})`,
    ]);
    await expect.poll(() => exeOf(UNITS.reader), PATIENCE).toBe(layout.node);
    const reader = (...argv: readonly string[]): Promise<Ended> => within(UNITS.reader, "clawhold-reader", ...argv);
    expect((await reader(layout.node, "-e", tried(`child.spawnSync("/bin/sh")`))).stdout).toBe("EACCES");
    for (const file of [`${layout.linkState}/tls.json`, `${layout.wardenState}/keys.json`])
      expect((await reader(layout.node, "-e", tried(`fs.openSync(${JSON.stringify(file)})`))).stdout, file).toBe(
        "EACCES",
      );
    expect((await reader(layout.node, "-e", connecting(layout.wardenSocket))).stdout).toBe("EACCES");
    await machine.must([SYSTEMCTL, "stop", UNITS.reader]);
    await listening;
  });

  it("has a warden without a network; with CLAWHOLD_LAB_ALL=1 it is waited for until it ends", async () => {
    await machine.must([SYSTEMCTL, "start", UNITS.warden]);
    await expect.poll(() => exeOf(UNITS.warden), PATIENCE).toBe(layout.node);
    const pid = await mainPid(UNITS.warden);
    const devices = await machine.read(`/proc/${pid}/net/dev`);
    expect(devices.match(/^ *\w+(?=:)/gm)?.map((name) => name.trim())).toEqual(["lo"]);
    if (isAll) await expect.poll(() => mainPid(UNITS.warden), { timeout: 180_000, interval: 2_000 }).toBe("0");
  });
});

/** What a call of Node's comes to: the code of its error. */
function tried(call: string): string {
  const text = `const child = require("child_process"), fs = require("fs");
    try { const done = ${call}; if (done?.error) throw done.error; console.log("done"); } catch (error) { console.log(error.code); }`;
  return text.replaceAll("console.log(", "process.stdout.write(");
}

function connecting(socket: string): string {
  return `require("net").connect(${JSON.stringify(socket)}, () => process.stdout.write("done", () => process.exit()))
    .on("error", (error) => process.stdout.write(error.code))`;
}

async function status(): Promise<unknown> {
  const { code, stdout } = await machine.run(["/usr/bin/cat", layout.linkStatus]);
  return code === 0 ? JSON.parse(stdout) : undefined;
}
