/**
 * The Worker. The only place that reads the environment: it makes the dependencies, decides by which door a request
 * came, and hands it on. Pages are files of the deployment and never made here.
 */
import "reflect-metadata"; // before the certificate and passkey libraries
import { openDatabase } from "../durable-objects/db/database.ts";
import { trustLogOf } from "../durable-objects/db/trust-log.ts";
import { alertsOf, countRefusal } from "../durable-objects/alert-client.ts";
import { authorityOf } from "../durable-objects/certificates/authority.ts";
import { publicKeysOf } from "../durable-objects/edge-keys.ts";
import { hostOf, type Env } from "../durable-objects/env.ts";
import { ledgerOf } from "../durable-objects/ledger-client.ts";
import { publicKeyOf } from "../durable-objects/signer.ts";
import { adminApp } from "./admin.ts";
import { agentApp } from "./agent.ts";
import type { Deps } from "./deps.ts";
import { doorOf, type Door } from "./doors.ts";
import { accessGate } from "./access/access.ts";
import { firstWorkspace } from "./db/setup.ts";
import { refusedAt } from "./gate.ts";
import { Attempts } from "./http/attempts.ts";
import { NetworkDoors } from "./http/networks.ts";
import { StrangerRates } from "./http/rates.ts";
import { Refusals } from "./http/refusals.ts";
import { LedgerBooks } from "./ledger-books.ts";
import { mountEndpoints } from "./mount.ts";
import { isForPages, servePage } from "./pages.ts";
import { isForRelease, serveRelease } from "./releases.ts";
import { handlers } from "./routes/handlers.ts";

export { Alerts } from "../durable-objects/alerts.ts";
export { Exports } from "../durable-objects/exports.ts";
export { Host } from "../durable-objects/host.ts";
export { Ledger } from "../durable-objects/ledger.ts";
export { LedgerSegment } from "../durable-objects/segment.ts";
export { Limits } from "../durable-objects/limits.ts";
export { Sessions } from "../durable-objects/sessions.ts";
export { Streams } from "../durable-objects/streams.ts";

const apps = { web: mountEndpoints(handlers), agent: agentApp(), admin: adminApp() } as const satisfies Record<
  Door,
  unknown
>;

// One set an isolate, for the verified trust states it holds; they are checked against the database at every request. The
// runtime hands an isolate one environment for its whole life.
const depsOfIsolate = new WeakMap<Env, Deps>();

function depsOf(env: Env): Deps {
  const known = depsOfIsolate.get(env);
  if (known !== undefined) return known;
  const made = makeDeps(env);
  depsOfIsolate.set(env, made);
  return made;
}

function makeDeps(env: Env): Deps {
  const db = openDatabase(env.DB);
  const limits: Deps["limits"] = (workspace) => env.LIMITS.getByName(workspace);
  return {
    db,
    trust: trustLogOf(db),
    attempts: new Attempts(),
    limits,
    ...doorKeepers(env, { workspace: () => firstWorkspace(db), limits }),
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
    heldKeys: (job) => publicKeysOf(env, job),
    signerOrigin: env.SIGNER_ORIGIN,
    agentEndpoint: env.AGENT_ENDPOINT,
    authority: () => authorityOf(env),
  };
}

/** Who is let in to ask at all: Access, the lists of networks, the rates of strangers. */
function doorKeepers(
  env: Env,
  { workspace, limits }: { readonly workspace: () => Promise<string | undefined>; readonly limits: Deps["limits"] },
): Pick<Deps, "access" | "networks" | "rates" | "refusals"> {
  const refusals: Deps["refusals"] = new Refusals();
  return {
    refusals,
    access: accessGate({
      teamDomain: env.ACCESS_TEAM_DOMAIN,
      audience: env.ACCESS_AUDIENCE,
      // The runtime's own: where nothing may leave, nothing is reached, and nobody is let in.
      fetchKeys: (url, init) => fetch(url, init),
    }),
    networks: new NetworkDoors({
      workspace,
      standing: async (name) => limits(name).standing(name),
      isOff: env.NETWORK_LISTS === "off",
    }),
    rates: new StrangerRates({ workspace, limits, factor: env.RATE_FACTOR, refusals }),
  };
}

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    const deps = depsOf(env);
    const { hostname } = new URL(request.url);
    const door = doorOf({ props: context.props, hostname, agentEndpoint: env.AGENT_ENDPOINT });
    const refused = door === "admin" ? undefined : await refusedAt(door, request, deps);
    if (refused !== undefined) return refused;
    if (door === "web" && env.ASSETS !== undefined && isForPages(request)) return servePage(request, env.ASSETS);
    if (door === "agent" && env.ASSETS !== undefined && isForRelease(request))
      return serveRelease(request, env.ASSETS, deps);
    return apps[door].fetch(request, deps, context);
  },
} satisfies ExportedHandler<Env>;
