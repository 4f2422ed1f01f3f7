/** Pictures of real pages: both widths, both themes, for a person to look at; and axe's judgement of each. */
import { AxeBuilder } from "@axe-core/playwright";
import { mkdirSync } from "node:fs";
import path from "node:path";
import type { Page } from "playwright-core";

const folder = path.resolve(import.meta.dirname, "../screenshots");
const WIDTHS = [1280, 390] as const;
/** Colours glide for a moment after a change of theme. */
const SETTLE_MS = 200;
const THEMES = ["light", "dark"] as const;

/** What axe finds wrong on the page as it is now, one line each. */
async function violations(page: Page): Promise<readonly string[]> {
  const { violations: found } = await new AxeBuilder({ page }).analyze();
  return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
}

/**
 * Takes `<name>-<width>-<theme>.png` for each; leaves the page at 1280, light.
 * @throws when axe finds a violation at either width.
 */
export async function shoot(page: Page, name: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const found: string[] = [];
  for (const width of WIDTHS) {
    for (const colorScheme of THEMES) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(SETTLE_MS);
      await page.screenshot({ path: path.join(folder, `${name}-${width}-${colorScheme}.png`) });
      found.push(...(await violations(page)).map((line) => `${name} at ${width}, ${colorScheme}: ${line}`));
    }
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
  if (found.length > 0) throw new Error(found.join("\n"));
}
