/** The trust log: read in pages, extended by statements that prove themselves. The edge can refuse one, not make one. */
import { edgeSeconds } from "../../durable-objects/clock.ts";
import { fromBase64url, utf8Text } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import { MAX_FRAME_BYTES } from "../../protocol/limits.ts";
import { digestOf } from "../../protocol/signing.ts";
import { applyStatement } from "../../protocol/trust/apply.ts";
import type { TrustRefusal } from "../../protocol/trust/refusals.ts";
import { hasPermission, heldRevocations, type TrustState } from "../../protocol/trust/state.ts";
import {
  isRevocation,
  signedStatementCodec,
  statementCodec,
  type SignedStatement,
  type Statement,
} from "../../protocol/trust/statements.ts";
import type { Operator } from "../access/operator.ts";
import { listNames, saveRevocation, saveStatement } from "../db/statements.ts";
import { problem, trustProblem } from "../http/problems.ts";
import { readCount } from "../http/query.ts";
import { judgeStatement } from "../judge-statement.ts";
import { followStatement, tellHosts } from "../follow-statement.ts";
import type { Call, Handler } from "../mount.ts";

export const trust: Handler<"trust"> = async ({ authority, arrival, deps }) => {
  const { workspace, trust: state } = authority;
  const after = readCount(arrival.query, "after");
  const [{ page }, names] = await Promise.all([deps.trust.page(workspace, after), listNames(deps.db, workspace)]);
  return {
    body: {
      page,
      head: state.head,
      names: names
        .filter(({ person }) => person === authority.person || mayReadNames(authority))
        .map(({ person, salt, value }) => ({ person, opening: { salt, value } })),
    },
  };
};

/** Whoever sees ids anywhere sees whose they are; who holds no role sees their own name only. */
function mayReadNames({ trust: state, person }: Operator): boolean {
  const now = edgeSeconds();
  return (["metadata.read", "ledger.read", "workspace.administer"] as const).some((permission) =>
    hasPermission(state, person, { permission, now }),
  );
}

export const trustState: Handler<"trustState"> = async (call) => {
  const { authority, body, deps, later } = call;
  const { workspace, trust: state } = authority;
  const stated = readStatement(body);
  if (stated === undefined) return refuse(call, undefined, "malformed");
  const signed = utf8Text(signedStatementCodec.encode(body));
  // Accepted here, it must reach every host in one frame.
  const limit = isRevocation(stated.statement) ? MAX_REVOCATION_CHARACTERS : MAX_STATEMENT_CHARACTERS;
  if (signed.length > limit) throw problem("statement_large");
  const result = await applyStatement(state, body);
  if (!result.ok) return refuse(call, stated, result.code);
  const fault = await judgeStatement({ ...stated, before: state, after: result.state }, deps);
  if (fault !== undefined) return refuse(call, stated, fault);
  await deps.ledger(workspace)(entry(call, stated, "trust.stated"));
  const { head } = result.state;
  if (!(await save({ ...stated, signed, before: state, head }, call))) return refuse(call, stated, "place");
  later(tellHosts(workspace, deps)); // it stands, whatever becomes of what follows from it here
  await followStatement(stated.statement, result.state, deps);
  return { body: { trustHead: head } };
};

/** Fits a frame with room around it; eight honest approvals are a fifth of it. */
const MAX_STATEMENT_CHARACTERS = MAX_FRAME_BYTES / 2;
/** One approval, and a name of what it revokes: a quarter of this. As many as a place may have stay a small page. */
const MAX_REVOCATION_CHARACTERS = 8_192;

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

interface Accepted extends Stated {
  readonly signed: string;
  readonly before: TrustState;
  readonly head: TrustState["head"];
}

function save(
  { statement, digest, signed, before, head }: Accepted,
  { authority, deps }: Call<"trustState">,
): Promise<boolean> {
  const { workspace } = authority;
  const held = heldRevocations(before).size;
  return isRevocation(statement)
    ? saveRevocation(deps.db, { workspace, digest, n: statement.prev.n, signed }, held)
    : saveStatement(deps.db, { workspace, n: head.n, hash: head.hash, signed }, held);
}

function entry({ authority, arrival }: Call<"trustState">, { statement, digest }: Stated, action: "trust.stated") {
  const { sourceIp } = arrival;
  return {
    actor: { kind: "person", id: authority.person },
    action,
    ...targetOf(statement, authority.trust),
    detail: { statement: digest, statementKind: statement.kind, session: authority.session },
    subject: digest,
    ...(sourceIp === undefined ? {} : { sourceIp }),
  } as const;
}

/** A host, a person, a key, a role or a rule. */
function targetOf({ kind, body }: Statement, { chain }: TrustState): { readonly target?: string } {
  if (kind === "host.admit" || kind === "host.remove") return { target: body.host };
  if (kind === "person.add" || kind === "automation-key.add" || kind === "role.define" || kind === "policy.set")
    return { target: body.id };
  if (kind === "automation-key.revoke") return { target: body.automationKey };
  const person =
    kind === "credential.revoke"
      ? chain.credentials.get(body.credential)?.person
      : kind === "role.revoke"
        ? [...chain.people.values()].find(({ grant }) => grant === body.grant)?.id
        : undefined;
  if (person !== undefined) return { target: person };
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
