/** Real browser, real workerd, real agent, real gateway. Most of it is waiting: two files at a time, each with ports of its own. */
import { defineConfig } from "vitest/config";
import { POLL_MILLISECONDS } from "../patience.ts";

export default defineConfig({
  root: new URL("../..", import.meta.url).pathname,
  cacheDir: ".cache/vitest-e2e",
  test: {
    include: ["test/e2e/**/*.test.ts"],
    maxWorkers: 2,
    testTimeout: 180_000,
    expect: { poll: { timeout: POLL_MILLISECONDS } },
    hookTimeout: 120_000,
  },
});
