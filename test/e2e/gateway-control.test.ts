/**
 * A gateway used through Clawhold instead of a shell: every list is read sealed, a job is disabled and enabled, an agent's command
 * is allowed, the log is opened, a value is changed and rolled back, the gateway is locked down and killed. Real gateway, agent,
 * edge and browser; what became of it is asked of the gateway itself.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { probeReadiness } from "../../agent/host/gateway/probe.ts";
import { startToolGateway, type ToolGateway } from "../agent/host/gateway/fixtures/tool-gateway.ts";
import { launchChromium, type Person } from "./browser.ts";
import { SecondHost } from "./faults/second-host.ts";
import { startTown, type Town } from "./faults/town.ts";
import { temporaryDirectory } from "./installation.ts";
import { shoot } from "./pictures.ts";
import { signedIn } from "./signed-in.ts";

const PORT = 25_170;
const data = temporaryDirectory("gateway-control");
const TABS = [
  "agents",
  "sessions",
  "schedule",
  "channels",
  "devices",
  "extensions",
  "configuration",
  "log",
  "approvals",
];

let gateway: ToolGateway;
let town: Town;
let browser: Browser;
let owner: Person;
let page: Page;
let main: Locator;

beforeAll(async () => {
  gateway = await startToolGateway({
    directory: path.join(data.path, "gateway"),
    configuration: { tools: { exec: { mode: "ask" } } },
  });
  const connection = await gateway.connect("operator.admin");
  await connection.call("cron.add", {
    name: "morning brief",
    enabled: true,
    schedule: { kind: "every", everyMs: 3_600_000 },
    sessionTarget: "isolated",
    wakeMode: "now",
    payload: { kind: "agentTurn", message: "what is on today" },
    delivery: { mode: "none" },
  });
  connection.close();
  await gateway.turn("hello");
  town = await startTown({
    port: PORT,
    gateway: gateway.url,
    env: { OPENCLAW_STATE_DIR: gateway.state, OPENCLAW_CONFIG_PATH: path.join(gateway.state, "openclaw.json") },
    dataDir: path.join(data.path, "edge"),
  });
  browser = await launchChromium();
  owner = await signedIn(browser, town.operator);
  ({ page } = owner);
  main = page.getByRole("main");
}, 240_000);

afterAll(async () => {
  await browser?.close();
  await town?.stop();
  await gateway?.stop();
  data.remove();
});

afterEach(async ({ task }) => {
  if (task.result?.state !== "fail") return;
  await shoot(page, "gateway-failure");
  console.log([...owner.complaints.slice(-10), ...town.up.stderr.slice(-15)].join("\n"));
});

async function open(tab: string): Promise<void> {
  await page.goto(`${town.operator.origin}/hosts/${town.host}/${tab}`);
  await main.waitFor();
}

/** One touch in the dialog that is open, until the host's receipt is in it. */
async function approve(done: RegExp): Promise<string> {
  const dialog = page.getByRole("dialog");
  await dialog.locator(".approve:not([aria-disabled])").waitFor();
  await dialog.getByRole("button", { name: /Approve with passkey/ }).click();
  await dialog.getByText(done).first().waitFor({ timeout: 90_000 });
  const text = await dialog.innerText();
  await page.keyboard.press("Escape");
  return text;
}

async function jobs(): Promise<readonly { readonly name: string; readonly enabled: boolean }[]> {
  const connection = await gateway.connect("operator.read");
  try {
    const { jobs: all } = (await connection.call("cron.list", { includeDisabled: true })) as {
      jobs: { name: string; enabled: boolean }[];
    };
    return all;
  } finally {
    connection.close();
  }
}

