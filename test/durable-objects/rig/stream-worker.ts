/**
 * The Worker of the campaign against streams: the real objects, the real database, and doors that no product has. Runs on a
 * private socket only.
 */
import "reflect-metadata"; // before the certificate libraries that the host's object brings
import type { Env } from "../../../durable-objects/env.ts";
import { ledgerOf } from "../../../durable-objects/ledger-client.ts";
import type { StreamChange } from "../../../protocol/contracts/streams.ts";

export { Alerts } from "../../../durable-objects/alerts.ts";
export { Exports } from "../../../durable-objects/exports.ts";
export { Host } from "../../../durable-objects/host.ts";
export { Ledger } from "../../../durable-objects/ledger.ts";
export { Sessions } from "../../../durable-objects/sessions.ts";
export { Streams } from "../../../durable-objects/streams.ts";

interface Asked {
  readonly workspace: string;
  readonly count?: number;
  readonly stream?: string;
  readonly change?: Extract<StreamChange, { readonly setting: "streamAdd" }>;
}

const doors: Record<string, (asked: Asked, env: Env) => Promise<unknown>> = {
  async "/append"({ workspace, count = 1 }, env) {
    const append = ledgerOf(env, workspace);
    const draft = { actor: { kind: "edge" }, action: "host.connected", detail: {} } as const;
    const places = await Promise.all(Array.from({ length: count }, () => append(draft)));
    await env.STREAMS.getByName(workspace).wake(workspace);
    return Math.max(...places.map(({ index }) => index));
  },
  async "/add"({ workspace, stream, change }, env) {
    if (stream === undefined || change === undefined) throw new TypeError("nothing to add");
    return env.STREAMS.getByName(workspace).add(workspace, stream, change);
  },
  "/list": ({ workspace }, env) => env.STREAMS.getByName(workspace).list(workspace),
};

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const door = doors[new URL(request.url).pathname];
    if (door === undefined) return new Response("ready");
    return Response.json((await door(await request.json<Asked>(), env)) ?? null);
  },
} satisfies ExportedHandler<Env>;
