/** The quick gate, shared by `npm run check` and `npm test`: types, lint, format, dead code, fast tests. */
import { command, tool, vitest, type Stage } from "./stage.ts";

export const FAST = "fast tests";

export const checkStages: readonly Stage[] = [
  command("types", [tool("typescript", "bin", "tsc"), "-b"]),
  command("lint", [tool("oxlint", "bin", "oxlint"), "--type-aware", "--quiet"]),
  command("format", [tool("oxfmt", "bin", "oxfmt"), "--check"]),
  command("dead code", [tool("knip", "bin", "knip.js"), "--no-progress"]),
  vitest(FAST, "test/vitest.config.ts"),
];
