/** Takes each rule of the verifiers away and asks whether a named case notices: minutes, so not among the fast tests. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: new URL("..", import.meta.url).pathname,
  cacheDir: ".cache/vitest-mutation",
  test: {
    include: ["test/**/mutation.test.ts"],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
