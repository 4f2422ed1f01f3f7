/**
 * The newest checkpoints, one by one, with who cosigned each: for whoever wants to see more than how far the log is
 * witnessed. Only one that is proven to be of this very log is shown with its cosignatures; of others only that they came.
 */
import { signal, type ReadonlySignal } from "@preact/signals";
import { cosignedBy, type OpenedCheckpoint } from "../../protocol/checkpoint.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { Loadable } from "../state/backend.ts";
import type { CheckpointRow, CheckpointsView } from "../state/ledger.ts";
import type { Checkpoints } from "./checkpoints.ts";
import type { LedgerSource } from "./ledger-source.ts";
import { troubleOf } from "./trouble.ts";
import type { TrustKeeper } from "./trust.ts";

export interface CheckpointListDeps {
  readonly source: LedgerSource;
  readonly trust: TrustKeeper;
  readonly checkpoints: Pick<Checkpoints, "belonging">;
}

export class CheckpointList {
  readonly #deps: CheckpointListDeps;
  readonly #view = signal<Loadable<CheckpointsView>>({ state: "loading" });
  #visit = Symbol("visit");

  constructor(deps: CheckpointListDeps) {
    this.#deps = deps;
  }

  get view(): ReadonlySignal<Loadable<CheckpointsView>> {
    return this.#view;
  }

  forget(): void {
    this.#visit = Symbol("visit");
    this.#view.value = { state: "loading" };
  }

  /** Never fails: what went wrong is what is shown. */
  async load(): Promise<void> {
    const visit = this.#visit;
    const view = await this.#read().catch(
      (error: unknown) => ({ state: "failed", trouble: troubleOf(error) }) as const,
    );
    if (visit === this.#visit) this.#view.value = view;
  }

  async #read(): Promise<Loadable<CheckpointsView>> {
    const { source, trust, checkpoints } = this.#deps;
    const state = trust.state.value ?? (await trust.refresh());
    const given = (await source.checkpoints())?.checkpoints ?? [];
    const rows: CheckpointRow[] = [];
    // One after the other: each comparison may ask the edge for a proof.
    for (const { note, at } of given) {
      const opened = await checkpoints.belonging(note);
      if (opened !== undefined) rows.push({ size: opened.size, at, ...(await cosigners(opened, state)) });
    }
    return { state: "ready", value: { rows, unproven: given.length - rows.length } };
  }
}

async function cosigners(
  checkpoint: OpenedCheckpoint,
  { hosts }: TrustState,
): Promise<Pick<CheckpointRow, "by" | "notBy">> {
  const by: string[] = [];
  const notBy: string[] = [];
  for (const host of hosts.values()) {
    const at = await cosignedBy(checkpoint, host);
    (at === undefined ? notBy : by).push(host.label);
  }
  return { by, notBy };
}
