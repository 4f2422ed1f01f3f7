/**
 * Draws every scene at 390 and 1280 px, light and dark, into test/screenshots/, and lets axe judge each, at 768 too.
 * Fails on any violation, any console error, any sideways scroll. Run: `node test/web/screenshots.ts [part of a name]`.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "playwright-core";
import { openFixtureSite } from "./fixture-site.ts";
import type { FixtureSite } from "./fixture-site.ts";
import { shots } from "./fixtures/scenes.ts";
import type { Shot } from "./fixtures/scenes.ts";

const outDir = join(import.meta.dirname, "../screenshots");

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
  // Reflow: what somebody with 400 % zoom on a laptop gets.
  { width: 320, height: 640, scheme: "light", picture: false },
];

/** Long enough for the traces of a fixture host to be drawn and for an opening dialog to settle. */
const SETTLE_MS = 500;

async function perform(page: Page, act: Shot["act"]): Promise<void> {
  switch (act) {
    case "restart":
      await page.getByRole("button", { name: "Restart" }).click();
      await page.waitForTimeout(SETTLE_MS + 300);
      return;
    case "press":
      await page.getByRole("button", { name: "Restart" }).click();
      await page.getByRole("button", { name: "Approve with passkey" }).click();
      await page.waitForTimeout(SETTLE_MS);
      return;
    case "origin":
      await page.getByRole("button", { name: /Signer|Daily page/ }).click();
      return;
    case "keys":
      await page.keyboard.press("?");
      return;
    case "more-banners":
      await page.locator(".more-banners > summary").click();
      return;
    case undefined:
      return;
  }
}

/** Fills fields and presses what the shot names. A fold's summary is no button, and is pressed alike. */
async function handle(page: Page, { fill = [], pick = [], press = [] }: Shot): Promise<void> {
  for (const label of pick) await page.getByRole("checkbox", { name: `Pick ${label}`, exact: true }).check();
  for (const [index, text] of fill.entries()) await page.locator("main input.input").nth(index).fill(text);
  for (const name of press) {
    // An open dialog has what is pressed; what is behind it may be called alike.
    const within = page.locator((await page.locator("dialog[open]").count()) > 0 ? "dialog[open]" : "body");
    const summary = within.locator("summary", { hasText: name });
    const button = within.getByRole("button", { name: new RegExp(`^${name}`) });
    if ((await summary.count()) > 0) await summary.first().click();
    else {
      await button.first().waitFor();
      await page.waitForTimeout(SETTLE_MS + 200); // an approve button counts once it was seen
      await button.first().click();
    }
  }
  if (press.length > 0) await page.waitForTimeout(SETTLE_MS);
}

interface Job {
  readonly site: FixtureSite;
  readonly name: string;
  readonly shot: Shot;
}

/** Every finding of one scene in one view; empty is good. */
async function draw({ site, name, shot }: Job, view: View): Promise<readonly string[]> {
  const found: string[] = [];
  const viewport = { width: view.width, height: view.height };
  const page = await site.open(name, { viewport, colorScheme: view.scheme, hasTouch: view.width < 768 }, (opened) => {
    opened.on("console", (message) => {
      if (message.type() === "error") found.push(`console: ${message.text()}`);
    });
    opened.on("pageerror", (error) => found.push(`error: ${error.message}`));
  });
  await page.waitForTimeout(SETTLE_MS);
  await perform(page, shot.act);
  await handle(page, shot);
  if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) found.push("scrolls sideways");
  const { violations } = await new AxeBuilder({ page }).analyze();
  for (const { id, nodes } of violations) {
    found.push(...nodes.map((node) => `axe ${id}: ${node.html.slice(0, 160)} ${node.failureSummary ?? ""}`));
  }
  if (view.picture) {
    // What is fixed to the window (dialogs, the sheet of a phone) is drawn as the window shows it.
    const whole = shot.act === undefined && !name.startsWith("statement-") && !shot.path.includes("entry=");
    await page.screenshot({ path: join(outDir, `${name}-${view.width}-${view.scheme}.png`), fullPage: whole });
  }
  await page.context().close();
  return found.map((text) => `${name} ${view.width} ${view.scheme}: ${text}`);
}

const wanted = process.argv[2] ?? "";
await mkdir(outDir, { recursive: true });
const site = await openFixtureSite();
const findings: string[] = [];
for (const [name, shot] of Object.entries(shots)) {
  if (!name.includes(wanted)) continue;
  for (const view of views) findings.push(...(await draw({ site, name, shot }, view)));
}
await site.stop();
for (const finding of findings) console.error(finding);
console.log(findings.length === 0 ? "no findings" : `${findings.length} findings`);
process.exitCode = findings.length === 0 ? 0 : 1;
