/**
 * Campaigns that take a minute or more, so not among the fast tests: each rule of the verifiers taken away, a copy of the log
 * changed in every way, histories of the trust log by chance and by attackers;
 * both TLS listeners under a scanner.
 */
import { defineConfig } from "vitest/config";
import { POLL_MILLISECONDS } from "./patience.ts";

/** Left out of the fast tests by the same list. */
export const campaigns = [
  "test/**/mutation.test.ts",
  "test/tamper/**/*.test.ts",
  "test/protocol/trust/histories.test.ts",
  "test/protocol/trust/attackers.test.ts",
  "test/agent/edge/testssl.test.ts",
];

export default defineConfig({
  root: new URL("..", import.meta.url).pathname,
  cacheDir: ".cache/vitest-campaigns",
  test: {
    include: campaigns,
    maxWorkers: 2,
    testTimeout: 300_000,
    expect: { poll: { timeout: POLL_MILLISECONDS } },
    hookTimeout: 300_000,
  },
});
