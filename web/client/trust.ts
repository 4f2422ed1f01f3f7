/**
 * The trust log as this browser verified it: fetched from the edge, believed only from the pinned workspace id on.
 * Host keys, people and origins used anywhere in the page come from here.
 */
import { signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import { commit, type LedgerEntry } from "../../protocol/ledger.ts";
import { approvalCodec } from "../../protocol/messages.ts";
import { digestOf } from "../../protocol/signing.ts";
import { applyRoot, applyStatement } from "../../protocol/trust/apply.ts";
import { chainAt, sameHead, type TrustState } from "../../protocol/trust/state.ts";
import {
  rootCodec,
  statementCodec,
  type Statement,
  type StatementKind,
  type TrustPage,
} from "../../protocol/trust/statements.ts";
import type { EdgeClock } from "./clock.ts";
import type { EdgeClient } from "./http.ts";
import type { MachineMemory } from "./machine-memory.ts";
import { touch } from "./passkey.ts";
import { TroubleError } from "./trouble.ts";
import type { Vault } from "./vault.ts";

type BodyOf<K extends StatementKind> = Extract<Statement, { kind: K }>["body"];

/** A statement this browser applied, for the activity page and the list of passkeys. */
export interface AppliedStatement {
  readonly hash: string;
  readonly statement: Statement;
}

export interface TrustDeps {
  readonly client: EdgeClient;
  readonly vault: Vault;
  readonly memory: MachineMemory;
  readonly clock: EdgeClock;
}

export class TrustKeeper {
  readonly #deps: TrustDeps;
  readonly #state: Signal<TrustState | undefined> = signal(undefined);
  readonly #names = signal<ReadonlyMap<string, string>>(new Map());
  readonly #applied: AppliedStatement[] = [];
  /** As received and verified: what a proof file carries. */
  #page: TrustPage = { statements: [] };
  #rootAt = 0;
  #refreshing: Promise<TrustState> | undefined;

  constructor(deps: TrustDeps) {
    this.#deps = deps;
  }

  get state(): ReadonlySignal<TrustState | undefined> {
    return this.#state;
  }

  get applied(): readonly AppliedStatement[] {
    return this.#applied;
  }

  /** When the root was made, by its own word. */
  get rootAt(): number {
    return this.#rootAt;
  }

  /** The name a person chose, if the edge opened its commitment and the opening fits. */
  nameOf(person: string): string | undefined {
    return this.#names.value.get(person);
  }

  /** The whole verified log, from the root on. */
  get page(): TrustPage {
    return this.#page;
  }

  forget(): void {
    this.#state.value = undefined;
    this.#page = { statements: [] };
    this.#names.value = new Map();
    this.#applied.length = 0;
  }

  /** Brings the state up to the edge's head. Concurrent callers share one request. */
  refresh(): Promise<TrustState> {
    this.#refreshing ??= this.#fetchAll().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** The newest state; fetched again when an entry speaks of a host or statement this page has not seen. */
  refreshIfUnknown(entry: LedgerEntry): Promise<TrustState> {
    const state = this.#state.value;
    const { statement } = entry.detail;
    const actorKnown = entry.actor.kind !== "host" || state?.hosts.has(entry.actor.id) === true;
    const statementKnown =
      statement === undefined || statement === state?.workspace || this.#applied.some(({ hash }) => hash === statement);
    if (state !== undefined && actorKnown && statementKnown) return Promise.resolve(state);
    return this.refresh();
  }

  /** @throws {TroubleError} `two_pasts` when the edge's log is not the one this browser verified before. */
  async #fetchAll(): Promise<TrustState> {
    const workspace = await this.#deps.vault.get("workspace");
    if (workspace === undefined) throw new TroubleError(twoPasts("no workspace is pinned in this browser"));
    for (;;) {
      const before = this.#state.value;
      const query = before === undefined ? {} : { after: String(before.head.n) };
      const { page, names, head } = await this.#deps.client.call("trust", { query });
      const start = before ?? (await stateOfRoot(page, workspace));
      const { state, applied } = await applyAll(start, page.statements);
      if (this.#state.value !== before) continue; // forgotten meanwhile
      this.#add(before === undefined ? page : { statements: page.statements }, applied);
      this.#state.value = state;
      this.#readNames(state, names);
      if (sameHead(state.head, head)) return this.#keep(state);
      if (page.statements.length === 0) throw new TroubleError(twoPasts("the log ends before its head"));
    }
  }

  /** What was verified, and the bytes of it. */
  #add({ root, statements }: TrustPage, applied: readonly AppliedStatement[]): void {
    this.#applied.push(...applied);
    this.#page = { ...this.#page, statements: [...this.#page.statements, ...statements] };
    if (root === undefined) return;
    this.#page = { ...this.#page, root };
    this.#rootAt = rootCodec.decode(fromBase64url(root.root)).at;
  }

  /** A log that is older than what this browser saw before, or forked from it, is a rollback and not a delay. */
  async #keep(state: TrustState): Promise<TrustState> {
    const seen = await this.#deps.vault.get("trustHead");
    if (seen !== undefined && seen.n > state.head.n) throw new TroubleError(twoPasts("it is older than before"));
    const there = seen === undefined || seen.n === 0 ? seen?.hash : this.#applied[seen.n - 1]?.hash;
    if (there !== seen?.hash) throw new TroubleError(twoPasts("it is another than before"));
    const hashAt = (n: number): string | undefined => chainAt(state.chain, n)?.hash;
    await this.#deps.memory.judge({ workspace: state.workspace, head: state.head, hashAt });
    await this.#deps.vault.set("trustHead", state.head);
    return state;
  }

  #readNames(
    state: TrustState,
    names: readonly { readonly person: string; readonly opening: { readonly salt: string; readonly value: string } }[],
  ): void {
    const known = new Map(this.#names.value);
    for (const { person, opening } of names) {
      const fits = state.people.get(person)?.name === commit({ field: "name", ...opening });
      if (fits) known.set(person, opening.value);
    }
    this.#names.value = known;
  }

  /** One statement, approved by one touch, placed directly after the head this page verified. */
  async approve<K extends StatementKind>(kind: K, body: BodyOf<K>, allow: readonly string[]): Promise<void> {
    const state = await this.refresh();
    const statement = {
      v: 1,
      workspace: state.workspace,
      prev: { n: state.head.n, hash: state.head.hash },
      kind,
      body,
      revoked: state.head.revoked,
      at: this.#deps.clock.now(),
    } as Statement;
    const bytes = statementCodec.encode(statement);
    const approval = approvalCodec.encode({
      v: 1,
      workspace: state.workspace,
      kind: "statement",
      subject: digestOf("statement", bytes),
      decision: "approve",
      at: this.#deps.clock.now(),
    });
    const approved = await touch({ kind: "approval", body: approval, allow });
    await this.#deps.client.call("trustState", { body: { statement: toBase64url(bytes), approvals: [approved] } });
    await this.refresh();
  }
}

