/**
 * The signed log as this browser follows it: the newest checkpoint, proven to continue the one it saw at an earlier
 * visit, and which hosts cosigned that same log. What is not proven here is neither called signed nor witnessed.
 */
import { signal, type ReadonlySignal } from "@preact/signals";
import { equalBytes } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import {
  cosignedBy,
  entryLeaf,
  openCheckpoint,
  rootDigest,
  witnessStanding,
  type Cosigned,
  type OpenedCheckpoint,
  type WitnessStanding,
} from "../../protocol/checkpoint.ts";
import type { Checkpoints as CheckpointsAnswer } from "../../protocol/contracts/ledger.ts";
import { ledgerKeysEver } from "../../protocol/audit/once-known.ts";
import { WITNESS_SILENT_SECONDS } from "../../protocol/limits.ts";
import { verifyConsistency, verifyInclusion, type Hash } from "../../protocol/merkle.ts";
import { noteFromWire } from "../../protocol/note.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { HostBody } from "../../protocol/trust/statements.ts";
import type { LedgerFailure, WitnessHost, WitnessView } from "../state/ledger.ts";
import type { Loadable } from "../state/backend.ts";
import { hashOf, type LedgerSource } from "./ledger-source.ts";
import { LogTimes } from "./log-times.ts";
import { hostEverAdmitted } from "./once-known.ts";
import { troubleOf } from "./trouble.ts";
import type { TrustKeeper } from "./trust.ts";
import type { Vault } from "./vault.ts";

export interface CheckpointDeps {
  readonly source: LedgerSource;
  readonly trust: TrustKeeper;
  readonly vault: Vault;
}

/** A tree that this browser stands on. */
interface Tree {
  readonly size: number;
  readonly root: Hash;
}

type Belonging =
  | "same" // one is the beginning of the other
  | "other" // proven not to be, or not proven to be
  | "unknown"; // the edge holds nothing to prove it with

/** A note that the workspace's ledger key signed: the one it has now, or one that it had. */
interface Signed {
  readonly checkpoint: OpenedCheckpoint;
  readonly isByPresentKey: boolean;
}

/** Cosignatures that were counted last, and among which hosts. */
interface Counted {
  readonly hosts: readonly { readonly id: string; readonly colocated: boolean }[];
  readonly cosigned: readonly Cosigned[];
  readonly now: number;
}

/** Trees that were compared are remembered: a fleet that cosigned one checkpoint is one comparison. */
const MAX_COMPARED = 256;

export class Checkpoints {
  readonly #deps: CheckpointDeps;
  readonly #view = signal<Loadable<WitnessView>>({ state: "loading" });
  readonly #failure = signal<LedgerFailure | undefined>(undefined);
  #newest: OpenedCheckpoint | undefined;
  #newestAt = 0;
  #base: Tree | undefined;
  readonly #compared = new Map<string, Belonging>();
  readonly #times = new LogTimes();
  #counted: Counted = { hosts: [], cosigned: [], now: 0 };

  constructor(deps: CheckpointDeps) {
    this.#deps = deps;
  }

  get view(): ReadonlySignal<Loadable<WitnessView>> {
    return this.#view;
  }

  /** Why this is not the log that was seen before. */
  get failure(): ReadonlySignal<LedgerFailure | undefined> {
    return this.#failure;
  }

  /** Verified; undefined while nothing is signed, or what is shown does not verify. */
  get newest(): OpenedCheckpoint | undefined {
    return this.#newest;
  }

  get newestAt(): number {
    return this.#newestAt;
  }

  /** The longest log that is proven here, of this visit or an earlier one. */
  get base(): Tree | undefined {
    return this.#base;
  }

  /** So many entries are signed, as far as is proven here. */
  get signed(): number {
    return this.#base?.size ?? 0;
  }

  forget(): void {
    this.#view.value = { state: "loading" };
    this.#failure.value = undefined;
    this.#newest = undefined;
    this.#base = undefined;
    this.#compared.clear();
    this.#times.forget();
    this.#counted = { hosts: [], cosigned: [], now: 0 };
  }

  /** Entries whose place is proven: no cosignature covers one that is later than it. */
  saw(entries: readonly { readonly index: number; readonly at: number }[]): void {
    for (const entry of entries) this.#times.note(entry);
    const view = this.#view.peek();
    if (view.state !== "ready") return;
    const size = this.#standing(this.#counted).witnessedSize;
    if (size !== view.value.size) this.#view.value = { state: "ready", value: { ...view.value, size } };
  }

  /** Undefined where the row's place is not proven under a checkpoint of this log. @throws {TroubleError} */
  async proveRow(
    index: number,
    { hash, inclusion, note }: { readonly hash: string; readonly inclusion: readonly string[]; readonly note: string },
  ): Promise<OpenedCheckpoint | undefined> {
    const checkpoint = await this.belonging(note);
    return checkpoint !== undefined && isIncluded(checkpoint, { index, hash, inclusion }) ? checkpoint : undefined;
  }

