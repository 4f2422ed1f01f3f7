/**
 * The Worker and its objects in real workerd with the real migrations. Storage is one per file. Offline: no cf.json,
 * no telemetry.
 */
import { availableParallelism } from "node:os";
import path from "node:path";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { makeAuthority } from "../../agent/edge/certificates.ts";
import { seedOf } from "../fixtures/keys.ts";
import { packagesAsFiles } from "../worker-packages.ts";
import { POLL_MILLISECONDS } from "../patience.ts";

const root = path.resolve(import.meta.dirname, "../..");
const seed = (name: string): string => Buffer.from(seedOf(name)).toString("base64url");

export default defineConfig({
  root,
  cacheDir: ".cache/vitest-workers",
  resolve: { alias: await packagesAsFiles(root) },
  plugins: [
    cloudflareTest(async () => {
      const authority = await makeAuthority("test agent authority", new Date());
      return {
        main: path.join(root, "worker/index.ts"),
        wrangler: { configPath: path.join(root, "wrangler.toml") },
        miniflare: {
          cf: false,
          bindings: {
            TEST_MIGRATIONS: await readD1Migrations(path.join(root, "migrations")),
            DISPATCH_KEY: seed("dispatch"),
            LEDGER_KEY: seed("ledger"),
            // They wait for a change of the edge's keys; until one is stated they sign nothing.
            DISPATCH_KEY_NEXT: seed("next dispatch"),
            LEDGER_KEY_NEXT: seed("next ledger"),
            SETTINGS_KEY: seed("settings"),
            AGENT_CA_KEY: authority.key,
            AGENT_CA_CERT: authority.certificate,
            SIGNER_ORIGIN: "http://clawhold.localhost:8443",
            AGENT_ENDPOINT: "wss://agents.test:4471",
            // Tests do in a second what people do in an hour; those of the rates ask for their own.
            RATE_FACTOR: "1000",
          },
        },
      };
    }),
  ],
  test: {
    name: "workerd",
    include: ["test/worker/**/*.test.ts", "test/durable-objects/**/*.test.ts"],
    setupFiles: ["test/worker/setup.ts"],
    // Some tests are a whole story of requests, and the machine may be busy with other suites.
    testTimeout: 60_000,
    expect: { poll: { timeout: POLL_MILLISECONDS } },
    // Most of a file's time is the start of its workerd, so two cores take two at once.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // The edge logs every refusal; only those of a failed test are worth reading.
    silent: "passed-only",
  },
});
