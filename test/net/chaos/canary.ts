/**
 * A process of its own on a host of a chaos run: the gateway behind the agent, which outlives every agent and counts.
 * Each request for a restart is one execution, said on standard output with the boot that it ended. It keeps no secret
 * and refuses nobody.
 */
import { hello, ok, startHostileGateway, type Asked } from "../../agent/host/gateway/fixtures/hostile-gateway.ts";

const VERSION = "2026.9.6";
let restarts = 0;

/** As a gateway that comes up at once: what answers next is another boot. */
function boot(): string {
  return `boot-${String(restarts + 1).padStart(6, "0")}`;
}

function answer(asked: Asked): unknown {
  if (asked.method === "gateway.restart.request") {
    say({ event: "restart", boot: boot() });
    restarts += 1;
    return ok(asked, { ok: true, status: "scheduled" });
  }
  if (asked.method !== "connect") return ok(asked, {});
  return ok(asked, hello({ server: { version: VERSION, bootId: boot() }, auth: { scopes: asked.params["scopes"] } }));
}

function say(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

const gateway = await startHostileGateway({ answer });
say({ event: "ready", url: gateway.url });
