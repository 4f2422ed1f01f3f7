/**
 * The supervising process's door: a unix socket that only the user who runs the edge can open. It can offer a setup key
 * and join tokens and take certificates away; it can make nobody an administrator and command no host.
 */
import { Hono, type Context } from "hono";
import * as v from "valibot";
import { edgeSeconds } from "../durable-objects/clock.ts";
import { findCertificate } from "../durable-objects/db/certificate-rows.ts";
import { listHosts } from "../durable-objects/db/host-rows.ts";
import { fromBase64url, utf8Text } from "../protocol/bytes.ts";
import { isAcceptablePoint } from "../protocol/ed25519.ts";
import { digest, fingerprint, id, nonce, publicKey, seconds, trustHead } from "../protocol/fields.ts";
import { MAX_DRAIN_SPREAD_SECONDS, SETUP_SECONDS } from "../protocol/limits.ts";
import { grades } from "../protocol/posture/words.ts";
import type { Telemetry } from "../protocol/telemetry.ts";
import { signedRootSchema } from "../protocol/trust/statements.ts";
import { replaceSetup } from "./db/setup.ts";
import type { Deps } from "./deps.ts";
import { takeCertificates } from "./follow-statement.ts";
import { readBody } from "./http/arrival.ts";
import { problem } from "./http/problems.ts";
import { withSecurityHeaders } from "./http/headers.ts";
import { makeJoinToken } from "./join-token.ts";
import { answerProblem } from "./mount.ts";
import { currentTrust, currentWorkspace, requireTrust, tellingDamage } from "./workspace.ts";

export const adminSchemas = {
  setup: v.strictObject({ setupKey: publicKey, expires: seconds }),
  workspace: v.strictObject({ signedRoot: v.optional(signedRootSchema) }),
  joinToken: v.strictObject({ token: nonce, workspace: digest, expires: seconds }),
  revokeCertificate: v.strictObject({ fingerprint }),
  serverCertificate: v.strictObject({ fingerprint }),
  browserCertificate: v.strictObject({ fingerprint, change: v.picklist(["issued", "revoked"]) }),
  status: v.strictObject({
    workspace: v.optional(digest),
    trustHead: v.optional(trustHead),
    ledger: v.optional(v.strictObject({ index: v.number(), hash: digest })),
    sessions: v.number(),
    hosts: v.array(
      v.strictObject({
        host: id,
        label: v.string(),
        status: v.picklist(["quarantined", "admitted", "removed"]),
        connected: v.boolean(),
        lastSeen: v.optional(seconds),
        /** As the host said it last: its link's word. */
        posture: v.optional(v.strictObject({ grade: v.picklist(grades), score: v.number(), at: v.number() })),
      }),
    ),
  }),
};

/** A handshake costs the front about two milliseconds. */
const HOSTS_A_SECOND = 250;

type AdminContext = Context<{ Bindings: Deps }>;

export function adminApp(): Hono<{ Bindings: Deps }> {
  const app = new Hono<{ Bindings: Deps }>();
  app.get("/health", () => answer({ ok: true }));
  app.post("/admin/setup", offerSetup);
  app.get("/admin/workspace", showWorkspace);
  app.post("/admin/join-token", offerJoinToken);
  app.get("/admin/status", showStatus);
  app.get("/admin/named-keys", showNamedKeys);
  app.post("/admin/revoke-certificate", revoke);
  app.post("/admin/browser-certificate", recordBrowserCertificate);
  app.post("/admin/server-certificate", recordServerCertificate);
  app.post("/admin/drain", drain);
  app.notFound(() => answerProblem(problem("not_found")));
  app.onError((error) => answerProblem(tellingDamage(error)));
  return app;
}

function answer(body: unknown): Response {
  return withSecurityHeaders(Response.json(body));
}

async function readJson<S extends v.GenericSchema>(context: AdminContext, schema: S): Promise<v.InferOutput<S>> {
  let value: unknown;
  try {
    value = JSON.parse(utf8Text(await readBody(context.req.raw)));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) throw problem("malformed_request", "not JSON");
    throw error;
  }
  const result = v.safeParse(schema, value);
  if (!result.success) throw problem("malformed_request", v.getDotPath(result.issues[0]) ?? "top level");
  return result.output;
}

async function offerSetup(context: AdminContext): Promise<Response> {
  const deps = context.env;
  const { setupKey, expires } = await readJson(context, adminSchemas.setup);
  if ((await currentWorkspace(deps)) !== undefined) throw problem("workspace_exists");
  if (!isAcceptablePoint(fromBase64url(setupKey))) throw problem("malformed_request", "setupKey");
  if (expires > edgeSeconds() + SETUP_SECONDS) throw problem("malformed_request", "expires");
  await replaceSetup(deps.db, setupKey, expires);
  return answer({ ok: true });
}

