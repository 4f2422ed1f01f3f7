/**
 * The fast tests: everything that runs in Node without a browser, a workerd or a gateway of its own. The others
 * have their own configurations or runners and are left out here by directory or name.
 */
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { campaigns } from "./campaigns.config.ts";
import { POLL_MILLISECONDS } from "./patience.ts";

/** One of two cores left idle would double the time of the quick gate. */
const workers = Math.max(2, availableParallelism() - 1);

export default defineConfig({
  root: new URL("..", import.meta.url).pathname,
  cacheDir: ".cache/vitest",
  test: {
    // A busy machine is slow; nothing here measures time.
    testTimeout: 60_000,
    expect: { poll: { timeout: POLL_MILLISECONDS } },
    maxWorkers: workers,
    projects: [
      {
        extends: true,
        test: {
          name: "node",
          environment: "node",
          include: ["test/**/*.test.ts"],
          exclude: [
            "test/worker/**", // workerd, own configuration
            "test/durable-objects/**", // workerd, own configuration
            "test/e2e/**", // real browser, workerd and gateway
            "test/parity/**", // miniflare and plain workerd
            "test/net/**", // network namespaces, as root
            "test/lab/**", // real Debian servers, as root
            "test/browser/**", // Chromium and plain workerd
            "test/**/real.test.ts", // real gateway
            ...campaigns, // take minutes
          ],
          pool: "threads",
        },
      },
    ],
  },
});
