/**
 * A person without a browser: the same API calls, signatures and touches as the page, from Node, with a software
 * authenticator. For campaigns and benches that need many commands; the real browser proves the page itself.
 */
import http from "node:http";
import * as v from "valibot";
import { fromBase64url, toBase64url, utf8 } from "../../protocol/bytes.ts";
import {
  endpoints,
  problemSchema,
  requestHeaders,
  type CommandStatus,
  type EndpointName,
  type HostRow,
} from "../../protocol/contracts.ts";
import { commit } from "../../protocol/ledger.ts";
import {
  approvalCodec,
  intentCodec,
  preparedCodec,
  prepareCodec,
  receiptCodec,
  requestCodec,
  sessionCodec,
  submissionCodec,
  type Asserted,
  type Receipt,
} from "../../protocol/messages.ts";
import type { OperationName } from "../../protocol/operations.ts";
import type { ReadArgs, ReadName, ReadResult } from "../../protocol/reads.ts";
import { builtInRoles } from "../../protocol/roles.ts";
import { digestBytes, digestOf, sha256Of, type Signer } from "../../protocol/signing.ts";
import { applyRoot, applyStatement } from "../../protocol/trust/apply.ts";
import { NO_REVOCATIONS, type TrustState } from "../../protocol/trust/state.ts";
import {
  rootCodec,
  statementCodec,
  type BodyOf,
  type Statement,
  type StatementKind,
} from "../../protocol/trust/statements.ts";
import { readJoin } from "../../web/client/admission.ts";
import type { CommandDeps } from "../../web/client/asking.ts";
import { expectOf } from "../../web/client/intents.ts";
import { readHost } from "../../web/client/read-host.ts";
import { HostTimes } from "../../web/client/readings.ts";
import { sealContent } from "../../web/client/sealed-content.ts";
import { TroubleError } from "../../web/client/trouble.ts";
import type { OrderDetails } from "../../web/state/orders.ts";
import { assertion, createCredential, registrationJson, type SoftwareCredential } from "../fixtures/authenticator.ts";
import { rawSigner, signerFromSeed } from "../fixtures/keys.ts";
import { pageDeps, type Certified } from "./page-deps.ts";
import { send } from "./send.ts";

export class ProblemError extends Error {
  readonly code: string;
  readonly status: number;
  constructor(code: string, status: number) {
    super(`${status} ${code}`);
    this.code = code;
    this.status = status;
  }
}

const nonce = () => toBase64url(crypto.getRandomValues(new Uint8Array(32)));

export type Change = { [K in StatementKind]: { readonly kind: K; readonly body: BodyOf<K> } }[StatementKind];

export interface Sent {
  readonly digest: string;
  readonly submission: string;
}

export class HeadlessOperator {
  readonly origin: string;
  readonly #port: number;
  readonly #agent = new http.Agent({ keepAlive: true });
  readonly credential: SoftwareCredential;
  #signer: Signer | undefined;
  #cookie = "";
  #session: Certified | undefined;
  #times: HostTimes | undefined;
  state: TrustState | undefined;

  private constructor(port: number, credential: SoftwareCredential) {
    this.#port = port;
    this.origin = `http://clawhold.localhost:${port}`;
    this.credential = credential;
  }

  static async create(port: number): Promise<HeadlessOperator> {
    return new HeadlessOperator(port, await createCredential({ rpId: "clawhold.localhost" }));
  }

