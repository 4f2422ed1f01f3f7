/**
 * The trust log as this browser verified it: fetched from the edge, believed only from the pinned workspace id on.
 * Host keys, people and origins used anywhere in the page come from here.
 */
import { computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { fromBase64url } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import { commit, type LedgerEntry } from "../../protocol/ledger.ts";
import { digestOf } from "../../protocol/signing.ts";
import { applyRoot, applyStatement } from "../../protocol/trust/apply.ts";
import { chainAt, heldRevocations, sameHead, type TrustState } from "../../protocol/trust/state.ts";
import {
  isRevocation,
  rootCodec,
  statementCodec,
  type SignedRoot,
  type SignedStatement,
  type TrustPage,
} from "../../protocol/trust/statements.ts";
import type { AppliedStatement, TrustView } from "../state/people.ts";
import type { EdgeClock } from "./clock.ts";
import type { EdgeClient } from "./http.ts";
import type { MachineMemory } from "./machine-memory.ts";
import { TroubleError } from "./trouble.ts";
import type { Vault } from "./vault.ts";

export interface TrustDeps {
  readonly client: EdgeClient;
  readonly vault: Vault;
  readonly memory: MachineMemory;
  readonly clock: EdgeClock;
}

export class TrustKeeper {
  readonly #deps: TrustDeps;
  readonly #state: Signal<TrustState | undefined> = signal(undefined);
  /** Names as their people chose them. */
  #chosen: ReadonlyMap<string, string> = new Map();
  readonly #names = signal<ReadonlyMap<string, string>>(new Map());
  #applied: readonly AppliedStatement[] = [];
  /** As received and verified: what a proof file carries. */
  #page: TrustPage = { statements: [] };
  #rootAt = 0;
  #refreshing: Promise<TrustState> | undefined;

  /** For the pages: what was verified, and the names that fit their commitments. */
  readonly view: ReadonlySignal<TrustView | undefined> = computed(() => {
    const state = this.#state.value;
    if (state === undefined) return undefined;
    return { state, names: this.#names.value, applied: this.#applied, rootAt: this.#rootAt };
  });

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

  /** The name a person chose, if the edge opened its commitment and the opening fits; with the id where others chose it too. */
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
    this.#chosen = new Map();
    this.#names.value = new Map();
    this.#applied = [];
  }

  /** @throws {TroubleError} while the edge shows another past than this machine has seen: nothing is approved then. */
  requireKnownPast(): void {
    this.#deps.memory.requireUntroubled();
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
    const actorKnown = entry.actor.kind !== "host" || isKnownHost(state, entry.actor.id);
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
      const { state, applied, signed } = await applyAll(start, page.statements);
      if (this.#state.value !== before) continue; // forgotten meanwhile
      this.#add(before === undefined ? { ...page, statements: signed } : { statements: signed }, applied);
      this.#state.value = state;
      this.#readNames(state, names);
      if (sameHead(state.head, head)) return this.#keep(state);
      if (before !== undefined && applied.length === 0)
        throw new TroubleError(twoPasts("the log ends before its head"));
    }
  }

  /** What was verified, and the bytes of it. */
  #add({ root, statements }: VerifiedPage, applied: readonly AppliedStatement[]): void {
    this.#applied = [...this.#applied, ...applied];
    this.#page = { ...this.#page, statements: [...this.#page.statements, ...statements] };
    if (root === undefined) return;
    this.#page = { ...this.#page, root };
    this.#rootAt = rootCodec.decode(fromBase64url(root.root)).at;
  }

  /** A log that is older than what this browser saw before, or forked from it, is a rollback and not a delay. */
  async #keep(state: TrustState): Promise<TrustState> {
    const seen = await this.#deps.vault.get("trustHead");
    if (seen !== undefined && seen.n > state.head.n) throw new TroubleError(twoPasts("it is older than before"));
    if (seen !== undefined && chainAt(state.chain, seen.n)?.hash !== seen.hash)
      throw new TroubleError(twoPasts("it is another than before"));
    const hashAt = (n: number): string | undefined => chainAt(state.chain, n)?.hash;
    await this.#deps.memory.judge({ workspace: state.workspace, head: state.head, hashAt });
    await this.#deps.vault.set("trustHead", state.head);
    return state;
  }

  #readNames(
    state: TrustState,
    names: readonly { readonly person: string; readonly opening: { readonly salt: string; readonly value: string } }[],
  ): void {
    const known = new Map(this.#chosen);
    for (const { person, opening } of names) {
      const fits = state.chain.people.get(person)?.name === commit({ field: "name", ...opening });
      if (fits) known.set(person, opening.value);
    }
    this.#chosen = known;
    this.#names.value = toldApart(known);
  }
}

/** Whoever is invited chooses a name, perhaps an administrator's: nobody is approved for another. */
function toldApart(names: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const alike = Map.groupBy(names.keys(), (person) => spoken(names.get(person) ?? ""));
  const isShared = (name: string): boolean => (alike.get(spoken(name))?.length ?? 0) > 1;
  return new Map([...names].map(([person, name]) => [person, isShared(name) ? `${name} (${person})` : name]));
}

function spoken(name: string): string {
  return name.normalize("NFKC").toLowerCase().replaceAll(/\s+/gu, " ").trim();
}

function isKnownHost(state: TrustState | undefined, id: string): boolean {
  return state?.hosts.has(id) === true || state?.removedHosts.has(id) === true;
}

async function stateOfRoot({ root }: TrustPage, workspace: string): Promise<TrustState> {
  if (root === undefined) throw new TroubleError(twoPasts("the log has no root"));
  const result = await applyRoot(root, { workspace });
  if (!result.ok) throw new TroubleError(twoPasts(result.code));
  return result.state;
}

/** Like a TrustPage; everything in it was verified here. */
interface VerifiedPage {
  readonly root?: SignedRoot | undefined;
  readonly statements: readonly SignedStatement[];
}

interface Applied {
  readonly state: TrustState;
  readonly applied: readonly AppliedStatement[];
  readonly signed: readonly SignedStatement[];
}

/** All of them or none: a page that does not verify leaves nothing behind. */
async function applyAll(start: TrustState, statements: TrustPage["statements"]): Promise<Applied> {
  const applied: AppliedStatement[] = [];
  const signed: SignedStatement[] = [];
  let state = start;
  for (const one of statements) {
    const read = readStatement(one.statement);
    if (isHeld(state, read)) continue; // revocations beside the head come again with every page
    const result = await applyStatement(state, one);
    if (!result.ok) throw new TroubleError(twoPasts(result.code));
    applied.push(read);
    signed.push(one);
    state = result.state;
  }
  return { state, applied, signed };
}

function readStatement(text: string): AppliedStatement {
  try {
    const bytes = fromBase64url(text);
    return { hash: digestOf("statement", bytes), statement: statementCodec.decode(bytes) };
  } catch (error) {
    if (error instanceof MalformedError || error instanceof RangeError) throw new TroubleError(twoPasts("malformed"));
    throw error;
  }
}

function isHeld(state: TrustState, { hash, statement }: AppliedStatement): boolean {
  return isRevocation(statement)
    ? heldRevocations(state).has(hash)
    : chainAt(state.chain, statement.prev.n + 1)?.hash === hash;
}

function twoPasts(reason: string) {
  return {
    code: "two_pasts",
    what: "The list of keys that the control plane shows is not the one this browser verified.",
    why: `It does not follow from the pinned workspace (${reason}).`,
    next: "Send no command. Compare the trust head with another machine of yours, or with clawhold status on a host.",
  };
}