async function showWorkspace(context: AdminContext): Promise<Response> {
  const deps = context.env;
  const workspace = await currentWorkspace(deps);
  const signedRoot = workspace === undefined ? undefined : await deps.trust.root(workspace);
  // `up` asks once a second while somebody sets up: "not yet" is an answer, not a fault for the log.
  return answer(signedRoot === undefined ? {} : { signedRoot });
}

async function offerJoinToken(context: AdminContext): Promise<Response> {
  const deps = context.env;
  const { workspace } = await requireTrust(deps);
  return answer(await makeJoinToken(deps, workspace, { actor: { kind: "edge" }, detail: {} }));
}

/** Which of its seeds the supervising process may forget. */
async function showNamedKeys(context: AdminContext): Promise<Response> {
  const trust = await currentTrust(context.env);
  return answer(trust === undefined ? {} : { named: { dispatch: trust.dispatchKey, ledger: trust.ledgerKey } });
}

async function showStatus(context: AdminContext): Promise<Response> {
  const deps = context.env;
  const trust = await currentTrust(deps);
  if (trust === undefined) return answer({ sessions: 0, hosts: [] });
  const { workspace, head } = trust;
  const joined = await listHosts(deps.db, workspace);
  const [ledger, counters, rows] = await Promise.all([
    deps.books(workspace).reader.head(),
    deps.sessions(workspace).counters(),
    Promise.all(joined.map(({ host }) => deps.host(workspace, host).row(workspace, host))),
  ]);
  const hosts = rows.flatMap((row) => {
    if (row === undefined) return [];
    const { host, label, status, connected, lastSeen } = row;
    const seen = lastSeen === undefined ? {} : { lastSeen };
    return [{ host, label, status, connected, ...seen, ...postureOf(row.telemetry) }];
  });
  return answer({
    workspace,
    trustHead: head,
    ...(ledger.index === 0 ? {} : { ledger }),
    sessions: counters.sessions,
    hosts,
  });
}

function postureOf(telemetry: Telemetry | undefined) {
  if (telemetry?.posture === undefined) return {};
  const { grade, score, at } = telemetry.posture;
  return { posture: { grade, score, at } };
}

async function revoke(context: AdminContext): Promise<Response> {
  const deps = context.env;
  const { fingerprint: revoked } = await readJson(context, adminSchemas.revokeCertificate);
  const found = await findCertificate(deps.db, revoked);
  if (found === undefined) throw problem("certificate_unknown");
  // All of the host's: one that it has not used yet would let it back in.
  await takeCertificates(found.host.workspace, found.host.host, deps);
  return answer({ ok: true });
}

/** Before a restart: a thousand hosts come back over four seconds, not in one. */
async function drain(context: AdminContext): Promise<Response> {
  const deps = context.env;
  const workspace = await currentWorkspace(deps);
  const hosts = workspace === undefined ? [] : await listHosts(deps.db, workspace);
  const spread = Math.min(MAX_DRAIN_SPREAD_SECONDS, Math.ceil(hosts.length / HOSTS_A_SECOND));
  const told = await Promise.all(hosts.map(({ workspace: of, host }) => deps.host(of, host).drain(spread)));
  return answer({ told: told.filter(Boolean).length });
}

/** Which browsers the front lets in is the front's own list; the log only learns of it. */
/** Of the edge itself; before there is a workspace there is no log, and whoever asks keeps it for later. */
async function recordServerCertificate(context: AdminContext): Promise<Response> {
  const deps = context.env;
  const { fingerprint: certificate } = await readJson(context, adminSchemas.serverCertificate);
  const trust = await currentTrust(deps);
  if (trust === undefined) return answer({ isRecorded: false });
  await deps.ledger(trust.workspace)({
    actor: { kind: "edge" },
    action: "certificate.issued",
    detail: { certificate, code: "server" },
    subject: certificate,
  });
  return answer({ isRecorded: true });
}

async function recordBrowserCertificate(context: AdminContext): Promise<Response> {
  const deps = context.env;
  const { fingerprint: certificate, change } = await readJson(context, adminSchemas.browserCertificate);
  const { workspace } = await requireTrust(deps);
  await deps.ledger(workspace)({
    actor: { kind: "edge" },
    action: `certificate.${change}`,
    detail: { certificate },
    subject: certificate,
  });
  return answer({ ok: true });
}
