/** The product's activity page and all that verifies, over an edge that is a question to the test's own server. */
import { createPages } from "../../../web/lazy-pages.tsx";
import { start } from "../../../web/start.tsx";
import { Activity } from "../../../web/client/activity.ts";
import { EdgeClock } from "../../../web/client/clock.ts";
import type { EdgeClient } from "../../../web/client/http.ts";
import { MachineMemory } from "../../../web/client/machine-memory.ts";
import { TrustKeeper } from "../../../web/client/trust.ts";
import type { Vault } from "../../../web/client/vault.ts";
import { fixtureBackend } from "../../web/fixtures/backend.ts";

async function ask(name: string, input: unknown): Promise<unknown> {
  const response = await fetch(`/asked/${name}`, { method: "POST", body: JSON.stringify(input ?? {}) });
  return response.json();
}

const kept = new Map<string, unknown>(Object.entries((await ask("kept", {})) as object));
const vault = {
  get: (key: string) => Promise.resolve(kept.get(key)),
  set: (key: string, value: unknown) => Promise.resolve(void kept.set(key, value)),
};
const clock = new EdgeClock();
clock.set(Number(kept.get("now")));
const deps = {
  client: { call: ask } as unknown as EdgeClient,
  vault: vault as unknown as Vault,
  clock,
  memory: new MachineMemory(() => Promise.resolve(Response.json({}))),
};
const activity = new Activity({ ...deps, trust: new TrustKeeper(deps) });
start({ backend: { ...fixtureBackend({}), activity, now: () => clock.now() }, pages: createPages(), view: window });