  /** A signed checkpoint of this very log, or undefined. @throws {TroubleError} */
  async belonging(note: string): Promise<OpenedCheckpoint | undefined> {
    const checkpoint = await this.#openInTime(note);
    return checkpoint !== undefined && (await this.#belongs(checkpoint)) === "same" ? checkpoint : undefined;
  }

  /** A key that was replaced signed the log as far as it is known, and signs nothing new: somebody else may have it. */
  async #openInTime(note: string): Promise<OpenedCheckpoint | undefined> {
    const signed = await this.#read(note);
    if (signed === undefined || signed.isByPresentKey) return signed?.checkpoint;
    return signed.checkpoint.size <= this.signed ? signed.checkpoint : undefined;
  }

  /** Reads a note off the wire; undefined unless the workspace's ledger key, present or former, signed it. */
  async open(note: string): Promise<OpenedCheckpoint | undefined> {
    return (await this.#read(note))?.checkpoint;
  }

  async #read(note: string): Promise<Signed | undefined> {
    const state = this.#deps.trust.state.value ?? (await this.#deps.trust.refresh());
    let encoded: string;
    try {
      encoded = noteFromWire(note);
    } catch (error) {
      if (error instanceof MalformedError) return undefined;
      throw error;
    }
    for (const ledgerKey of ledgerKeysEver(state)) {
      const opened = await openCheckpoint(encoded, { workspace: state.workspace, ledgerKey });
      if (typeof opened !== "string") return { checkpoint: opened, isByPresentKey: ledgerKey === state.ledgerKey };
    }
    return undefined;
  }

  /** @throws {TroubleError} when the edge does not answer; what it answers is judged, never thrown. */
  async refresh(): Promise<void> {
    try {
      const answer = await this.#deps.source.checkpoints();
      if (this.#base === undefined) this.#base = await this.#seenBefore();
      const [first] = answer?.checkpoints ?? [];
      if (answer !== undefined && first !== undefined) await this.#judgeNewest(first);
      else if (this.#base !== undefined && this.#base.size > 0) this.#fail(cut(this.#base.size, 0));
      this.#view.value = { state: "ready", value: await this.#viewOf(answer) };
    } catch (error) {
      if (this.#view.value.state !== "ready") this.#view.value = { state: "failed", trouble: troubleOf(error) };
      throw error;
    }
  }

  async #judgeNewest({ note, at }: { readonly note: string; readonly at: number }): Promise<void> {
    const signed = await this.#read(note);
    const base = this.#base;
    if (signed === undefined) return this.#fail(UNSIGNED);
    if (!signed.isByPresentKey) return this.#fail(REPLACED);
    const newest = signed.checkpoint;
    if (base !== undefined && newest.size < base.size) return this.#fail(cut(base.size, newest.size));
    if ((await this.#belongs(newest)) !== "same") return this.#fail(rewritten(base?.size ?? 0, newest.size));
    this.#failure.value = undefined;
    this.#newest = newest;
    this.#newestAt = at;
  }

  #fail(reason: string): void {
    this.#newest = undefined;
    this.#failure.value = { index: this.#base?.size ?? 0, reason, of: "log" };
  }

  async #seenBefore(): Promise<Tree | undefined> {
    const seen = await this.#deps.vault.get("checkpoint");
    return seen === undefined ? undefined : { size: seen.size, root: hashOf(seen.root) };
  }

  /** Whether this checkpoint and what this browser stands on are one log; if it is longer, it becomes that. */
  async #belongs(tree: Tree): Promise<Belonging> {
    const base = this.#base;
    if (base === undefined || base.size === 0) {
      await this.#stand(tree);
      return "same";
    }
    const name = `${tree.size} ${rootDigestOf(tree)}`;
    const known = this.#compared.get(name);
    if (known !== undefined) return known;
    const belonging = await this.#compare(tree, base);
    if (belonging === "unknown") return belonging;
    if (this.#compared.size >= MAX_COMPARED) this.#compared.clear();
    this.#compared.set(name, belonging);
    if (belonging === "same" && tree.size > base.size) await this.#stand(tree);
    return belonging;
  }

  async #compare(tree: Tree, base: Tree): Promise<Belonging> {
    if (tree.size === 0) return "same";
    if (tree.size === base.size) return equalBytes(tree.root, base.root) ? "same" : "other";
    const [from, to] = tree.size < base.size ? [tree, base] : [base, tree];
    const proof = await this.#deps.source.consistency(from.size, to.size);
    if (proof === undefined) return "unknown";
    const holds = verifyConsistency({
      from: from.size,
      to: to.size,
      fromRoot: from.root,
      toRoot: to.root,
      proof,
    });
    return holds ? "same" : "other";
  }

  async #stand({ size, root }: Tree): Promise<void> {
    this.#base = { size, root };
    await this.#deps.vault.set("checkpoint", { size, root: rootDigestOf({ size, root }) });
  }

