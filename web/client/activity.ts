/**
 * The ledger as this browser checks it: entries are fetched in order from the start, each is linked to the one before,
 * and host receipts are verified against the trust log. What was not computed here is never called verified. How far it
 * got is forgotten with the page: a reload walks from the start again.
 */
import { computed, signal, type ReadonlySignal } from "@preact/signals";
import { MalformedError } from "../../protocol/canonical.ts";
import type { ActivityRow } from "../../protocol/contracts.ts";
import { CHAIN_START, checkEntry, commit, type ChainFault, type ChainPosition } from "../../protocol/ledger.ts";
import type { Signed } from "../../protocol/messages.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { ActivityLog, EntryProof, LedgerEntry, LedgerStatus, Loadable, Party, Stop } from "../state/backend.ts";
import { bytesOf } from "./http.ts";
import { hostEverAdmitted } from "./once-known.ts";
import { proofFile, proveEntry, type CheckedRow } from "./proof.ts";
import { checkReceipt, type CheckedReceipt } from "./receipts.ts";
import type { SessionDeps } from "./session.ts";
import { sealOf, wordOf } from "./seals.ts";
import { TroubleError, troubleOf } from "./trouble.ts";
import type { TrustKeeper } from "./trust.ts";

const PAGE = 200;
const POLL_MS = 3_000;

const FAULTS: Readonly<Record<ChainFault, string>> = {
  malformed: "is not a well-formed entry",
  workspace: "belongs to another workspace",
  gap: "is missing, or out of place",
  previous: "does not follow from the entry before it",
  hash: "was changed after it was written",
};

const NOTHING_YET: LedgerStatus = { size: 0, verified: 0, checking: false, witness: { eligible: 0, cosigned: 0 } };

export interface ActivityDeps extends SessionDeps {
  readonly trust: TrustKeeper;
}

export class Activity implements ActivityLog {
  readonly #deps: ActivityDeps;
  readonly #rows = signal<readonly CheckedRow[]>([]);
  readonly #status = signal<LedgerStatus>(NOTHING_YET);
  readonly #loaded = signal<Loadable<true>>({ state: "loading" });
  readonly #proofs = new Map<number, ReadonlySignal<Loadable<EntryProof>>>();
  #position: ChainPosition = CHAIN_START;
  /** Where an earlier visit of this browser got to. */
  #seen: ChainPosition | undefined;
  /** Of this session of the page: a walk that `forget` overtook keeps nothing of what it found. */
  #visit = Symbol("visit");
  #working: Promise<void> | undefined;
  #watchers = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  readonly hasOlder: ReadonlySignal<boolean> = signal(false);
  readonly entries: ReadonlySignal<Loadable<readonly LedgerEntry[]>>;

