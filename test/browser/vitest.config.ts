/** The protocol's verdicts in Node, plain workerd and Debian's Chromium. Needs /usr/bin/chromium. */
import { defineConfig } from "vitest/config";
import { POLL_MILLISECONDS } from "../patience.ts";

export default defineConfig({
  root: new URL("../..", import.meta.url).pathname,
  cacheDir: ".cache/vitest-browser",
  test: {
    include: ["test/browser/**/*.test.ts"],
    testTimeout: 120_000,
    expect: { poll: { timeout: POLL_MILLISECONDS } },
  },
});
