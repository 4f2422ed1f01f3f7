/**
 * One entry as every format tells it: where it stands, what proves it, who did what to whom with which result. Text in
 * it is printable and on one line, whatever somebody managed to store. Pure.
 */
import { fromBase64url, toBase64url, utf8Text } from "../../protocol/bytes.ts";
import { alertSeverities, isAlertKind, type Severity } from "../../protocol/alerts.ts";
import { encodeCanonical, MalformedError } from "../../protocol/canonical.ts";
import { entryLeaf } from "../../protocol/checkpoint.ts";
import type { ActivityRow } from "../../protocol/contracts/ledger.ts";
import { entryCodec, type LedgerDetail, type LedgerEntry } from "../../protocol/ledger.ts";
import type { Verdict } from "../../protocol/messages.ts";
import { exportedActions, type Level } from "./actions.ts";

export type Outcome = "success" | "failure" | "unknown";

export interface LedgerEvent {
  readonly index: number;
  /** Digest of the entry, and its leaf in the tree (RFC 6962), base64url: what proves this row under a checkpoint. */
  readonly digest: string;
  readonly leaf: string;
  readonly entry: LedgerEntry;
  /** Plain sentence. */
  readonly what: string;
  readonly level: Level;
  readonly outcome: Outcome;
  /** Canonical JSON of the entry's facts. */
  readonly detail: string;
  /** Openings of personal values, where not erased. */
  readonly source: string | undefined;
  readonly country: string | undefined;
  readonly device: string | undefined;
}

/** Stored bytes that are no entry: somebody wrote to the database. A format cannot tell what they mean. */
export interface UnreadableEvent {
  readonly index: number;
  readonly digest: string;
  readonly leaf: string | undefined;
  readonly entry: undefined;
}

export function toEvent(row: ActivityRow): LedgerEvent | UnreadableEvent {
  const { index, hash } = row;
  const entry = readEntry(bytesOf(row.body));
  if (entry === undefined) return { index, digest: hash, leaf: leafOf(hash), entry };
  const { action, detail } = entry;
  const { sentence, outcome } = exportedActions[action];
  return {
    index,
    digest: hash,
    leaf: leafOf(hash) ?? "",
    entry,
    what: sentence,
    level: levelOf(entry),
    outcome: outcome === "verdict" ? outcomes[detail.verdict ?? "interrupted"] : outcome,
    detail: printable(utf8Text(encodeCanonical(detail))),
    source: opened(row.source),
    country: opened(row.country),
    device: opened(row.device),
  };
}

const outcomes = {
  executed: "success",
  failed: "failure",
  refused: "failure",
  interrupted: "unknown",
} as const satisfies Record<Verdict, Outcome>;

const alertLevels = { critical: "critical", warning: "medium", notice: "low" } as const satisfies Record<
  Severity,
  Level
>;

/** An alert is as serious as its kind; a command that did not run is worth a look. */
function levelOf({ action, detail }: LedgerEntry): Level {
  const { level } = exportedActions[action];
  if (action === "alert.raised" && detail.code !== undefined && isAlertKind(detail.code))
    return alertLevels[alertSeverities[detail.code]];
  return action === "command.receipt" && detail.verdict !== "executed" ? "medium" : level;
}

/** What an entry is about: what it names; of what a host says, the host; otherwise the workspace. */
export function subjectOf({ workspace, actor, target, detail }: LedgerEntry): string {
  return target ?? namedIn(detail) ?? (actor.kind === "host" ? actor.id : workspace);
}

function namedIn(detail: LedgerDetail): string | undefined {
  const { stream, alert, invitation, proposal, statement, certificate, setting, export: taken } = detail;
  return stream ?? alert ?? invitation ?? proposal ?? statement ?? certificate ?? setting ?? taken?.id;
}

export function actorOf({ actor }: LedgerEntry): { readonly kind: string; readonly id: string | undefined } {
  return { kind: actor.kind, id: "id" in actor ? actor.id : undefined };
}

function opened(opening: ActivityRow["source"]): string | undefined {
  return opening === undefined ? undefined : printable(opening.value);
}

/** Undefined where the bytes are no entry: somebody wrote to the database. */
export function readEntry(bytes: Uint8Array): LedgerEntry | undefined {
  try {
    return entryCodec.decode(bytes);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

function bytesOf(body: string): Uint8Array {
  try {
    return fromBase64url(body);
  } catch (error) {
    if (error instanceof RangeError) return new Uint8Array(0); // no entry either
    throw error;
  }
}

function leafOf(digest: string): string | undefined {
  try {
    return toBase64url(entryLeaf(digest));
  } catch (error) {
    if (error instanceof RangeError) return undefined; // no digest stands there
    throw error;
  }
}

/**
 * Control characters and line ends become their number: a row must not become two, nor a terminal's command. So does what
 * turns the order of writing round or shows nothing: a row must not look like another.
 */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, (character) => {
    const hex = (character.codePointAt(0) ?? 0).toString(16);
    return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, "0")}`;
  });
}

/** Edge clock, as ISO 8601 with milliseconds. */
export function timeOf({ at }: LedgerEntry): string {
  return new Date(at).toISOString();
}
