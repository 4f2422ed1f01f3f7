/**
 * Lets a host forget whom it obeys: pin, trust log and keys are deleted, its chain of receipts ends with a signed last
 * word. Every step may be the last one before a crash: the mark comes first, and from then on the host obeys nobody; whoever
 * finishes does the rest again. Asks nobody whether it may: the caller has made sure, and holds the lock.
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Signed } from "../../protocol/messages.ts";
import { HostError } from "./host-error.ts";
import type { HostLog } from "./log.ts";
import type { HostFile, HostState, ResetFile, TlsFile } from "./state.ts";
import { Journal } from "./warden/journal.ts";
import { readHostKeys, type HostKeys } from "./warden/keys.ts";
import { makeFarewell, type StoredReceipt } from "./warden/receipts.ts";

/** What the edge is told, while the keys are still there. */
export interface LastWords {
  readonly host: HostFile;
  readonly tls: TlsFile;
  readonly keys: HostKeys;
  readonly farewell: Signed;
  /** Receipts that the edge has not confirmed, oldest first. */
  readonly receipts: readonly StoredReceipt[];
}

export interface ResetDeps {
  /** Host wall clock, seconds. */
  readonly now: number;
  /** True when the edge has confirmed them. Never rejects for a network that is not there. */
  readonly tell: (words: LastWords) => Promise<boolean>;
  readonly log: HostLog;
}

/** Before anything is deleted: from here on this host obeys nobody, whatever happens. */
export function markReset(state: HostState, workspace: string, now: number): ResetFile {
  const begun = state.reset();
  if (begun?.isDone === false) return begun;
  const host = attempt(() => readHostKeys(state.files.keys))?.host;
  const mark: ResetFile = {
    v: 1,
    ...(host === undefined ? {} : { host }),
    workspace,
    at: now,
    isTold: false,
    isDone: false,
  };
  state.saveReset(mark);
  return mark;
}

/** Carries out what was marked; says whether the edge knows. */
export async function finishReset(state: HostState, deps: ResetDeps): Promise<ResetFile> {
  const mark = state.reset();
  if (mark === undefined) throw new TypeError("a reset is marked before it is finished");
  if (mark.isDone) return mark;
  const words = await lastWords(state, mark, deps);
  const isTold = mark.isTold || (words !== undefined && (await deps.tell(words)));
  if (isTold && !mark.isTold) state.saveReset({ ...mark, isTold });
  remove(state, mark);
  const done: ResetFile = { ...mark, isTold, isDone: true };
  state.saveReset(done);
  deps.log({ event: "host_reset", told: isTold, ...(mark.host === undefined ? {} : { host: mark.host }) });
  return done;
}

/** Undefined where keys, pin or journal are damaged or gone already: then nobody can be told. */
async function lastWords(state: HostState, mark: ResetFile, { now, log }: ResetDeps): Promise<LastWords | undefined> {
  const keys = attempt(() => readHostKeys(state.files.keys));
  const host = attempt(() => state.host());
  const tls = attempt(() => state.tls());
  if (keys === undefined || host === undefined || tls === undefined || keys.host !== mark.host) return undefined;
  if (existsSync(keptJournal(state, mark))) return undefined;
  const journal = attempt(() => Journal.open({ path: state.files.journal, now }));
  if (journal === undefined) {
    log({ event: "reset_without_farewell" });
    return undefined;
  }
  try {
    const { workspace } = mark;
    const said = journal.farewell;
    const farewell =
      said ?? (await makeFarewell(journal.position, { workspace, host: keys.host, signer: keys.hostKey, at: mark.at }));
    if (said === undefined) journal.bidFarewell(farewell);
    return { host, tls, keys, farewell, receipts: journal.unacked() };
  } finally {
    journal.close();
  }
}

/**
 * The journal, and what this host saw of the log, are kept under its old name: they are evidence. The keys go last.
 */
function remove(state: HostState, mark: ResetFile): void {
  const { files } = state;
  for (const [file, kept] of [
    [files.journal, keptJournal(state, mark)],
    [files.witness, join(dirname(files.witness), `witness-${mark.host ?? "unknown"}.json`)],
  ] as const)
    if (existsSync(file) && !existsSync(kept)) renameSync(file, kept);
  for (const path of [
    files.trust,
    files.witness,
    files.sessionEnds,
    files.setup,
    files.status,
    files.tls,
    files.nextTls,
    files.host,
  ])
    rmSync(path, { force: true });
  for (const path of [dirname(files.journal), dirname(files.tls), state.path]) syncDirectory(path);
  rmSync(files.keys, { force: true });
  syncDirectory(dirname(files.keys));
}

function keptJournal({ files }: HostState, { host }: ResetFile): string {
  return join(dirname(files.journal), `journal-${host ?? "unknown"}.jsonl`);
}

function syncDirectory(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** A reset is the way out of damaged files too: what cannot be read is as good as gone. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof HostError) return undefined;
    throw error;
  }
}
