/** Tests against the real gateway from npm, and other parts that take their time. */
import { defineConfig } from "vitest/config";
import { POLL_MILLISECONDS } from "./patience.ts";

export default defineConfig({
  root: new URL("..", import.meta.url).pathname,
  cacheDir: ".cache/vitest-real",
  test: {
    include: ["test/**/real.test.ts"],
    fileParallelism: false,
    testTimeout: 300_000,
    expect: { poll: { timeout: POLL_MILLISECONDS } },
    hookTimeout: 300_000,
  },
});
