/**
 * A person who tries everything once: what she reads is kept as she saw it, and how each operation ended is written down.
 */
import { fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import type { EndpointName } from "../../protocol/contracts.ts";
import { changeDigest } from "../../protocol/contracts/edge-action.ts";
import { approvalCodec, edgeActionCodec, type Receipt } from "../../protocol/messages.ts";
import { operations, type OperationName } from "../../protocol/operations.ts";
import type { ReadArgs, ReadName, ReadResult } from "../../protocol/reads.ts";
import { digestBytes, digestOf } from "../../protocol/signing.ts";
import { TroubleError } from "../../web/client/trouble.ts";
import type { OrderDetails } from "../../web/state/orders.ts";
import { ProblemError, receiptOf, type HeadlessOperator } from "../e2e/operator.ts";
import { assertion } from "../fixtures/authenticator.ts";
import { until } from "./until.ts";

/** One thing of a list, as it was read. */
export interface Named {
  readonly tag: string;
  readonly subject?: string;
}

export class Person {
  readonly operator: HeadlessOperator;
  readonly host: string;
  /** Text of every reading. */
  readonly shown: string[] = [];
  readonly read = new Map<ReadName, string>();
  readonly ended = new Map<OperationName, string>();

  constructor(operator: HeadlessOperator, host: string) {
    this.operator = operator;
    this.host = host;
  }

  async look<N extends ReadName>(name: N, args: ReadArgs<N>): Promise<ReadResult<N>> {
    const value = await this.operator.read(this.host, name, args);
    this.shown.push(JSON.stringify(value));
    this.read.set(name, "read");
    return value;
  }

  /** As often as the host says that it cannot now. */
  async lookPatiently<N extends ReadName>(name: N, args: ReadArgs<N>): Promise<ReadResult<N>> {
    return until(`the reading ${name}`, async () => {
      try {
        return await this.look(name, args);
      } catch (error) {
        if (!(error instanceof TroubleError)) throw error;
        this.read.set(name, error.trouble.code);
        return undefined;
      }
    });
  }

  /** Resolves with the receipt, or undefined where there is none; what happened is in `ended`. */
  async command(operation: OperationName, details: OrderDetails = { args: {} }): Promise<Receipt | undefined> {
    try {
      const sent = await this.operator.build(operation, this.host, details);
      await this.operator.submit(sent);
      const status = await this.operator.ended(sent, this.host, 100);
      const receipt = receiptOf(status);
      const words = [receipt?.verdict ?? status.state, receipt?.code ?? status.code, receipt?.observed.reason];
      this.#note(operation, words.filter(Boolean).join(" "));
      return receipt;
    } catch (error) {
      const code = codeOf(error);
      if (code === undefined) throw error;
      this.#note(operation, code);
      return undefined;
    }
  }

  /** On one thing: what the operation expects of it is pinned as it was read. */
  async act(operation: OperationName, thing?: Named, more: Partial<OrderDetails> = {}): Promise<void> {
    const expects: readonly string[] = operations[operation].expects;
    const pinned = expects.includes("subject") && thing?.subject !== undefined ? { subject: thing.subject } : undefined;
    const { args = {}, ...others } = more;
    await this.command(operation, {
      ...others,
      args: { ...(thing === undefined ? {} : { subject: thing.tag }), ...args },
      ...(pinned === undefined ? {} : { expect: pinned }),
    });
  }

  /** An operation that worked once worked. */
  #note(operation: OperationName, how: string): void {
    if (this.ended.get(operation) !== "executed") this.ended.set(operation, how);
  }

  /** The activity log as a file, with the touch that lets it out. */
  async exportLog(): Promise<string> {
    const { export: name } = (await this.#approved("exportStart", {
      format: "jsonl",
      purpose: "audit",
      filter: {},
    })) as { export: string };
    const parts: string[] = [];
    for (let cursor = ""; ;) {
      const query = cursor === "" ? "" : `?cursor=${encodeURIComponent(cursor)}`;
      const part = (await this.operator.call("exportPart", { path: `/api/exports/${name}/part${query}` })) as {
        text: string;
        next?: string;
      };
      parts.push(part.text);
      if (part.next === undefined) return parts.join("");
      cursor = part.next;
    }
  }

  async #approved(endpoint: EndpointName, change: object): Promise<unknown> {
    const { operator } = this;
    const common = { v: 1, workspace: operator.trust.workspace, at: Math.floor(Date.now() / 1_000) } as const;
    const action = edgeActionCodec.encode({
      ...common,
      session: digestOf("session", fromBase64url(operator.session.body)),
      endpoint,
      change: changeDigest(change),
      nonce: toBase64url(crypto.getRandomValues(new Uint8Array(32))),
    });
    const approval = approvalCodec.encode({
      ...common,
      kind: "edge-action",
      subject: digestOf("edge-action", action),
      decision: "approve",
    });
    const touched = await assertion(operator.credential, digestBytes("approval", approval), {
      origin: operator.origin,
    });
    const body = {
      change,
      action: toBase64url(action),
      approval: { body: toBase64url(approval), assertion: touched },
    };
    return operator.call(endpoint, { body });
  }
}

function codeOf(error: unknown): string | undefined {
  if (error instanceof TroubleError) return error.trouble.code;
  return error instanceof ProblemError ? error.code : undefined;
}
