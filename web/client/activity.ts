/**
 * The ledger as this browser checks it: the newest rows first, each linked to one whose place in the signed log is
 * proven, and older ones when somebody looks at them. What was not computed here is never called verified.
 */
import { computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import type {
  ActivityLog,
  CheckpointsView,
  EntryProof,
  FindingsView,
  LedgerEntry,
  LedgerStatus,
  LogItem,
  LogMatches,
  LogQuery,
  LogRows,
  Onlooker,
  PatternsView,
  WitnessView,
  Witnessed,
} from "../state/ledger.ts";
import type { Loadable, Result, Stop } from "../state/backend.ts";
import type { CheckedRow } from "./checked-row.ts";
import { CheckpointList } from "./checkpoint-list.ts";
import { Checkpoints } from "./checkpoints.ts";
import { CrossCheck } from "./cross-check.ts";
import { entryView } from "./entry-view.ts";
import { arrived } from "./late.ts";
import { LedgerSource } from "./ledger-source.ts";
import type { Held } from "./log-held.ts";
import { LogKeeper } from "./log-keeper.ts";
import { Matches } from "./log-matches.ts";
import { LogSearch, type SearchDeps } from "./log-search.ts";
import { Onlookers } from "./onlookers.ts";
import { PatternWatch } from "./pattern-watch.ts";
import type { SessionDeps } from "./session.ts";
import { resultOf, TroubleError, troubleOf } from "./trouble.ts";
import type { TrustKeeper } from "./trust.ts";

const POLL_MS = 3_000;
/** Looks between two questions for checkpoints: soon where entries wait for one, rarely where only cosignatures may. */
const LOOKS_WHILE_BEHIND = 3;
const LOOKS_AT_REST = 10;
/** Of the newest, for the pages that show the latest few. */
const MAX_LATEST = 300;

export interface ActivityDeps extends SessionDeps {
  readonly trust: TrustKeeper;
  /** Who looks through this page. */
  readonly person?: () => string | undefined;
}

export class Activity implements ActivityLog {
  readonly #deps: ActivityDeps;
  readonly #source: LedgerSource;
  readonly #checkpoints: Checkpoints;
  readonly #list: CheckpointList;
  readonly #keeper: LogKeeper;
  readonly #patterns: PatternWatch;
  readonly #findings: CrossCheck;
  readonly #onlookers: Onlookers;
  readonly #size = signal(0);
  readonly #checking = signal(false);
  readonly #loaded = signal<Loadable<true>>({ state: "loading" });
  readonly #proofs = new Map<number, Signal<Loadable<EntryProof>>>();
  readonly #proving = new Set<number>();
  #hasBegun = false;
  #looks = 0;
  #visit = Symbol("visit");
  #working: Promise<void> | undefined;
  #watchers = 0;
  #pages = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  readonly status: ReadonlySignal<LedgerStatus>;
  readonly entries: ReadonlySignal<Loadable<readonly LedgerEntry[]>>;
  readonly rows: LogRows;

  constructor(deps: ActivityDeps) {
    this.#deps = deps;
    const { trust, vault, client } = deps;
    this.#source = new LedgerSource(client);
    this.#checkpoints = new Checkpoints({ source: this.#source, trust, vault });
    this.#list = new CheckpointList({ source: this.#source, trust, checkpoints: this.#checkpoints });
    const indexBefore = (at: number) => this.#indexBefore(at);
    this.#keeper = new LogKeeper({ source: this.#source, trust, checkpoints: this.#checkpoints, indexBefore });
    this.#patterns = new PatternWatch({
      ...this.#searchDeps(),
      now: () => deps.clock.now(),
      indexBefore,
    });
    this.#findings = new CrossCheck(trust);
    this.#onlookers = new Onlookers({ source: this.#source, trust, person: () => deps.person?.() });
    this.status = computed(() => this.#status());
    this.entries = computed(() => this.#latest());
    const keeper = this.#keeper;
    this.rows = {
      changed: keeper.changed,
      item: (index) => this.#item(index),
      want: (first, last) => keeper.want(first, last),
      trouble: keeper.trouble,
    };
  }

  get witnesses(): ReadonlySignal<Loadable<WitnessView>> {
    return this.#checkpoints.view;
  }

  get checkpoints(): ReadonlySignal<Loadable<CheckpointsView>> {
    return this.#list.view;
  }

  lookAtCheckpoints(): void {
    void this.#list.load();
  }

  get patterns(): ReadonlySignal<Loadable<PatternsView>> {
    return this.#patterns.view;
  }

  get findings(): ReadonlySignal<FindingsView> {
    return this.#findings.view;
  }

  get onlookers(): ReadonlySignal<readonly Onlooker[]> {
    return this.#onlookers.list;
  }

  find(query: LogQuery): LogMatches {
    const before = this.#keeper.head.index + 1;
    return new Matches(
      {
        keeper: this.#keeper,
        search: () => this.#search(query, before),
        item: (index, held, partner) => this.#itemOf(index, held, { partner, isAtEnd: false }),
      },
      query,
    );
  }

  indexBefore(at: number): Promise<Result<number>> {
    return resultOf(() => this.#indexBefore(at));
  }

  proof(index: number): ReadonlySignal<Loadable<EntryProof>> {
    const known = this.#proofs.get(index);
    if (known !== undefined) return known;
    const proof = signal<Loadable<EntryProof>>({ state: "loading" });
    this.#proofs.set(index, proof);
    this.prove(index);
    return proof;
  }

  prove(index: number): void {
    const proof = this.#proofs.get(index);
    if (proof === undefined || this.#proving.has(index)) return;
    this.#proving.add(index);
    void this.#prove(index).then((value) => {
      this.#proving.delete(index);
      proof.value = value;
    });
  }

  watch(): Stop {
    this.#watchers += 1;
    if (this.#watchers === 1) void this.#poll();
    return () => {
      this.#watchers -= 1;
      if (this.#watchers === 0) clearTimeout(this.#timer);
    };
  }

  watchPage(): Stop {
    this.#pages += 1;
    this.#lookForPatterns();
    const stop = [this.watch(), this.#onlookers.watch()];
    return () => {
      this.#pages -= 1;
      for (const one of stop) one();
    };
  }

  forget(): void {
    this.#visit = Symbol("visit");
    this.#working = undefined;
    this.#hasBegun = false;
    this.#looks = 0;
    this.#size.value = 0;
    this.#checking.value = false;
    this.#loaded.value = { state: "loading" };
    this.#proofs.clear();
    for (const part of [this.#checkpoints, this.#list, this.#keeper, this.#patterns, this.#findings, this.#onlookers])
      part.forget();
  }

  /** Brings what is shown up to the edge's head. Concurrent callers share one look. */
  refresh(): Promise<void> {
    if (this.#working !== undefined) return this.#working;
    const working = this.#look(this.#visit).finally(() => {
      if (this.#working === working) this.#working = undefined;
    });
    this.#working = working;
    return working;
  }

  async #poll(): Promise<void> {
    await this.refresh();
    clearTimeout(this.#timer);
    if (this.#watchers > 0) this.#timer = setTimeout(() => void this.#poll(), POLL_MS);
  }

  async #look(visit: symbol): Promise<void> {
    this.#checking.value = true;
    try {
      await this.#deps.trust.refresh();
      if (this.#hasBegun) await this.#keeper.grow();
      else await this.#begin(visit);
      if (visit !== this.#visit) return;
      await this.#followCheckpoints();
      if (visit !== this.#visit) return;
      await this.#remember();
      this.#keeper.retry();
      const { head, from } = this.#keeper;
      const held = (index: number) => this.#keeper.held(index);
      this.#findings.advance({ from, head: head.index, held, now: this.#deps.clock.now() });
      this.#patterns.advance(head.index, held);
      this.#loaded.value = { state: "ready", value: true };
      this.#lookForPatterns();
    } catch (error) {
      if (visit !== this.#visit) return;
      if (this.#loaded.value.state !== "ready") this.#loaded.value = { state: "failed", trouble: troubleOf(error) };
      else if (!(error instanceof TroubleError)) throw error;
    } finally {
      if (visit === this.#visit) this.#checking.value = false;
    }
  }

  async #begin(visit: symbol): Promise<void> {
    await this.#checkpoints.refresh();
    if (visit === this.#visit) await this.#keeper.begin();
    if (visit !== this.#visit) return;
    const seen = await this.#deps.vault.get("ledger");
    if (seen !== undefined) await this.#keeper.judgeSeen(seen);
    this.#hasBegun = visit === this.#visit;
  }

  async #followCheckpoints(): Promise<void> {
    this.#looks += 1;
    const isBehind = (this.#checkpoints.newest?.size ?? 0) < this.#keeper.head.index;
    if (this.#looks > 1 && this.#looks % (isBehind ? LOOKS_WHILE_BEHIND : LOOKS_AT_REST) === 0)
      await this.#checkpoints.refresh();
    await this.#keeper.settle();
  }

  /** Only what is proven in a log in which nothing failed is what the next visit may expect. */
  async #remember(): Promise<void> {
    const { lasting, failure } = this.#keeper;
    if (failure !== undefined || this.#checkpoints.failure.value !== undefined || lasting === undefined) return;
    const seen = await this.#deps.vault.get("ledger");
    if (lasting.index > (seen?.index ?? 0)) await this.#deps.vault.set("ledger", lasting);
  }

  /** Only while its page is open: a month of sign-ins and commands is not fetched for every page. */
  #lookForPatterns(): void {
    if (this.#pages > 0 && this.#hasBegun) void this.#patterns.start(this.#keeper.head.index);
  }

  #status(): LedgerStatus {
    void this.#keeper.changed.value;
    const { head, from, isEndLinked, droppedTo } = this.#keeper;
    const failure = this.#checkpoints.failure.value ?? this.#keeper.failure;
    const view = this.#checkpoints.view.value;
    const witness = view.state === "ready" ? view.value : undefined;
    const { signed } = witness ?? {};
    return {
      size: head.index,
      verified: failure === undefined && isEndLinked ? head.index : 0,
      from,
      checking: this.#checking.value,
      ...(head.index === 0 ? {} : { head: head.hash }),
      ...(failure === undefined ? {} : { failure }),
      ...(signed === undefined ? {} : { signed }),
      ...(droppedTo === 0 ? {} : { droppedTo }),
      witness: seenBy(witness),
    };
  }

  #latest(): Loadable<readonly LedgerEntry[]> {
    const loaded = this.#loaded.value;
    if (loaded.state !== "ready") return loaded;
    void this.#keeper.changed.value;
    const value: LedgerEntry[] = [];
    const { head, from } = this.#keeper;
    for (let index = head.index; index >= from && value.length < MAX_LATEST; index -= 1) {
      const entry = this.#item(index)?.entry;
      if (entry !== undefined) value.push(entry);
    }
    return { state: "ready", value };
  }

  #item(index: number): LogItem | undefined {
    const held = this.#keeper.held(index);
    if (held === undefined) return undefined;
    return this.#itemOf(index, held, {
      partner: this.#keeper.partnerOf(index),
      isAtEnd: this.#keeper.isAtEnd(index),
    });
  }

  #itemOf(
    index: number,
    held: Held,
    around: { readonly partner: CheckedRow | undefined; readonly isAtEnd: boolean },
  ): LogItem {
    const findings = this.#findings.view.value.list.filter((finding) => finding.index === index);
    const place = { index, witnessed: this.#witnessed(index, held), marks: this.#patterns.marksOf(index), findings };
    if (held.kind === "broken") return { ...place, broken: held.reason };
    return { ...place, entry: entryView(this.#deps.trust, held.checked, { ...around, linked: held.linked }) };
  }

  /** What hosts signed is the log that is proven: a row that is not known to stand in it is nobody's word. */
  #witnessed(index: number, held: Held): Witnessed {
    const view = this.#checkpoints.view.value;
    if (held.kind === "broken" || !held.linked) return "unsigned";
    const isProven = index <= this.#keeper.provenTo;
    if (isProven && view.state === "ready" && index <= view.value.size) return "witnessed";
    return index <= (this.#checkpoints.newest?.size ?? 0) ? "signed" : "unsigned";
  }

  #searchDeps(): SearchDeps {
    return {
      source: this.#source,
      trust: this.#deps.trust,
      checkpoints: this.#checkpoints,
      linkedHash: (index) => this.#keeper.linkedHash(index),
    };
  }

  async #search(query: LogQuery, before: number): Promise<LogSearch> {
    const { since, until } = query;
    const floor = since === undefined ? 0 : await this.#indexBefore(since);
    const end = until === undefined ? before : Math.min(before, (await this.#indexBefore(until)) + 1);
    return new LogSearch(this.#searchDeps(), query, { before: end, floor });
  }

  /** Times rise with the index, as far as the edge's clock did; halving finds the place. */
  async #indexBefore(at: number): Promise<number> {
    let low = this.#keeper.droppedTo;
    let high = this.#keeper.head.index;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((await this.#timeOf(middle)) < at) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  async #timeOf(index: number): Promise<number> {
    const held = this.#keeper.held(index);
    if (held?.kind === "row") return held.checked.entry.at / 1000;
    return this.#keeper.unverifiedTimeOf(index);
  }

  async #prove(index: number): Promise<Loadable<EntryProof>> {
    try {
      await this.refresh();
      const { trust, client } = this.#deps;
      const indexBefore = (at: number) => this.#indexBefore(at);
      const { proveEntryAt } = await arrived(import("./entry-proof.ts"));
      return await proveEntryAt(index, { ...this.#searchDeps(), client, keeper: this.#keeper, trust, indexBefore });
    } catch (error) {
      return { state: "failed", trouble: troubleOf(error) };
    }
  }
}

function seenBy(view: WitnessView | undefined): LedgerStatus["witness"] {
  if (view === undefined) return { eligible: 0, cosigned: 0, needed: 0, size: 0 };
  const { eligible, needed, size, hosts } = view;
  return { eligible, needed, size, cosigned: hosts.filter(({ recent, colocated }) => recent && !colocated).length };
}
