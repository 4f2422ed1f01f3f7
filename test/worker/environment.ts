/** The bindings as the test configuration sets them. */
import type { D1Migration } from "cloudflare:test";
import { env as bindings } from "cloudflare:workers";
import type { Env } from "../../durable-objects/env.ts";

export interface TestEnv extends Env {
  readonly TEST_MIGRATIONS: D1Migration[];
  readonly SIGNER_ORIGIN: string;
}

export const env = bindings as unknown as TestEnv;
