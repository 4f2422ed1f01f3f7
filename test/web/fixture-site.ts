/** Builds the fixture pages, serves them, and opens Chromium on them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import type { BrowserContextOptions, Page } from "playwright-core";
import { buildWeb } from "../../web/build.ts";
import { shotOf } from "./fixtures/scenes.ts";
import { serve } from "./serve.ts";

const browserArguments = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export interface FixtureSite {
  /** A page of its own context, with that scene drawn. Close the context when done. */
  open(scene: string, options?: BrowserContextOptions, onPage?: (page: Page) => void): Promise<Page>;
  stop(): Promise<void>;
}

export async function openFixtureSite(): Promise<FixtureSite> {
  const built = await mkdtemp(join(tmpdir(), "clawhold-web-"));
  await buildWeb({ outDir: built, minify: true, entry: join(import.meta.dirname, "fixtures/main.ts") });
  const served = await serve(built);
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: browserArguments });
  return {
    async open(scene, options = {}, onPage = () => undefined) {
      const context = await browser.newContext({ reducedMotion: "reduce", timezoneId: "UTC", ...options });
      const page = await context.newPage();
      onPage(page);
      await page.addInitScript((name) => {
        window.name = name;
      }, scene);
      await page.goto(`${served.origin}${shotOf(scene).path}`);
      await page.locator("main h1, main .skeleton").first().waitFor();
      return page;
    },
    async stop() {
      await browser.close();
      await served.stop();
      await rm(built, { recursive: true });
    },
  };
}
