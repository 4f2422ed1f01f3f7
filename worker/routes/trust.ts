/** The trust log: read in pages, extended by statements that prove themselves. The edge can refuse one, not make one. */
import { fromBase64url, utf8Text } from "../../protocol/bytes.ts";
import { MalformedError, encodeCanonical } from "../../protocol/canonical.ts";
import { listHosts, revokeCertificate } from "../../durable-objects/db/host-rows.ts";
import { digestOf } from "../../protocol/signing.ts";
import { applyStatement } from "../../protocol/trust/apply.ts";
import type { TrustRefusal } from "../../protocol/trust/refusals.ts";
import {
  signedStatementCodec,
  statementCodec,
  type SignedStatement,
  type Statement,
} from "../../protocol/trust/statements.ts";
import { assignPasskey, findPasskey } from "../db/passkeys.ts";
import { listNames, saveStatement } from "../db/statements.ts";
import type { Deps } from "../deps.ts";
import { problem, trustProblem } from "../http/problems.ts";
import { readCount } from "../http/query.ts";
import type { Call, Handler } from "../mount.ts";

export const trust: Handler<"trust"> = async ({ authority, arrival, deps }) => {
  const { workspace, trust: state } = authority;
  const after = readCount(arrival.query, "after");
  const [page, names] = await Promise.all([deps.trust.page(workspace, after), listNames(deps.db, workspace)]);
  return {
    body: {
      page,
      head: state.head,
      names: names.map(({ person, salt, value }) => ({ person, opening: { salt, value } })),
    },
  };
};

export const trustState: Handler<"trustState"> = async (call) => {
  const { authority, body, deps, later } = call;
  const { workspace, trust: state } = authority;
  const stated = readStatement(body);
  if (stated === undefined) return refuse(call, undefined, "malformed");
  const result = await applyStatement(state, body);
  if (!result.ok) return refuse(call, stated, result.code);
  await requireRegistered(stated.statement, deps);
  await deps.ledger(workspace)(entry(call, stated, "trust.stated"));
  const signed = utf8Text(signedStatementCodec.encode(body));
  const { head } = result.state;
  if (!(await saveStatement(deps.db, { workspace, n: head.n, hash: head.hash, signed })))
    return refuse(call, stated, "place");
  await applyHere(stated.statement, deps);
  later(tellHosts(workspace, deps));
  return { body: { trustHead: head } };
};

interface Stated {
  readonly statement: Statement;
  readonly digest: string;
}

function readStatement(signed: SignedStatement): Stated | undefined {
  const bytes = fromBase64url(signed.statement);
  try {
    return { statement: statementCodec.decode(bytes), digest: digestOf("statement", bytes) };
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

function entry({ authority, arrival }: Call<"trustState">, { statement, digest }: Stated, action: "trust.stated") {
  const { sourceIp } = arrival;
  return {
    actor: { kind: "person", id: authority.person },
    action,
    ...targetOf(statement),
    detail: { statement: digest, statementKind: statement.kind, session: authority.session },
    subject: digest,
    ...(sourceIp === undefined ? {} : { sourceIp }),
  } as const;
}

function targetOf({ kind, body }: Statement): { readonly target?: string } {
  if (kind === "host.admit" || kind === "host.remove") return { target: body.host };
  if (kind === "person.add" || kind === "automation-key.add" || kind === "role.define" || kind === "policy.set")
    return { target: body.id };
  if (kind === "automation-key.revoke") return { target: body.automationKey };
  return "person" in body ? { target: body.person } : {};
}

async function refuse(
  { authority, arrival, deps }: Call<"trustState">,
  stated: Stated | undefined,
  code: TrustRefusal,
): Promise<never> {
  const { sourceIp } = arrival;
  await deps.ledger(authority.workspace)({
    actor: { kind: "person", id: authority.person },
    action: "trust.refused",
    detail: {
      code,
      session: authority.session,
      ...(stated === undefined ? {} : { statement: stated.digest, statementKind: stated.statement.kind }),
    },
    ...(sourceIp === undefined ? {} : { sourceIp }),
  });
  throw trustProblem(code);
}

/** A passkey that this edge never saw made could not sign in here: refused before it takes a place for ever. */
async function requireRegistered(statement: Statement, deps: Deps): Promise<void> {
  if (statement.kind !== "credential.add") return;
  const { person: _person, ...credential } = statement.body;
  const registered = await findPasskey(deps.db, credential.credentialId);
  if (registered?.credential !== utf8Text(encodeCanonical(credential))) throw problem("passkey_unregistered");
}

/** What follows at the edge itself. The log alone decides; these rows only follow it. */
async function applyHere(statement: Statement, deps: Deps): Promise<void> {
  if (statement.kind === "credential.add")
    await assignPasskey(deps.db, statement.body.credentialId, statement.body.person);
  if (statement.kind === "host.remove") {
    const rows = await listHosts(deps.db, statement.workspace);
    const removed = rows.find(({ host }) => host === statement.body.host);
    if (removed !== undefined) await revokeCertificate(deps.db, removed.fingerprint);
  }
}

async function tellHosts(workspace: string, deps: Deps): Promise<void> {
  const rows = await listHosts(deps.db, workspace);
  await Promise.all(rows.map(({ host }) => deps.host(workspace, host).trustChanged({ workspace, host })));
}
