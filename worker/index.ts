/**
 * The Worker. The only place that reads the environment: it makes the dependencies, decides by which door a request
 * came, and hands it on. Pages never come from here.
 */
import "reflect-metadata"; // before the certificate and passkey libraries
import { openDatabase } from "../durable-objects/db/database.ts";
import { TrustLog } from "../durable-objects/db/trust-log.ts";
import { alertsOf, countRefusal } from "../durable-objects/alert-client.ts";
import { hostOf, type Env } from "../durable-objects/env.ts";
import { ledgerOf } from "../durable-objects/ledger-client.ts";
import { publicKeyOf } from "../durable-objects/signer.ts";
import { adminApp } from "./admin.ts";
import { agentApp } from "./agent.ts";
import type { Deps } from "./deps.ts";
import { doorOf, type Door } from "./doors.ts";
import { Attempts } from "./http/attempts.ts";
import { LedgerBooks } from "./ledger-books.ts";
import { mountEndpoints } from "./mount.ts";
import { handlers } from "./routes/handlers.ts";

export { Alerts } from "../durable-objects/alerts.ts";
export { Exports } from "../durable-objects/exports.ts";
export { Host } from "../durable-objects/host.ts";
export { Ledger } from "../durable-objects/ledger.ts";
export { LedgerSegment } from "../durable-objects/segment.ts";
export { Sessions } from "../durable-objects/sessions.ts";
export { Streams } from "../durable-objects/streams.ts";

const apps = { web: mountEndpoints(handlers), agent: agentApp(), admin: adminApp() } as const satisfies Record<
  Door,
  unknown
>;

// One set an isolate, for the verified trust states it holds; they are checked against the database at every request.
let depsOfIsolate: Deps | undefined;

function makeDeps(env: Env): Deps {
  const db = openDatabase(env.DB);
  return {
    db,
    trust: new TrustLog(db),
    attempts: new Attempts(),
    ledger: (workspace) => ledgerOf(env, workspace),
    books: (workspace) => new LedgerBooks(env, workspace),
    sessions: (workspace) => env.SESSIONS.getByName(workspace),
    alerts: (workspace) => alertsOf(env, workspace),
    exports: (workspace) => env.EXPORTS.getByName(workspace),
    streams: (workspace) => env.STREAMS.getByName(workspace),
    countRefusal: (workspace, refusal) => countRefusal(env, workspace, refusal),
    host: (workspace, host) => hostOf(env, workspace, host),
    dispatchKey: () => publicKeyOf(env.DISPATCH_KEY),
    ledgerKey: () => publicKeyOf(env.LEDGER_KEY),
    signerOrigin: env.SIGNER_ORIGIN,
    agentAuthority: { key: env.AGENT_CA_KEY, certificate: env.AGENT_CA_CERT },
  };
}

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    const deps = (depsOfIsolate ??= makeDeps(env));
    const { hostname } = new URL(request.url);
    const door = doorOf({ props: context.props, hostname, agentEndpoint: env.AGENT_ENDPOINT });
    return apps[door].fetch(request, deps, context);
  },
} satisfies ExportedHandler<Env>;
