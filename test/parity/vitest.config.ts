/** One list of API calls against two runtimes: miniflare, and plain workerd behind its front. */
import { defineConfig } from "vitest/config";
import { POLL_MILLISECONDS } from "../patience.ts";

export default defineConfig({
  root: new URL("../..", import.meta.url).pathname,
  cacheDir: ".cache/vitest-parity",
  test: {
    include: ["test/parity/**/*.test.ts"],
    fileParallelism: false,
    // The edge logs every refusal; only those of a failed test are worth reading.
    silent: "passed-only",
    testTimeout: 60_000,
    expect: { poll: { timeout: POLL_MILLISECONDS } },
    hookTimeout: 120_000,
  },
});