  constructor(deps: ActivityDeps) {
    this.#deps = deps;
    this.entries = computed(() => {
      const loaded = this.#loaded.value;
      if (loaded.state !== "ready") return loaded;
      const rows = this.#rows.value;
      const partners = partnersOf(rows);
      const value = rows.map((row) => this.#entry(row, partners.get(row.entry.index))).toReversed();
      return { state: "ready", value };
    });
  }

  get status(): ReadonlySignal<LedgerStatus> {
    return this.#status;
  }

  loadOlder(): Promise<void> {
    return Promise.resolve(); // the whole chain is walked from its start: nothing older exists
  }

  watch(): Stop {
    this.#watchers += 1;
    if (this.#watchers === 1) void this.#poll();
    return () => {
      this.#watchers -= 1;
      if (this.#watchers === 0) clearTimeout(this.#timer);
    };
  }

  proof(index: number): ReadonlySignal<Loadable<EntryProof>> {
    const known = this.#proofs.get(index);
    if (known !== undefined) return known;
    const proof = signal<Loadable<EntryProof>>({ state: "loading" });
    this.#proofs.set(index, proof);
    void this.#prove(index).then((value) => {
      proof.value = value;
      if (value.state === "failed") this.#proofs.delete(index);
    });
    return proof;
  }

  forget(): void {
    this.#visit = Symbol("visit");
    this.#working = undefined;
    this.#status.value = NOTHING_YET;
    this.#rows.value = [];
    this.#loaded.value = { state: "loading" };
    this.#position = CHAIN_START;
    this.#seen = undefined;
    this.#proofs.clear();
  }

  /** Walks the chain to the edge's head. Concurrent callers share one walk. */
  refresh(): Promise<void> {
    if (this.#working !== undefined) return this.#working;
    const working = this.#walk(this.#visit).finally(() => {
      if (this.#working === working) this.#working = undefined;
    });
    this.#working = working;
    return working;
  }

  async #poll(): Promise<void> {
    await this.refresh();
    if (this.#watchers > 0) this.#timer = setTimeout(() => void this.#poll(), POLL_MS);
  }

  async #walk(visit: symbol): Promise<void> {
    try {
      const state = await this.#deps.trust.refresh();
      this.#seen ??= await this.#deps.vault.get("ledger");
      for (;;) {
        const query = { after: String(this.#position.index), limit: String(PAGE) };
        const { rows, head } = await this.#deps.client.call("activity", { query });
        if (visit !== this.#visit) return;
        this.#note({ size: head.index, checking: rows.length > 0 });
        const fine = await this.#checkPage(rows, state.workspace);
        if (!fine) break;
        if (rows.length === 0) {
          await this.#judgeHead(head);
          break;
        }
      }
      this.#loaded.value = { state: "ready", value: true };
    } catch (error) {
      if (this.#loaded.value.state !== "ready") this.#loaded.value = { state: "failed", trouble: troubleOf(error) };
      else if (!(error instanceof TroubleError)) throw error;
    } finally {
      this.#note({ checking: false });
    }
  }

  /** False when the chain breaks; what was verified before stays verified. */
  async #checkPage(rows: readonly ActivityRow[], workspace: string): Promise<boolean> {
    const visit = this.#visit;
    const checked: CheckedRow[] = [];
    let position = this.#position;
    let failure: LedgerStatus["failure"];
    try {
      for (const row of rows) {
        const step = checkEntry(bytesOf(row.body), row.hash, { workspace, position });
        if (!step.ok) {
          failure = { index: step.index, reason: `Entry ${step.index} ${FAULTS[step.fault]}.` };
          break;
        }
        if (step.position.index === this.#seen?.index && step.position.hash !== this.#seen.hash) {
          const { index } = step.position;
          failure = { index, reason: `Entry ${index} is not the one this browser verified before.` };
          break;
        }
        checked.push(await this.#checkedRow(row, step.entry));
        ({ position } = step);
      }
    } finally {
      // Together, also when the edge fell silent in the middle: place n of the list is entry n + 1 of the chain.
      if (visit === this.#visit) {
        this.#position = position;
        this.#rows.value = [...this.#rows.value, ...checked];
        this.#note({ verified: position.index, head: position.hash, ...(failure === undefined ? {} : { failure }) });
      }
    }
    return failure === undefined;
  }

  /** The edge may not say it has less than this browser has seen, now or before, nor another end. */
  async #judgeHead(head: ChainPosition): Promise<void> {
    if (head.index < Math.max(this.#position.index, this.#seen?.index ?? 0)) {
      this.#note({
        failure: { index: head.index + 1, reason: "Entries that this browser verified are gone: the log was cut." },
      });
    } else if (head.hash !== this.#position.hash && head.index === this.#position.index) {
      this.#note({ failure: { index: head.index, reason: "The log ends in another entry than the one shown." } });
    } else {
      this.#seen = this.#position;
      await this.#deps.vault.set("ledger", this.#position);
    }
  }

  async #checkedRow(row: ActivityRow, entry: CheckedRow["entry"]): Promise<CheckedRow> {
    const state = await this.#deps.trust.refreshIfUnknown(entry);
    const receipt = row.receipt === undefined ? undefined : await readableReceipt(row.receipt, state);
    const sourceFits =
      row.source === undefined || entry.source === undefined
        ? undefined
        : commit({ field: "source", ...row.source }) === entry.source;
    return { row, entry, receipt, sourceFits };
  }

  #note(change: Partial<LedgerStatus>): void {
    const state = this.#deps.trust.state.value;
    const eligible = [...(state?.hosts.values() ?? [])].filter((host) => !host.colocated).length;
    this.#status.value = { ...this.#status.value, ...change, witness: { eligible, cosigned: 0 } };
  }

