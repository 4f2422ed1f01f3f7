/** `wrangler deploy --dry-run`, offline and silent about itself. */
import { tool } from "./stage.ts";

export const dryRun = {
  args: (outDirectory: string): readonly string[] => [
    tool("wrangler", "bin", "wrangler.js"),
    "deploy",
    "--dry-run",
    "--outdir",
    outDirectory,
  ],
  env: {
    CI: "1",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_SEND_ERROR_REPORTS: "false",
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_WRITE_LOGS: "false",
    WRANGLER_NO_SKILLS_UPDATE_PROMPTS: "true",
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
  },
} as const;
