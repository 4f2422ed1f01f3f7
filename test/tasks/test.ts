/**
 * `npm test`: everything, fast things first. Long campaigns run in their short form; their flags are in
 * docs/OPERATE.md. Says what it skipped and why, and ends with the counts.
 */
import { checkStages } from "./check-stages.ts";
import { ensureChromium } from "./chromium.ts";
import { command, root, runStages, tool, vitest, type Stage } from "./stage.ts";
import path from "node:path";

/** A stage that needs a browser is skipped with a reason where there can be none. */
function withBrowser(stage: Stage): Stage {
  return {
    name: stage.name,
    async run() {
      const missing = ensureChromium();
      return missing === undefined ? stage.run() : { skipped: missing };
    },
  };
}

const WRANGLER_ENV = {
  CI: "1",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_WRITE_LOGS: "false",
  WRANGLER_NO_SKILLS_UPDATE_PROMPTS: "true",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
};

await runStages([
  ...checkStages,
  command("build", [path.join(root, "agent", "build.mjs")]),
  command(
    "deploy dry run",
    [tool("wrangler", "bin", "wrangler.js"), "deploy", "--dry-run", "--outdir", path.join(root, ".cache", "dry-run")],
    WRANGLER_ENV,
  ),
  vitest("worker in workerd", "test/worker/vitest.config.ts"),
  vitest("two runtimes, one API", "test/parity/vitest.config.ts"),
  withBrowser(vitest("three runtimes, one verdict", "test/browser/vitest.config.ts")),
  vitest("real gateway", "test/real.config.ts"),
  command("attack suite", [path.join(root, "test", "tasks", "attack.ts")]),
  withBrowser(vitest("end to end", "test/e2e/vitest.config.ts")),
]);
