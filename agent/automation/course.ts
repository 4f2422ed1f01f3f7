/**
 * One command of an automation key, from the trust log to the receipts. The log is verified against the workspace in
 * the key file, every host's answer and receipt against the host key in that log; the edge only carries.
 */
import { randomBytes } from "node:crypto";
import * as v from "valibot";
import { fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import type { CommandStatus } from "../../protocol/contracts.ts";
import { MAX_INTENT_TTL_SECONDS } from "../../protocol/limits.ts";
import {
  intentCodec,
  prepareCodec,
  preparedCodec,
  receiptCodec,
  submissionCodec,
  type Intent,
  type Prepared,
  type Receipt,
  type Signed,
} from "../../protocol/messages.ts";
import { operations, type Operation, type OperationName } from "../../protocol/operations.ts";
import { explainRefusal, type RefusalCode } from "../../protocol/refusals.ts";
import { digestOf, verifySignature } from "../../protocol/signing.ts";
import { applyRoot, applyStatement } from "../../protocol/trust/apply.ts";
import { coversHost, sameHead, type TrustState } from "../../protocol/trust/state.ts";
import type { HostBody } from "../../protocol/trust/statements.ts";
import type { AutomationClient } from "./client.ts";
import type { AutomationKeyFile } from "./key-file.ts";
import { AutomationError } from "./trouble.ts";

export interface Order {
  readonly operation: OperationName;
  readonly args: Readonly<Record<string, string | number | boolean>>;
  /** Labels or ids, as typed. */
  readonly hosts: readonly string[];
  /** How long to wait for the receipts. */
  readonly waitMilliseconds: number;
}

export interface Ending {
  readonly host: string;
  readonly label: string;
  readonly verdict: Receipt["verdict"] | "silent";
  readonly code?: RefusalCode;
  /** One sentence for whoever reads the log. */
  readonly says: string;
  readonly receipt?: Signed;
}

export interface Course {
  readonly intent: string;
  readonly endings: readonly Ending[];
}

export interface CourseDeps {
  readonly client: AutomationClient;
  readonly key: AutomationKeyFile;
  readonly wait: (milliseconds: number) => Promise<void>;
  /** Monotonic milliseconds. */
  readonly elapsed: () => number;
}

const POLL_MILLISECONDS = 250;

/** @throws {AutomationError} */
export async function runOrder(order: Order, deps: CourseDeps): Promise<Course> {
  const state = await fetchTrust(deps);
  const hosts = order.hosts.map((name) => findHost(state, name)).toSorted((a, b) => (a.host < b.host ? -1 : 1));
  for (const host of hosts) requireGrant(state, host, { order, deps });
  const prepared: Prepared[] = [];
  for (const host of hosts) prepared.push(await prepare(host, { order, state, deps }));
  const bytes = intentCodec.encode(buildIntent(order, prepared, { state, key: deps.key }));
  const submission = submissionCodec.encode({
    intent: toBase64url(bytes),
    sessionSignature: await deps.key.signer.sign("intent", bytes),
    approvals: [],
    sealed: [],
  });
  const { statuses } = await deps.client.call("automationCommand", { body: { submission: toBase64url(submission) } });
  const intent = digestOf("intent", bytes);
  return { intent, endings: await follow({ intent, hosts, statuses, order, deps }) };
}

/** The whole log, verified from the root that the key file pins. */
async function fetchTrust({ client, key }: CourseDeps): Promise<TrustState> {
  let state: TrustState | undefined;
  for (;;) {
    const query = state === undefined ? "" : `?after=${String(state.head.n)}`;
    const { page, head } = await client.call("automationTrust", { query });
    const before: TrustState | undefined = state;
    if (state === undefined) {
      const result = page.root === undefined ? undefined : await applyRoot(page.root, { workspace: key.workspace });
      if (result?.ok !== true) throw distrust("its first statement is not the workspace of the key file");
      state = result.state;
    }
    for (const signed of page.statements) {
      const result = await applyStatement(state, signed);
      if (result.ok) state = result.state;
      else if (result.code !== "place" && result.code !== "exists")
        throw distrust(`a statement of it is ${result.code}`);
    }
    if (sameHead(state.head, head)) return state;
    if (state === before) throw distrust("it ends before its own head");
  }
}

function distrust(why: string): AutomationError {
  return new AutomationError(
    "trust",
    `The trust log that the edge shows does not verify: ${why}. Nothing was asked. Compare the workspace id with the one on a host (clawhold status).`,
  );
}

function findHost(state: TrustState, name: string): HostBody {
  const byId = state.hosts.get(name);
  if (byId !== undefined) return byId;
  const [host, ...others] = [...state.hosts.values()].filter(({ label }) => label === name);
  if (host !== undefined && others.length === 0) return host;
  throw new AutomationError(
    "host_unknown",
    host === undefined
      ? `No host called ${JSON.stringify(name)} is admitted to this workspace. Its label stands on the page Fleet.`
      : `More than one host is called ${JSON.stringify(name)}. Give the id of one, from its page.`,
  );
}

/** Asked here for a better sentence; the host asks again and decides. */
function requireGrant(
  state: TrustState,
  { host, label }: HostBody,
  { order, deps }: { readonly order: Order; readonly deps: CourseDeps },
): void {
  const grant = state.automationKeys.get(deps.key.id);
  if (grant === undefined)
    throw notGranted("nobody granted it in this workspace, or it was revoked", "Grant it on the page Automation.");
  if (!grant.operations.some(({ operation }) => operation === order.operation))
    throw notGranted(`${order.operation} is not among its operations`, "Grant a key that may, on the page Automation.");
  if (!coversHost(state, grant, host))
    throw notGranted(`it was not granted for ${label}`, "Grant a key that covers this host, on the page Automation.");
}

function notGranted(why: string, next: string): AutomationError {
  return new AutomationError("not_granted", `This key may not do that: ${why}. ${next}`);
}

interface Preparing {
  readonly order: Order;
  readonly state: TrustState;
  readonly deps: CourseDeps;
}

async function prepare({ host, hostKey, label }: HostBody, { order, state, deps }: Preparing): Promise<Prepared> {
  const body = prepareCodec.encode({
    v: 1,
    workspace: state.workspace,
    host,
    actor: { automationKey: deps.key.id },
    operation: order.operation,
    jti: toBase64url(randomBytes(32)),
  });
  const signed = { body: toBase64url(body), signature: await deps.key.signer.sign("prepare", body) };
  const { prepared } = await deps.client.call("automationPrepare", { params: { host }, body: { prepare: signed } });
  const answer = fromBase64url(prepared.body);
  const genuine = await verifySignature({
    kind: "prepared",
    body: answer,
    signature: prepared.signature,
    publicKey: hostKey,
  });
  const parsed = preparedCodec.decode(answer);
  const fits =
    genuine &&
    parsed.workspace === state.workspace &&
    parsed.host === host &&
    parsed.prepare === digestOf("prepare", body) &&
    sameHead(parsed.trustHead, state.head);
  if (!fits) throw distrust(`${label} answers with another one, or somebody answers for it`);
  return parsed;
}

function buildIntent(
  { operation, args }: Order,
  prepared: readonly Prepared[],
  { state, key }: { readonly state: TrustState; readonly key: AutomationKeyFile },
): Intent {
  const row: Operation = operations[operation];
  return {
    v: 1,
    workspace: state.workspace,
    actor: { automationKey: key.id },
    operation,
    args: { ...args },
    targets: prepared.map(({ host, challenge, now, facts }) => ({
      host,
      challenge,
      iat: now,
      expect:
        row.expects.includes("gatewayBoot") && facts.gatewayBoot !== undefined
          ? { gatewayBoot: facts.gatewayBoot }
          : {},
      sealed: [],
    })),
    trustHead: state.head,
    ttl: MAX_INTENT_TTL_SECONDS,
    id: toBase64url(randomBytes(32)),
  };
}

interface Following {
  readonly intent: string;
  readonly hosts: readonly HostBody[];
  readonly statuses: readonly CommandStatus[];
  readonly order: Order;
  readonly deps: CourseDeps;
}

async function follow({ intent, hosts, statuses, order, deps }: Following): Promise<readonly Ending[]> {
  const until = deps.elapsed() + order.waitMilliseconds;
  return Promise.all(
    hosts.map(async (host) => {
      let status = statuses.find((one) => one.host === host.host);
      for (;;) {
        const ending = status === undefined ? undefined : await endingOf(status, { host, intent });
        if (ending !== undefined) return ending;
        if (deps.elapsed() > until) return silent(host);
        await deps.wait(POLL_MILLISECONDS);
        status = await deps.client.call("automationStatus", { params: { intent, host: host.host } });
      }
    }),
  );
}

function silent({ host, label }: HostBody): Ending {
  return {
    host,
    label,
    verdict: "silent",
    says: `${label} has not answered yet. The command waits until it connects again or its time is over; this run did not wait longer.`,
  };
}

async function endingOf(
  { state, code, receipt: signed }: CommandStatus,
  { host, intent }: { readonly host: HostBody; readonly intent: string },
): Promise<Ending | undefined> {
  const named = { host: host.host, label: host.label };
  if (signed === undefined) {
    if (state !== "refused") return undefined;
    return { ...named, verdict: "refused", ...(code === undefined ? {} : { code }), says: refusal(host.label, code) };
  }
  const body = fromBase64url(signed.body);
  const { signature } = signed;
  const genuine = await verifySignature({ kind: "receipt", body, signature, publicKey: host.hostKey });
  const receipt = receiptCodec.decode(body);
  if (!genuine || receipt.intent !== intent || receipt.host !== host.host)
    throw distrust(`the receipt is not one of ${host.label} for this command`);
  const says =
    receipt.verdict === "refused"
      ? refusal(host.label, receipt.code)
      : `${host.label}: ${receipt.verdict}, receipt ${String(receipt.number)}.`;
  const reason = v.is(v.string(), receipt.code) ? { code: receipt.code } : {};
  return { ...named, verdict: receipt.verdict, ...reason, says, receipt: signed };
}

function refusal(label: string, code: RefusalCode | undefined): string {
  if (code === undefined) return `${label} refused, and gave no reason.`;
  const { what, next } = explainRefusal(code);
  return `${label} refused: ${what}. ${next}`;
}
