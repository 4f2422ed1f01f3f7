/** Real Debian servers, booted with systemd, attacked over a cable. Needs root; one file at a time, each with its own machines. */
import { defineConfig } from "vitest/config";
import { POLL_MILLISECONDS } from "../patience.ts";

export default defineConfig({
  root: new URL("../..", import.meta.url).pathname,
  cacheDir: ".cache/vitest-lab",
  test: {
    include: ["test/lab/**/*.test.ts"],
    pool: "forks",
    fileParallelism: false,
    testTimeout: 300_000,
    expect: { poll: { timeout: POLL_MILLISECONDS } },
    hookTimeout: 300_000,
  },
});
