/** The bundle in miniflare. Its doors are marked by a header, which nothing but this file ever sends. */
import { readFileSync } from "node:fs";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { makeAuthority } from "../../agent/edge/certificates.ts";
import { COMPATIBILITY_DATE } from "../../agent/edge/workerd-config.ts";
import { randomBytes } from "node:crypto";
import { ORIGIN, type Edge } from "../fixtures/edge/page.ts";
import type { TunnelSocket } from "../fixtures/edge/host-peer.ts";
import type { Bundle } from "./bundle.ts";

export interface RunningEdge extends Edge {
  stop(): Promise<void>;
}

/** What a runtime's configuration says by props, said here by a header. */
const ENTRY = `
import worker from "./worker.js";
export { Alerts, Exports, Host, Ledger, LedgerSegment, Limits, Sessions, Streams } from "./worker.js";
export default {
  fetch(request, env, context) {
    const headers = new Headers(request.headers);
    const via = headers.get("test-door");
    headers.delete("test-door");
    const props = via === null ? {} : { via };
    const waitUntil = context.waitUntil.bind(context);
    return worker.fetch(new Request(request, { headers }), env, { props, waitUntil, passThroughOnException() {} });
  },
};
`;

export async function startMiniflare({ workerPath, migrations }: Bundle): Promise<RunningEdge> {
  const authority = await makeAuthority("parity agent authority", new Date());
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      telemetry: { enabled: false },
      name: "clawhold",
      compatibilityDate: COMPATIBILITY_DATE,
      modules: [
        { type: "ESModule", path: "entry.js", contents: ENTRY },
        { type: "ESModule", path: "worker.js", contents: readFileSync(workerPath, "utf8") },
      ],
      d1Databases: { DB: "clawhold" },
      durableObjects: {
        LEDGER: { className: "Ledger", useSQLite: true },
        SEGMENT: { className: "LedgerSegment", useSQLite: true },
        HOST: { className: "Host", useSQLite: true },
        SESSIONS: { className: "Sessions", useSQLite: true },
        ALERTS: { className: "Alerts", useSQLite: true },
        EXPORTS: { className: "Exports", useSQLite: true },
        STREAMS: { className: "Streams", useSQLite: true },
        LIMITS: { className: "Limits", useSQLite: true },
      },
      bindings: {
        DISPATCH_KEY: randomBytes(32).toString("base64url"),
        LEDGER_KEY: randomBytes(32).toString("base64url"),
        SETTINGS_KEY: randomBytes(32).toString("base64url"),
        AGENT_CA_KEY: authority.key,
        AGENT_CA_CERT: authority.certificate,
        SIGNER_ORIGIN: ORIGIN,
        AGENT_ENDPOINT: "wss://agents.test:4471",
        RATE_FACTOR: "1000",
      },
    }),
  );
  const database = await miniflare.getD1Database("DB");
  for (const { sql } of migrations) await database.batch(splitSql(sql).map((statement) => database.prepare(statement)));

  type Init = NonNullable<Parameters<Miniflare["dispatchFetch"]>[1]>;
  const dispatch = (request: Request, headers: object, more: object = {}) => {
    const init = { method: request.method, headers: { ...Object.fromEntries(request.headers), ...headers }, ...more };
    return miniflare.dispatchFetch(request.url, init as Init);
  };
  return {
    async send(via, request) {
      const body = request.method === "POST" ? { body: await request.arrayBuffer() } : {};
      const response = await dispatch(request, via === undefined ? {} : { "test-door": via }, body);
      return new Response(await response.arrayBuffer(), {
        status: response.status,
        headers: Object.fromEntries(response.headers),
      });
    },
    async connect({ fingerprint }): Promise<TunnelSocket> {
      const tlsClientAuth = {
        certPresented: "1",
        certVerified: "SUCCESS",
        certRevoked: "0",
        certFingerprintSHA256: fingerprint,
      };
      const upgrade = { "test-door": "agent", upgrade: "websocket" };
      const response = await dispatch(new Request("https://agents.test:4471/tunnel"), upgrade, {
        cf: { tlsClientAuth },
      });
      if (response.webSocket === null) throw new Error(`no socket: ${response.status} ${await response.text()}`);
      response.webSocket.accept();
      return response.webSocket as unknown as TunnelSocket;
    },
    stop: () => miniflare.dispose(),
  };
}

/** Statements of a migration; a trigger's body ends with END. */
function splitSql(sql: string): readonly string[] {
  const bare = sql.replaceAll(/^--.*$/gm, "");
  return bare
    .split(/;\s*\n(?=\s*(?:CREATE|$))/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "");
}
