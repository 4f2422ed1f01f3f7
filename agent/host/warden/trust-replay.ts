/**
 * A trust log line by line: canonical JSON of the signed root, then of what followed, each judged by what came before.
 * The same lines in the same order give the same state. May not: write.
 */
import { fromBase64url, utf8 } from "../../../protocol/bytes.ts";
import { MalformedError } from "../../../protocol/canonical.ts";
import { digestOf } from "../../../protocol/signing.ts";
import { applyRoot, type RootPin, type TrustResult } from "../../../protocol/trust/apply.ts";
import { applyOrFork } from "../../../protocol/trust/fork.ts";
import type { TrustState } from "../../../protocol/trust/state.ts";
import {
  signedRootCodec,
  signedStatementCodec,
  type SignedRoot,
  type SignedStatement,
} from "../../../protocol/trust/statements.ts";
import { HostError } from "../host-error.ts";

export type TrustItem = SignedRoot | SignedStatement;

export interface TrustFile {
  /** Named when a line does not hold. */
  readonly path: string;
  readonly pin: RootPin;
}

/** What all lines add up to; undefined for none. @throws {HostError} `trust_damaged`, naming the line. */
export async function replayTrust(lines: readonly string[], { path, pin }: TrustFile): Promise<TrustState | undefined> {
  let state: TrustState | undefined;
  for (const [i, line] of lines.entries()) {
    const place = { path, number: i + 1 };
    const item = readItem(line);
    if (item === undefined) throw damaged(place, "malformed");
    const result = await applyItem(state, item, pin);
    if (!result.ok) throw damaged(place, result.code);
    // Only what changed something is ever written.
    if (result.state === state) throw damaged(place, "repeated");
    state = result.state;
  }
  return state;
}

/** The next state, or why not. A root over a state is only ever the one it began with. */
export async function applyItem(state: TrustState | undefined, item: TrustItem, pin: RootPin): Promise<TrustResult> {
  if (state === undefined) return isRoot(item) ? applyRoot(item, pin) : { ok: false, code: "place" };
  if (!isRoot(item)) return applyOrFork(state, item);
  const isOurs = digestOf("root", fromBase64url(item.root)) === state.workspace;
  return isOurs ? { ok: true, state } : { ok: false, code: "workspace" };
}

/** One line of a trust log; undefined for anything else. */
export function readItem(line: string): TrustItem | undefined {
  const bytes = utf8(line);
  return decoded(() => signedStatementCodec.decode(bytes)) ?? decoded(() => signedRootCodec.decode(bytes));
}

export function isRoot(item: TrustItem): item is SignedRoot {
  return "root" in item;
}

function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

function damaged({ path, number }: { readonly path: string; readonly number: number }, code: string): HostError {
  return new HostError(
    "trust_damaged",
    `The trust log ${path} does not verify in line ${String(number)} (${code}), so this host cannot tell whom to obey and does not start. Restore the file from a backup, or type clawhold trust reset and join this machine anew.`,
  );
}
