/**
 * Pictures of real pages, for a person to look at, and axe's judgement of each: both widths and both themes, in two
 * pictures; in all four of them with CLAWHOLD_E2E_ALL=1, as `npm test -- --all` has it.
 */
import { AxeBuilder } from "@axe-core/playwright";
import { mkdirSync } from "node:fs";
import path from "node:path";
import type { Page } from "playwright-core";

const folder = path.resolve(import.meta.dirname, "../screenshots");
/** Colours glide for a moment after a change of theme. */
const SETTLE_MS = 200;

interface Look {
  readonly width: number;
  readonly colorScheme: "light" | "dark";
}

/** Rules of layout see both widths here and rules of colour both themes; a judgement of one page takes about a second. */
const PAIRED: readonly Look[] = [
  { width: 1280, colorScheme: "light" },
  { width: 390, colorScheme: "dark" },
];
const CROSSED: readonly Look[] = [
  { width: 1280, colorScheme: "dark" },
  { width: 390, colorScheme: "light" },
];
const LOOKS = process.env["CLAWHOLD_E2E_ALL"] === "1" ? [...PAIRED, ...CROSSED] : PAIRED;

/** What axe finds wrong on the page as it is now, one line each. */
async function violations(page: Page): Promise<readonly string[]> {
  // In the page itself: no page of ours has frames, and the other mode opens a blank page for each judgement.
  const { violations: found } = await new AxeBuilder({ page }).setLegacyMode(true).analyze();
  return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
}

/**
 * Takes `<name>-<width>-<theme>.png` for each look; leaves the page at 1280, light.
 * @throws when axe finds a violation in any of them.
 */
export async function shoot(page: Page, name: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const found: string[] = [];
  for (const { width, colorScheme } of LOOKS) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    await page.waitForTimeout(SETTLE_MS);
    await page.screenshot({ path: path.join(folder, `${name}-${width}-${colorScheme}.png`) });
    found.push(...(await violations(page)).map((line) => `${name} at ${width}, ${colorScheme}: ${line}`));
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
  if (found.length > 0) throw new Error(found.join("\n"));
}