  #entry(checked: CheckedRow, partner: number | undefined): LedgerEntry {
    const { entry, row } = checked;
    const request = partner === undefined ? undefined : this.#rows.value[partner - 1]?.entry;
    return {
      index: entry.index,
      at: entry.at / 1000,
      action: entry.action,
      actor: this.#party(entry.actor.kind, "id" in entry.actor ? entry.actor.id : entry.actor.kind),
      ...(entry.target === undefined ? {} : { target: this.#party(kindOf(entry.target), entry.target) }),
      ...(row.source !== undefined && checked.sourceFits === true ? { source: row.source.value } : {}),
      // A receipt names the intent; what was asked, and by whom, stands in the acceptance that this page verified too.
      detail: { ...(request === undefined ? {} : { operation: request.detail.operation }), ...entry.detail },
      ...(entry.action === "command.receipt" && request !== undefined ? this.#requester(request) : {}),
      ...(partner === undefined ? {} : { partner }),
      hash: row.hash,
      previous: entry.previous,
      seal: sealOf(checked, { partner, isStated: (hash) => this.#isStated(hash) }),
      word: wordOf(entry.action),
    };
  }

  #requester({ actor }: CheckedRow["entry"]): Pick<LedgerEntry, "requester"> {
    if (actor.kind !== "person" && actor.kind !== "automation") return {};
    return { requester: this.#party(actor.kind, actor.id) };
  }

  /** The root, or a statement that this browser applied: the edge cannot invent one. */
  #isStated(hash: string): boolean {
    const { state, applied } = this.#deps.trust;
    return hash === state.value?.workspace || applied.some((statement) => statement.hash === hash);
  }

  #party(kind: Party["kind"], id: string): Party {
    const state = this.#deps.trust.state.value;
    const label =
      (state === undefined ? undefined : hostEverAdmitted(state, id))?.label ??
      state?.chain.automationKeys.get(id)?.label;
    const name = kind === "person" ? this.#deps.trust.nameOf(id) : label;
    return { kind, id, ...(name === undefined ? {} : { name }) };
  }

  async #prove(index: number): Promise<Loadable<EntryProof>> {
    try {
      await this.refresh();
      const state = this.#deps.trust.state.value ?? (await this.#deps.trust.refresh());
      const rows = this.#rows.value;
      const checked = rows[index - 1];
      if (checked === undefined) {
        return {
          state: "failed",
          trouble: {
            code: "no_entry",
            what: `There is no entry ${index}, or it was not verified.`,
            next: "Look at the top of this page for the reason.",
          },
        };
      }
      const partner = partnersOf(rows).get(index);
      const value = await proveEntry(
        { client: this.#deps.client, state, nameOf: (id) => this.#deps.trust.nameOf(id) },
        {
          checked,
          partner: partner === undefined ? undefined : rows[partner - 1],
          entry: this.#entry(checked, partner),
          chainSize: this.#position.index,
          file: proofFile(this.#deps.trust.page, rows.slice(0, index)),
        },
      );
      return { state: "ready", value };
    } catch (error) {
      return { state: "failed", trouble: troubleOf(error) };
    }
  }
}

function kindOf(target: string): Party["kind"] {
  return target.startsWith("h-") ? "host" : "person";
}

/**
 * Links each accepted command to its receipt and back. One command can go to many hosts, each with an acceptance and a
 * receipt of its own: intent and host together name them. An acceptance without a host is that of all of them, and links
 * to the first that answered.
 */
export function partnersOf(rows: readonly Pick<CheckedRow, "entry">[]): ReadonlyMap<number, number> {
  const accepted = new Map<string, number>();
  const partners = new Map<number, number>();
  for (const { entry } of rows) {
    const { intent } = entry.detail;
    if (intent === undefined) continue;
    if (entry.action === "command.accepted") accepted.set(`${intent} ${entry.target ?? ""}`, entry.index);
    if (entry.action !== "command.receipt") continue;
    const other = accepted.get(`${intent} ${entry.target ?? ""}`) ?? accepted.get(`${intent} `);
    if (other === undefined) continue;
    if (!partners.has(other)) partners.set(other, entry.index);
    partners.set(entry.index, other);
  }
  return partners;
}

/** Bytes that are no receipt at all are as good as none: the entry that should have one gets no seal. */
async function readableReceipt(signed: Signed, state: TrustState): Promise<CheckedReceipt | undefined> {
  try {
    return await checkReceipt(signed, state);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