async function stateOfRoot({ root }: TrustPage, workspace: string): Promise<TrustState> {
  if (root === undefined) throw new TroubleError(twoPasts("the log has no root"));
  const result = await applyRoot(root, { workspace });
  if (!result.ok) throw new TroubleError(twoPasts(result.code));
  return result.state;
}

/** All of them or none: a page that does not verify leaves nothing behind. */
async function applyAll(
  start: TrustState,
  statements: TrustPage["statements"],
): Promise<{ readonly state: TrustState; readonly applied: readonly AppliedStatement[] }> {
  const applied: AppliedStatement[] = [];
  let state = start;
  for (const signed of statements) {
    const result = await applyStatement(state, signed);
    if (!result.ok) throw new TroubleError(twoPasts(result.code));
    const bytes = fromBase64url(signed.statement);
    applied.push({ hash: digestOf("statement", bytes), statement: statementCodec.decode(bytes) });
    state = result.state;
  }
  return { state, applied };
}

function twoPasts(reason: string) {
  return {
    code: "two_pasts",
    what: "The list of keys that the control plane shows is not the one this browser verified.",
    why: `It does not follow from the pinned workspace (${reason}).`,
    next: "Send no command. Compare the trust head with another machine of yours, or with clawhold status on a host.",
  };
}
