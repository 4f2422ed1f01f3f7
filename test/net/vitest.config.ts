/** Machines of our own on one machine: network namespaces, VPN software, and networks that lose. Needs root. */
import { defineConfig } from "vitest/config";
import { POLL_MILLISECONDS } from "../patience.ts";

export default defineConfig({
  root: new URL("../..", import.meta.url).pathname,
  cacheDir: ".cache/vitest-net",
  test: {
    include: ["test/net/**/*.test.ts"],
    fileParallelism: false,
    testTimeout: 180_000,
    expect: { poll: { timeout: POLL_MILLISECONDS } },
    hookTimeout: 120_000,
  },
});
