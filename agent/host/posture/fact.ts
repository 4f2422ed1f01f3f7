/** A fact: what was seen and how, or why it was not. Made by collectors, read by checks, which see nothing else. */
import { createHash } from "node:crypto";
import type { Evidence } from "../../../protocol/posture/report.ts";
import type { EvidenceLevel } from "../../../protocol/posture/words.ts";
import { excerptOf } from "./redact.ts";

/**
 * `not_root`: needs root's rights. `not_run`: belongs to the slow lane or to the outside, and nobody looked yet. `stale`: looked
 * at too long ago. `gateway_down`: only a running gateway could have said it. `not_approved`:
 * seen, but nobody said that it is as it should be. `secret_unknown`: it would answer only whoever shows
 * its secret. `foreign_listener`: a secret must not go to who listens there. `not_visible`: this
 * machine does not show it. `contained`: it runs in a container. `list_old`: what it is held against is from long ago. `unread_rules`: rules of the firewall
 * in words that we do not know, which decide. The others are faults of looking.
 */
export const unknownReasons = [
  "not_root",
  "not_run",
  "stale",
  "timeout",
  "failed",
  "malformed",
  "missing_tool",
  "gateway_down",
  "not_approved",
  "secret_unknown",
  "foreign_listener",
  "not_visible",
  "contained",
  "list_old",
  "unread_rules",
] as const;
export type UnknownReason = (typeof unknownReasons)[number];

export interface Known<T> {
  readonly kind: "known";
  readonly value: T;
  readonly evidence: Evidence;
  /** What else belongs to it and could not be seen (another user's gateway): what was seen can fail a check, not pass it. */
  readonly gap?: { readonly why: UnknownReason; readonly source: string };
}

export interface Unknown {
  readonly kind: "unknown";
  readonly why: UnknownReason;
  /** What was attempted, for the person who wonders. */
  readonly source: string;
}

export type Fact<T> = Known<T> | Unknown;

export interface Seen {
  readonly level: EvidenceLevel;
  /** The command as typed, a path, or what was tried. */
  readonly source: string;
  readonly at: number;
  /** The whole answer; its digest is kept. */
  readonly raw: string;
  /** The part that decides; the beginning of `raw` otherwise. */
  readonly excerpt?: string;
  readonly exit?: number;
}

/** The one way to make evidence: digest over everything, excerpt without secrets. */
export function known<T>(value: T, { level, source, at, raw, excerpt, exit }: Seen): Known<T> {
  return {
    kind: "known",
    value,
    evidence: {
      level,
      source: excerptOf(source, 300),
      at,
      digest: createHash("sha256").update(raw).digest("base64url"),
      excerpt: excerptOf(excerpt ?? raw, 600),
      ...(exit === undefined ? {} : { exit }),
    },
  };
}

export function unknown(why: UnknownReason, source: string): Unknown {
  return { kind: "unknown", why, source: excerptOf(source, 300) };
}
