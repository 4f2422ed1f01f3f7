/**
 * A real gateway with a model of ours, seen by the real program in the real browser. The agent's processor time and memory
 * while the gateway works are held against the same agent while it does nothing, and the gateway's turns with the agent
 * against those before it came and after it left.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import { startDemoGateway, type DemoGateway } from "../../../agent/host/demo/demo.ts";
import { runTurns, type ActivityDeps } from "../../../agent/host/demo/activity.ts";
import { launchChromium, sitDown } from "../../e2e/browser.ts";
import { gatewayCache } from "../../e2e/gateway.ts";
import { temporaryDirectory } from "../../e2e/installation.ts";
import { percentile, row, type Row } from "../bench.ts";
import { startInstallation, type BenchInstallation } from "../installation.ts";
import { processesOf, processorMs, rssMb } from "../processes.ts";
import { GatewayOwner } from "./owner.ts";

const EVENTS = 40;
/** Between two events: rounds follow each other at a second, and what is measured is one. */
const EVENT_PAUSE_MS = 2_500;
const EVENT_TARGET_MS = 250;
const SETTLE_MS = 20_000;
const MINUTE_MS = 60_000;
const TURNS_A_MINUTE = 10;
/** In each part, one after the other; the first of all load code and are left out. */
const TURNS = 40;
const WARM_UP_TURNS = 8;
const TURN_TARGET = 1.05;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Scene {
  readonly activity: ActivityDeps;
  readonly demo: DemoGateway;
  readonly owner: GatewayOwner;
}

export async function measureWatching(): Promise<readonly Row[]> {
  const directory = temporaryDirectory("bench-gateway");
  const demo = await startDemoGateway({
    dataDirectory: directory.path,
    installDirectory: gatewayCache,
    node: process.execPath,
    environment: process.env,
    agentVersion: "0.0.0",
    fetchAllowed: true,
    say: () => undefined,
    log: () => undefined,
    withActivity: false,
  });
  try {
    const token = (await readFile(demo.tokenFile, "utf8")).trim();
    const activity = { url: demo.url, token, agentVersion: "0.0.0", log: () => undefined };
    const owner = await GatewayOwner.open(demo.url, token);
    const scene = { activity, demo, owner };
    const environment = { OPENCLAW_STATE_DIR: path.join(directory.path, "demo/state"), OPENCLAW_GATEWAY_TOKEN: token };
    return await measure(scene, environment);
  } finally {
    await demo.stop();
    directory.remove();
  }
}

async function measure(scene: Scene, env: Readonly<Record<string, string>>): Promise<readonly Row[]> {
  await turns(scene, WARM_UP_TURNS);
  const before = await turns(scene, TURNS);
  const installation = await startInstallation({ gateway: scene.demo.url, env });
  try {
    const watched = await turns(scene, TURNS);
    const cost = await agentCost(scene, installation);
    const events = await eventsToPixels(scene, installation);
    await installation.stop();
    const after = await turns(scene, TURNS);
    const without = [...before, ...after];
    const turn = (name: string, fraction: number, target?: number): Row =>
      row({
        name: `a turn of the gateway with the agent, ${name}`,
        value: percentile(watched, fraction),
        unit: "ms",
        baseline: { name: "without it", value: percentile(without, fraction) },
        ...(target === undefined ? {} : { target }),
      });
    return [...events, ...cost, turn("p50", 0.5, TURN_TARGET), turn("p90", 0.9)];
  } finally {
    await installation.stop();
  }
}

async function turns({ activity }: Scene, count: number): Promise<readonly number[]> {
  const taken: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const started = performance.now();
    await runTurns(activity, [{ session: `bench-${String(i % 4)}`, message: `Turn ${String(i)}` }]);
    taken.push(performance.now() - started);
  }
  return taken;
}

async function agentCost(scene: Scene, installation: BenchInstallation): Promise<readonly Row[]> {
  const agent = processesOf(installation).find(({ name }) => name === "agent");
  if (agent === undefined) throw new TypeError("no agent");
  await pause(SETTLE_MS);
  const idle = await used(agent.pid, () => pause(MINUTE_MS));
  const busy = await used(agent.pid, async () => {
    const until = performance.now() + MINUTE_MS;
    for (let i = 0; i < TURNS_A_MINUTE; i += 1) {
      await turns(scene, 1);
      const next = until - (TURNS_A_MINUTE - 1 - i) * (MINUTE_MS / TURNS_A_MINUTE);
      await pause(Math.max(0, next - performance.now()));
    }
  });
  const name = "agent, 10 turns a minute";
  return [
    row({
      name: `${name}: processor`,
      value: busy.percent,
      unit: "% of one",
      baseline: { name: "the same, idle", value: idle.percent },
    }),
    row({ name: `${name}: memory`, value: busy.mb, unit: "MB", baseline: { name: "the same, idle", value: idle.mb } }),
  ];
}

async function used(
  pid: number,
  work: () => Promise<void>,
): Promise<{ readonly percent: number; readonly mb: number }> {
  const started = performance.now();
  const before = processorMs(pid);
  await work();
  const percent = ((processorMs(pid) - before) / (performance.now() - started)) * 100;
  return { percent, mb: rssMb(pid) };
}

/** A job is added to the gateway; the clock stops with the picture that shows one job more. Both ends share a clock. */
async function eventsToPixels({ owner }: Scene, installation: BenchInstallation): Promise<readonly Row[]> {
  const browser: Browser = await launchChromium();
  try {
    const page = await hostPage(browser, installation);
    const taken: number[] = [];
    for (let i = 0; i < EVENTS; i += 1) {
      await pause(EVENT_PAUSE_MS + Math.random() * 500);
      const shown = page.evaluate<number>(NEXT_COUNT);
      await page.evaluate(() => undefined); // the question above is in the page
      const happenedAt = await owner.addJob(`bench-${String(i)}`);
      taken.push((await shown) - happenedAt);
    }
    const name = "gateway event to pixels";
    return [
      row({ name: `${name}, p50`, value: percentile(taken, 0.5), unit: "ms", target: EVENT_TARGET_MS }),
      row({ name: `${name}, p99`, value: percentile(taken, 0.99), unit: "ms" }),
    ];
  } finally {
    await browser.close();
  }
}

async function hostPage(browser: Browser, { operator, host }: BenchInstallation): Promise<Page> {
  const { page, authenticator } = await sitDown(browser);
  await authenticator.hold(operator.credential);
  await page.goto(operator.origin);
  await page.getByRole("button", { name: /Sign in with a passkey/ }).click();
  await page.getByRole("link", { name: "Fleet" }).first().waitFor();
  await page.goto(`${operator.origin}/hosts/${host}`);
  await page.getByText(/\d+ jobs?, \d+ enabled/).waitFor();
  return page;
}

/** Wall clock in milliseconds of the first picture in which the number of jobs is another one. Runs in the page. */
const NEXT_COUNT = `new Promise((resolve) => {
  const count = () => /\\d+ jobs?, \\d+ enabled/.exec(document.querySelector("main").textContent)?.[0];
  const before = count();
  const observer = new MutationObserver(() => {
    if (count() === before) return;
    observer.disconnect();
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => resolve(performance.timeOrigin + performance.now());
      channel.port2.postMessage(undefined);
    });
  });
  observer.observe(document.querySelector("main"), { subtree: true, childList: true, characterData: true });
})`;
