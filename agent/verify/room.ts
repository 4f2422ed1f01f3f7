/**
 * What everything else in a file is held against: the workspace, its trust log from the root on, and the checkpoint that
 * covers the entries. Nothing of it is believed; each step proves the next, and the first is the workspace's id.
 */
import { fromBase64url } from "../../protocol/bytes.ts";
import { hostsEverAdmitted, ledgerKeysEver } from "../../protocol/audit/once-known.ts";
import { openCheckpoint, type OpenedCheckpoint } from "../../protocol/checkpoint.ts";
import { utf8Text } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import { digestOf, type Digest } from "../../protocol/signing.ts";
import { applyRoot, applyStatement } from "../../protocol/trust/apply.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { HostBody, TrustPage } from "../../protocol/trust/statements.ts";
import type { FileCode, Report } from "./report.ts";

/** The trust log, page by page. */
export class TrustReader {
  readonly workspace: Digest;
  readonly #report: Report;
  readonly #statements = new Set<Digest>();
  #state: TrustState | undefined;

  constructor(workspace: Digest, report: Report) {
    this.workspace = workspace;
    this.#report = report;
  }

  get state(): TrustState | undefined {
    return this.#state;
  }

  /** How many statements it has, the root included. */
  get size(): number {
    return this.#statements.size + (this.#state === undefined ? 0 : 1);
  }

  /** Whether the trust log holds this statement. */
  holds(statement: Digest): boolean {
    return this.#statements.has(statement);
  }

  /** False: it does not verify, and nothing of the file can be checked. */
  async page({ root, statements }: TrustPage, line: number): Promise<boolean> {
    if ((root === undefined) !== (this.#state !== undefined)) return this.#fail("line_order", line);
    if (root !== undefined) {
      const first = await applyRoot(root, { workspace: this.workspace });
      if (!first.ok) return this.#fail("trust_root", line, first.code);
      this.#state = first.state;
    }
    for (const signed of statements) {
      if (this.#state === undefined) return this.#fail("trust_root", line);
      const digest = digestOf("statement", fromBase64url(signed.statement));
      if (this.#statements.has(digest)) continue; // revocations beside a place come again with the page that begins there
      const next = await applyStatement(this.#state, signed);
      if (!next.ok) return this.#fail("trust_statement", line, next.code);
      this.#state = next.state;
      this.#statements.add(digest);
    }
    return true;
  }

  #fail(code: FileCode, line: number, detail?: string): false {
    this.#report.file(code, { line, ...(detail === undefined ? {} : { detail }) });
    return false;
  }
}

/** Every host's key, also of those that were removed: receipts outlive their host. */
export class Room {
  readonly workspace: Digest;
  readonly trust: TrustState;
  readonly hosts: ReadonlyMap<string, HostBody>;

  constructor(workspace: Digest, trust: TrustState) {
    this.workspace = workspace;
    this.trust = trust;
    this.hosts = hostsEverAdmitted(trust);
  }

  hostKey(host: string): string | undefined {
    return this.hosts.get(host)?.hostKey;
  }
}

const FAULTS = {
  malformed: "checkpoint_malformed",
  workspace: "checkpoint_workspace",
  signature: "checkpoint_signature",
} as const satisfies Record<string, FileCode>;

export type NoteVerdict =
  | { readonly ok: true; readonly checkpoint: OpenedCheckpoint; readonly isOldKey: boolean }
  | { readonly ok: false; readonly code: FileCode };

/** A checkpoint by any ledger key that the trust log ever named; by which one is told. */
export async function readCheckpoint(encoded: string, { workspace, trust }: Room): Promise<NoteVerdict> {
  let code: FileCode = "checkpoint_signature";
  for (const [i, ledgerKey] of ledgerKeysEver(trust).entries()) {
    const opened = await openCheckpoint(encoded, { workspace, ledgerKey });
    if (typeof opened !== "string") return { ok: true, checkpoint: opened, isOldKey: i > 0 };
    code = FAULTS[opened];
  }
  return { ok: false, code };
}

/** A note as lines carry it; undefined where it is no text. */
export function noteText(note: string): string | undefined {
  try {
    return utf8Text(fromBase64url(note));
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError || error instanceof MalformedError) return undefined;
    throw error;
  }
}
