/**
 * Holds the newest part of the log against what its hosts signed, entry by entry as it grows, by the same rules as
 * `clawhold verify`: protocol/audit.ts. What stands before that part is not judged here; the program judges all of it.
 */
import { signal, type ReadonlySignal } from "@preact/signals";
import { Audit } from "../../protocol/audit.ts";
import { auditRules, type AuditFinding } from "../../protocol/audit/findings.ts";
import type { FindingsView, FindingView } from "../state/ledger.ts";
import type { CheckedRow } from "./checked-row.ts";
import type { Held } from "./log-held.ts";
import { hostEverAdmitted } from "./once-known.ts";
import type { TrustKeeper } from "./trust.ts";

/** A hostile log could be nothing but findings; a person reads a few. */
const MAX_FINDINGS = 200;

export interface Grown {
  /** First of the newest rows that are held without a gap, and the newest. */
  readonly from: number;
  readonly head: number;
  readonly held: (index: number) => Held | undefined;
  /** Edge clock, seconds. */
  readonly now: number;
}

export class CrossCheck {
  readonly #trust: TrustKeeper;
  readonly #view = signal<FindingsView>({ from: 1, list: [] });
  #audit: Audit | undefined;
  #from = 1;
  #next = 1;
  #found: readonly AuditFinding[] = [];

  constructor(trust: TrustKeeper) {
    this.#trust = trust;
  }

  get view(): ReadonlySignal<FindingsView> {
    return this.#view;
  }

  forget(): void {
    this.#audit = undefined;
    this.#found = [];
    this.#next = 1;
    this.#view.value = { from: 1, list: [] };
  }

  advance({ from, head, held, now }: Grown): void {
    if (this.#audit === undefined || this.#next < from) this.#begin(from);
    for (; this.#next <= head; this.#next += 1) {
      const one = held(this.#next);
      if (one?.kind === "row") this.#add(one.checked);
      else this.#begin(this.#next + 1); // what is no entry at all is said elsewhere; after it the count begins anew
    }
    const ended = this.#audit?.end({ at: now * 1_000, isNewest: true }) ?? [];
    const list = [...this.#found, ...ended].slice(0, MAX_FINDINGS).map((finding) => this.#viewOf(finding));
    const shown = this.#view.peek();
    if (this.#from !== shown.from || JSON.stringify(list) !== JSON.stringify(shown.list))
      this.#view.value = { from: this.#from, list };
  }

  #begin(from: number): void {
    this.#audit = new Audit({ first: from, whole: true });
    this.#from = from;
    this.#next = Math.max(this.#next, from);
  }

  #add({ entry, row, receipt }: CheckedRow): void {
    const isSigned = receipt?.seal.state === "verified";
    const found = this.#audit?.add({ entry, openings: row, ...(isSigned ? { receipt } : {}) }) ?? [];
    if (found.length > 0) this.#found = [...this.#found, ...found].slice(-MAX_FINDINGS);
  }

  #viewOf(finding: AuditFinding): FindingView {
    const state = this.#trust.state.value;
    const { host, index, code } = finding;
    const label = host === undefined || state === undefined ? undefined : hostEverAdmitted(state, host)?.label;
    const named = label === undefined ? finding : { ...finding, host: label };
    const { weight, next } = auditRules[code];
    return { index, code, weight, what: auditRules[code].what(named), next };
  }
}