  get session(): Asserted {
    if (this.#session === undefined) throw new TypeError("not signed in");
    return this.#session.certificate;
  }

  close(): void {
    this.#agent.destroy();
  }

  async call(name: EndpointName, input: { readonly path?: string; readonly body?: unknown } = {}): Promise<unknown> {
    const endpoint = endpoints[name];
    const path = input.path ?? endpoint.path;
    const text = input.body === undefined ? "" : JSON.stringify(input.body);
    const headers: Record<string, string> = {
      host: `clawhold.localhost:${this.#port}`,
      origin: this.origin,
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(text)),
      ...(this.#cookie === "" ? {} : { cookie: this.#cookie }),
    };
    if (endpoint.access !== "open" && this.#signer !== undefined) {
      const request = requestCodec.encode({
        v: 1,
        method: endpoint.method,
        path,
        body: toBase64url(sha256Of(utf8(text))),
        iat: Math.floor(Date.now() / 1000),
        jti: nonce(),
      });
      headers[requestHeaders.body] = toBase64url(request);
      headers[requestHeaders.signature] = await this.#signer.sign("request", request);
    }
    const answer = await send({ port: this.#port, agent: this.#agent, method: endpoint.method, path, headers, text });
    if (answer.cookie !== undefined) this.#cookie = answer.cookie;
    if (answer.status >= 400) {
      const problem = v.safeParse(problemSchema, answer.body);
      throw new ProblemError(problem.success ? problem.output.code : "not_a_problem", answer.status);
    }
    return answer.body;
  }

  async #touch(kind: "session" | "approval", body: Uint8Array, by = this.credential): Promise<Asserted> {
    const made = await assertion(by, digestBytes(kind, body), { origin: this.origin });
    return { body: toBase64url(body), assertion: made };
  }

  /** The whole setup page: passkey, root, first sign-in. `seed`: from the link's fragment. */
  async setUp(seed: string, alsoSigners: readonly string[] = []): Promise<void> {
    const setup = await signerFromSeed(fromBase64url(seed));
    this.#signer = setup;
    const edge = (await this.call("setupState")) as { dispatchKey: string; ledgerKey: string; now: number };
    const { options } = (await this.call("setupOptions", { body: { name: "Ada" } })) as { options: string };
    const { challenge } = JSON.parse(options) as { challenge: string };
    const response = JSON.stringify(registrationJson(this.credential, challenge, { origin: this.origin }));
    await this.call("setupPasskey", { body: { response } });
    const opening = { salt: nonce(), value: "Ada" };
    const root = rootCodec.encode({
      v: 1,
      setupKey: setup.publicKey,
      person: { id: "p-ada", name: commit({ field: "name", ...opening }) },
      credentials: [{ ...this.credential.pinned }],
      origins: [this.origin, ...alsoSigners].map((origin) => ({
        origin,
        rpId: "clawhold.localhost",
        class: "signer" as const,
      })),
      roles: builtInRoles.map(({ labels: _none, ...role }) => ({
        ...role,
        permissions: [...role.permissions],
        hosts: [...role.hosts],
      })),
      dispatchKey: edge.dispatchKey,
      ledgerKey: edge.ledgerKey,
      policies: [],
      at: edge.now,
    });
    const workspace = digestOf("root", root);
    const head = { n: 0, hash: workspace, revoked: NO_REVOCATIONS };
    const session = await this.#certify({
      workspace,
      nonce: nonce(),
      trustHead: head,
      iat: edge.now,
      exp: edge.now + 7_200,
    });
    const signed = {
      root: toBase64url(root),
      setupSignature: await setup.sign("root", root),
      session: session.certificate,
    };
    await this.call("setupRoot", { body: { signed, name: opening } });
    this.#use(session);
    const result = await applyRoot(signed, { workspace });
    if (!result.ok) throw new Error(`root refused: ${result.code}`);
    this.state = result.state;
  }