describe("a gateway through Clawhold", () => {
  it.each(TABS)("the tab %s says what the host says, on a desktop and on a phone", async (tab) => {
    await open(tab);
    await expect.poll(() => main.innerText()).not.toMatch(/Reading |Asking the host/);
    expect(await main.innerText()).not.toMatch(/cannot be shown/i);
    await shoot(page, `e2e-host-${tab}`);
  });

  it("a job is disabled and enabled, and the gateway knows", async () => {
    const isEnabled = async () => (await jobs()).find(({ name }) => name === "morning brief")?.enabled;
    await open("schedule");
    const row = main.locator("tr, li").filter({ hasText: "morning brief" }).last();
    await row.getByRole("button", { name: /^Disable/ }).click();
    expect(await approve(/Verified/i)).toMatch(/disabled/i);
    expect(await isEnabled()).toBe(false);
    await row.getByRole("button", { name: /^Enable/ }).click();
    await approve(/Verified/i);
    expect(await isEnabled()).toBe(true);
  });

  it("an agent's command waits, is shown whole, and runs when it is allowed", async () => {
    await open("approvals");
    await main.getByRole("button", { name: "Switch on…" }).click();
    await approve(/Verified/i);
    const turn = gateway.turn('TOOL exec {"command":"touch from-the-page"}', "asking");
    await main.getByText("touch from-the-page").first().waitFor({ timeout: 60_000 });
    await shoot(page, "e2e-host-question");
    expect(existsSync(path.join(gateway.workspace, "from-the-page"))).toBe(false);
    await main.getByRole("button", { name: "Allow once…" }).click();
    await approve(/Verified/i);
    await turn;
    expect(existsSync(path.join(gateway.workspace, "from-the-page"))).toBe(true);
  });

  it("the log is read after a touch, and only then", async () => {
    await open("log");
    await main.getByRole("button", { name: "Open for 15 minutes…" }).click();
    await approve(/Verified/i);
    await expect.poll(() => main.innerText()).toMatch(/gateway|cron|agent/i);
    await shoot(page, "e2e-host-log-open");
  });

  it("a value is changed with a reason, and rolled back to the version before", async () => {
    const file = () => readFileSync(path.join(gateway.state, "openclaw.json"), "utf8");
    await open("configuration");
    await main.getByRole("button", { name: "Open for 15 minutes…" }).first().click();
    await approve(/Verified/i);
    await main.locator("#config-path").fill("logging.level");
    await main.locator("#config-value").selectOption("debug");
    await main.getByRole("button", { name: "Put it on the list" }).click();
    await main.locator("#config-note").fill("to see the pairing");
    await shoot(page, "e2e-host-config-edit");
    await main.getByRole("button", { name: "Change the configuration…" }).click();
    await approve(/Verified/i);
    expect(file()).toMatch(/"level": *"debug"/);
    const version = main.locator("tr, li").filter({ hasText: "to see the pairing" }).first();
    await version.waitFor();
    await shoot(page, "e2e-host-config-versions");
    await main.getByRole("link", { name: "Version 1", exact: true }).click();
    await main.getByRole("button", { name: "Roll back to version 1…" }).click();
    await approve(/Verified/i);
    expect(file()).not.toMatch(/"level": *"debug"/);
  });

  it("is locked down after a preview", async () => {
    await page.goto(`${town.operator.origin}/hosts/${town.host}?of=lockdown`);
    await main.getByRole("button", { name: "Lock down…" }).waitFor();
    await shoot(page, "e2e-host-lockdown");
    await main.getByRole("button", { name: "Lock down…" }).click();
    await approve(/Verified/i);
    await page.goto(`${town.operator.origin}/hosts/${town.host}?of=lockdown`);
    await main.getByText("Nothing would change").waitFor();
  });

  it("is killed with every other of the fleet, from a phone, by one touch", async () => {
    const other = await startToolGateway({ directory: path.join(data.path, "other-gateway") });
    const env = { OPENCLAW_STATE_DIR: other.state, OPENCLAW_CONFIG_PATH: path.join(other.state, "openclaw.json") };
    const host = await SecondHost.join(town, "vps-2", { gateway: other.url });
    try {
      host.start(env);
      await town.operator.admitFirstHost(host.id);
      await page.setViewportSize({ width: 390, height: 844 });
      await page.goto(town.operator.origin);
      const boxes = main.getByRole("checkbox", { name: /^Pick / });
      await expect.poll(() => boxes.count()).toBe(2);
      for (const box of await boxes.all()) {
        await expect.poll(() => box.isEnabled(), { timeout: 30_000 }).toBe(true);
        await box.check();
      }
      await main.locator("li, tr").filter({ hasText: "vps-2" }).getByText("Running").first().waitFor();
      await shoot(page, "e2e-fleet-kill");
      await page.setViewportSize({ width: 390, height: 844 });
      await page.getByRole("button", { name: "Kill" }).click();
      await approve(/Executed on all 2/);
      await Promise.all(
        [gateway, other].map(({ port }) =>
          expect.poll(async () => (await probeReadiness("127.0.0.1", port)).ready).toBe(false),
        ),
      );
      await expect.poll(() => main.getByText("Running", { exact: true }).count(), { timeout: 60_000 }).toBe(0);
    } finally {
      await host.leave();
      await other.stop();
    }
  });

  it("what came to the edge holds none of it", () => {
    const log = [...town.up.stderr, ...town.up.events.map((event) => JSON.stringify(event))].join("\n");
    expect(log).not.toContain("morning brief");
    expect(log).not.toContain("from-the-page");
    expect(readFileSync(path.join(gateway.state, "openclaw.json"), "utf8")).toContain("ask");
  });
});