  async #viewOf(answer: CheckpointsAnswer | undefined): Promise<WitnessView> {
    const state = this.#deps.trust.state.value ?? (await this.#deps.trust.refresh());
    const now = answer?.now ?? 0;
    const hosts: WitnessHost[] = [];
    const cosigned: Cosigned[] = [];
    for (const host of state.hosts.values()) {
      const witness = await this.#witness(host, answer);
      if (witness.cosigned !== undefined) cosigned.push(witness.cosigned);
      hosts.push(hostView(host, witness, now));
    }
    const known = [...state.hosts.values()].map(({ host, colocated }) => ({ id: host, colocated }));
    this.#counted = { hosts: known, cosigned, now };
    const standing = this.#standing(this.#counted);
    const { refused } = answer ?? {};
    return {
      ...(this.#newest === undefined ? {} : { signed: this.#signedView(this.#newest) }),
      eligible: standing.eligible.length,
      needed: standing.needed,
      size: standing.witnessedSize,
      hosts,
      ...(refused === undefined ? {} : { refused: named(refused, state) }),
    };
  }

  #standing({ hosts, cosigned, now }: Counted): WitnessStanding {
    const covered = cosigned.map((one) => ({ ...one, size: this.#times.coveredBy(one) }));
    return witnessStanding(hosts, covered, { now, silentSeconds: WITNESS_SILENT_SECONDS });
  }

  #signedView(newest: OpenedCheckpoint): NonNullable<WitnessView["signed"]> {
    return { size: newest.size, root: rootDigest(newest), at: this.#newestAt };
  }

  /** What this host's own cosignature says; only one over the log that is shown here counts. */
  async #witness({ host, cosignKey }: HostBody, answer: CheckpointsAnswer | undefined): Promise<Testimony> {
    const shown = answer?.witnesses.find((one) => one.host === host);
    const checkpoint = shown === undefined ? undefined : await this.#openInTime(shown.note);
    if (checkpoint === undefined) return {};
    const at = await cosignedBy(checkpoint, { host, cosignKey });
    if (at === undefined) return {};
    const belonging = await this.#belongs(checkpoint);
    if (belonging === "same") return { cosigned: { host, size: checkpoint.size, at } };
    return belonging === "other" ? { other: { size: checkpoint.size, root: rootDigest(checkpoint) } } : {};
  }
}

/** What a host's newest cosignature says. */
interface Testimony {
  readonly cosigned?: Cosigned;
  /** It is of another log than the one shown here. */
  readonly other?: { readonly size: number; readonly root: string };
}

function hostView({ host, label, colocated }: HostBody, { cosigned, other }: Testimony, now: number): WitnessHost {
  return {
    host,
    label,
    colocated,
    ...(cosigned === undefined ? {} : { size: cosigned.size, at: cosigned.at }),
    recent: cosigned !== undefined && now - cosigned.at <= WITNESS_SILENT_SECONDS,
    ...(other === undefined ? {} : { other }),
  };
}

/** Whether the entry of that index and digest is in the checkpoint's tree. */
export function isIncluded(
  { size, root }: Tree,
  { index, hash, inclusion }: { readonly index: number; readonly hash: string; readonly inclusion: readonly string[] },
): boolean {
  return verifyInclusion({ index: index - 1, size, leaf: entryLeaf(hash), proof: inclusion.map(hashOf), root });
}

function rootDigestOf({ size, root }: Tree): string {
  return rootDigest({ workspace: "", size, root });
}

function named(
  { host, ...refused }: NonNullable<CheckpointsAnswer["refused"]>,
  state: TrustState,
): NonNullable<WitnessView["refused"]> {
  if (host === undefined) return refused;
  return { ...refused, host: hostEverAdmitted(state, host)?.label ?? host };
}

const UNSIGNED = "Its newest checkpoint is not signed by the ledger key that the trust log names.";

const REPLACED =
  "Its newest checkpoint is signed by a ledger key that was replaced. After a change of that key the new one signs within seconds; until then nothing newer is believed.";

function cut(before: number, now: number): string {
  return `This browser saw a signed log of ${entries(before)}, and what is shown now is one of ${entries(now)}: it was cut.`;
}

function rewritten(before: number, now: number): string {
  return `The log of ${entries(now)} that is shown now does not begin with the ${entries(before)} that this browser saw signed: it was rewritten.`;
}

function entries(count: number): string {
  return count === 1 ? "1 entry" : `${count} entries`;
}