  async signIn(): Promise<void> {
    const offer = (await this.call("signInNonce", { body: {} })) as {
      nonce: string;
      workspace: string;
      trustHead: TrustState["head"];
      now: number;
      lifetime: number;
    };
    const session = await this.#certify({
      workspace: offer.workspace,
      nonce: offer.nonce,
      trustHead: offer.trustHead,
      iat: offer.now,
      exp: offer.now + offer.lifetime,
    });
    await this.call("signIn", { body: { session: session.certificate } });
    this.#use(session);
  }

  async #certify(fields: Omit<Parameters<typeof sessionCodec.encode>[0], "v" | "sessionKey" | "origin">) {
    const seed = crypto.getRandomValues(new Uint8Array(32));
    const [signer, raw] = [await signerFromSeed(seed), await rawSigner(seed)];
    const body = sessionCodec.encode({ v: 1, sessionKey: signer.publicKey, origin: this.origin, ...fields });
    return { certificate: await this.#touch("session", body), digest: digestOf("session", body), signer, raw };
  }

  #use(session: Certified): void {
    this.#session = session;
    this.#signer = session.signer;
  }

  /** Waits for a host in quarantine (for this one, where named) and admits it. */
  async admitFirstHost(wanted?: string): Promise<string> {
    for (;;) {
      const { hosts } = (await this.call("hosts")) as { hosts: HostRow[] };
      const waiting = hosts.find((row) => row.status === "quarantined" && (wanted ?? row.host) === row.host);
      if (waiting !== undefined) {
        const reading = await readJoin(waiting, this.trust.workspace);
        if (!reading.ok) throw new Error(`cannot be admitted: ${reading.trouble.code}`);
        const { body } = reading.applicant;
        await this.declare({ kind: "host.admit", body });
        return body.host;
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  /** Removes a host from the workspace for good. */
  async removeHost(host: string): Promise<void> {
    await this.declare({ kind: "host.remove", body: { host } });
  }

  /** One statement of this person, approved by one touch, and by others' where they are at hand. */
  async declare(what: Change, beside: readonly SoftwareCredential[] = []): Promise<void> {
    const state = this.trust;
    const now = Math.floor(Date.now() / 1000);
    const bytes = statementCodec.encode({
      v: 1,
      workspace: state.workspace,
      prev: { n: state.head.n, hash: state.head.hash },
      ...what,
      revoked: state.head.revoked,
      at: now,
    } as Statement);
    const subject = digestOf("statement", bytes);
    const approval = approvalCodec.encode({
      v: 1,
      workspace: state.workspace,
      kind: "statement",
      subject,
      decision: "approve",
      at: now,
    });
    const knew = what.kind.endsWith(".revoke") ? [] : newlyKnown(state);
    const signed = {
      statement: toBase64url(bytes),
      approvals: await Promise.all([this.credential, ...beside].map((one) => this.#touch("approval", approval, one))),
      ...(knew.length === 0 ? {} : { knew }),
    };
    await this.call("trustState", { body: signed });
    const result = await applyStatement(state, signed);
    if (!result.ok) throw new Error(`statement refused: ${result.code}`);
    this.state = result.state;
  }

  get trust(): TrustState {
    if (this.state === undefined) throw new TypeError("no workspace yet");
    return this.state;
  }

  /** What a page would show of this host's gateway, by the page's own code. @throws {TroubleError} */
  async read<N extends ReadName>(host: string, operation: N, args: ReadArgs<N>): Promise<ReadResult<N>> {
    const now = () => Math.floor(Date.now() / 1000);
    return readHost(this.#asPage(), (this.#times ??= new HostTimes(now)), { host, operation, args });
  }

  #asPage(): CommandDeps {
    const call = async (name: EndpointName, input: { path: string; body?: unknown }): Promise<unknown> => {
      try {
        return await this.call(name, input);
      } catch (error) {
        if (error instanceof ProblemError) throw new TroubleError({ code: error.code, what: error.message });
        throw error;
      }
    };
    if (this.#session === undefined) throw new TypeError("not signed in");
    return pageDeps(this.trust, this.#session, call);
  }

  /** Prepare, sign, touch; nothing is submitted yet. */
  async build(operation: OperationName, host: string, details: OrderDetails = { args: {} }): Promise<Sent> {
    const state = this.trust;
    const session = this.#session;
    if (session === undefined) throw new TypeError("not signed in");
    const body = prepareCodec.encode({
      v: 1,
      workspace: state.workspace,
      host,
      actor: { session: session.digest },
      operation,
      jti: nonce(),
    });
    const prepare = { body: toBase64url(body), signature: await session.signer.sign("prepare", body) };
    const { prepared } = (await this.call("prepare", { path: `/api/hosts/${host}/prepare`, body: { prepare } })) as {
      prepared: { body: string };
    };
    const answer = preparedCodec.decode(fromBase64url(prepared.body));
    const expect = expectOf(operation, answer, details.expect);
    const sealed = await sealContent({ prepared: answer, answeredMs: 0 }, operation, details.content);
    const intent = intentCodec.encode({
      v: 1,
      workspace: state.workspace,
      actor: { session: session.digest },
      operation,
      args: { ...details.args },
      targets: [
        {
          host,
          challenge: answer.challenge,
          iat: answer.now,
          expect,
          sealed: sealed === undefined ? [] : [{ path: "content", digest: sealed.digest }],
        },
      ],
      trustHead: answer.trustHead,
      ttl: 300,
      id: nonce(),
    });
    const digest = digestOf("intent", intent);
    const approval = approvalCodec.encode({
      v: 1,
      workspace: state.workspace,
      kind: "intent",
      subject: digest,
      decision: "approve",
      after: 0,
    });
    const submission = submissionCodec.encode({
      intent: toBase64url(intent),
      sessionSignature: await session.signer.sign("intent", intent),
      session: session.certificate,
      approvals: [await this.#touch("approval", approval)],
      sealed: sealed === undefined ? [] : [sealed.ciphertext],
    });
    return { digest, submission: toBase64url(submission) };
  }

  async submit(sent: Sent): Promise<CommandStatus> {
    const { statuses } = (await this.call("command", { body: { submission: sent.submission } })) as {
      readonly statuses: readonly CommandStatus[];
    };
    const [first] = statuses;
    if (first === undefined) throw new Error("a command without a state");
    return first;
  }

  async status(sent: Sent, host: string): Promise<CommandStatus> {
    return (await this.call("commandStatus", { path: `/api/commands/${sent.digest}/${host}` })) as CommandStatus;
  }

  /** Asks until the command has ended; every 20 ms at first. */
  async ended(sent: Sent, host: string, everyMs = 20): Promise<CommandStatus> {
    for (;;) {
      const status = await this.status(sent, host);
      if (status.state === "receipted" || status.state === "refused") return status;
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }
}

export function receiptOf(status: CommandStatus): Receipt | undefined {
  return status.receipt === undefined ? undefined : receiptCodec.decode(fromBase64url(status.receipt.body));
}

/** Revocations that the chain's newest statement did not know. */
function newlyKnown({ revocations, chain }: TrustState): string[] {
  return [...revocations.keys()].filter((digest) => !chain.knew.has(digest));
}
