/**
 * Draws every scene at 390 and 1280 px, light and dark, into test/screenshots/, and lets axe judge each, at 768 too.
 * Fails on any violation, any console error, any sideways scroll. Run: `node test/web/screenshots.ts [part of a name]`.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { chromium } from "playwright-core";
import type { Browser, Page } from "playwright-core";
import { buildWeb } from "../../web/build.ts";
import { shots } from "./fixtures/scenes.ts";
import type { Shot } from "./fixtures/scenes.ts";
import { serve } from "./serve.ts";

const root = join(import.meta.dirname, "../..");
const outDir = join(root, "test/screenshots");

const browserArguments = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

interface View {
  readonly width: number;
  readonly height: number;
  readonly scheme: "light" | "dark";
  readonly picture: boolean;
}

const views: readonly View[] = [
  { width: 1280, height: 900, scheme: "light", picture: true },
  { width: 1280, height: 900, scheme: "dark", picture: true },
  { width: 390, height: 844, scheme: "light", picture: true },
  { width: 390, height: 844, scheme: "dark", picture: true },
  { width: 768, height: 1024, scheme: "light", picture: false },
];

interface Job {
  readonly browser: Browser;
  readonly origin: string;
  readonly name: string;
  readonly shot: Shot;
}

async function perform(page: Page, act: Shot["act"]): Promise<void> {
  switch (act) {
    case "restart":
      await page.getByRole("button", { name: "Restart" }).click();
      await page.waitForTimeout(800);
      return;
    case "press":
    case "press-ask":
      await page.getByRole("button", { name: "Restart" }).click();
      await page.getByRole("button", { name: "Approve with passkey" }).click();
      await page.waitForTimeout(300);
      return;
    case "origin":
      await page.getByRole("button", { name: /Signer|Daily page/ }).click();
      return;
    case "keys":
      await page.keyboard.press("?");
      return;
    case "more-banners":
      await page.getByText("more", { exact: false }).first().click();
      return;
    case undefined:
      return;
  }
}

/** Every finding of one scene in one view; empty is good. */
async function draw({ browser, origin, name, shot }: Job, view: View): Promise<readonly string[]> {
  const context = await browser.newContext({
    viewport: { width: view.width, height: view.height },
    colorScheme: view.scheme,
    reducedMotion: "reduce",
    timezoneId: "UTC",
    hasTouch: view.width < 768,
  });
  const page = await context.newPage();
  const found: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") found.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => found.push(`error: ${error.message}`));
  await page.addInitScript((scene) => {
    window.name = scene;
  }, name);
  await page.goto(`${origin}${shot.path}`);
  await page.waitForTimeout(500);
  await perform(page, shot.act);
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  if (sideways) found.push("scrolls sideways");
  const { violations } = await new AxeBuilder({ page }).analyze();
  for (const { id, nodes } of violations) {
    found.push(...nodes.map((node) => `axe ${id}: ${node.html.slice(0, 160)} ${node.failureSummary ?? ""}`));
  }
  if (view.picture) {
    const dialog = shot.act !== undefined;
    await page.screenshot({ path: join(outDir, `${name}-${view.width}-${view.scheme}.png`), fullPage: !dialog });
  }
  await context.close();
  return found.map((text) => `${name} ${view.width} ${view.scheme}: ${text}`);
}

const wanted = process.argv[2] ?? "";
const built = await mkdtemp(join(tmpdir(), "clawhold-web-"));
await mkdir(outDir, { recursive: true });
await buildWeb({ outDir: built, minify: true, entry: join(import.meta.dirname, "fixtures/main.ts") });
const served = await serve(built);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: browserArguments });
const findings: string[] = [];
for (const [name, shot] of Object.entries(shots)) {
  if (!name.includes(wanted)) continue;
  for (const view of views) {
    findings.push(...(await draw({ browser, origin: served.origin, name, shot }, view)));
  }
}
await browser.close();
await served.stop();
await rm(built, { recursive: true });
for (const finding of findings) console.error(finding);
console.log(findings.length === 0 ? "no findings" : `${findings.length} findings`);
process.exitCode = findings.length === 0 ? 0 : 1;
