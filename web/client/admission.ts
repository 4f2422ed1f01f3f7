/**
 * What a host that waits says of itself: the join that it signed with the key from which its six words follow. An edge
 * may lie in every other field of a row, and what a person admits stands in the trust log for ever; so what the page
 * shows of a waiting host, and what it signs, comes from here and nowhere else.
 */
import type { HostRow } from "../../protocol/contracts.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import { digestOf, verifySignature } from "../../protocol/signing.ts";
import type { HostBody } from "../../protocol/trust/statements.ts";
import { joinCodec, type Join } from "../../protocol/tunnel.ts";
import { hostIdOf } from "../../protocol/key-ids.ts";
import type { Trouble } from "../state/backend.ts";
import { bytesOf } from "./http.ts";
import { TroubleError } from "./trouble.ts";

export interface Applicant {
  /** The body of `host.admit`. */
  readonly body: HostBody;
  /** Names the join, so that the one that was shown can be told from a later one. */
  readonly join: string;
}

export type JoinReading =
  | { readonly ok: true; readonly applicant: Applicant }
  | { readonly ok: false; readonly trouble: Trouble };

export async function readJoin(row: Pick<HostRow, "host" | "join">, workspace: string): Promise<JoinReading> {
  if (row.join === undefined) return { ok: false, trouble: NO_JOIN };
  const read = decodeJoin(row.join.body);
  if (read === undefined) return { ok: false, trouble: BAD_JOIN };
  const { bytes, join } = read;
  const { hostKey, cosignKey, label, colocated } = join;
  const fits = join.workspace === workspace && hostIdOf(hostKey) === row.host;
  const signed = { kind: "join", body: bytes, signature: row.join.signature, publicKey: hostKey } as const;
  if (!fits || !(await verifySignature(signed))) return { ok: false, trouble: BAD_JOIN };
  const body = { host: row.host, hostKey, cosignKey, label, colocated };
  return { ok: true, applicant: { body, join: digestOf("join", bytes) } };
}

/**
 * The body to sign, if it is still the one that was on the page.
 * @throws {TroubleError}
 */
export function requireShown(reading: JoinReading | undefined, shown: string | undefined): HostBody {
  if (reading === undefined) throw new TroubleError(NO_JOIN);
  if (!reading.ok) throw new TroubleError(reading.trouble);
  if (reading.applicant.join !== shown) throw new TroubleError(JOIN_CHANGED);
  return reading.applicant.body;
}

function decodeJoin(text: string): { readonly bytes: Uint8Array<ArrayBuffer>; readonly join: Join } | undefined {
  try {
    const bytes = bytesOf(text);
    return { bytes, join: joinCodec.decode(bytes) };
  } catch (error) {
    if (error instanceof MalformedError || error instanceof TroubleError) return undefined; // the caller names it
    throw error;
  }
}

const NO_JOIN: Trouble = {
  code: "join_missing",
  what: "The control plane does not show what this machine signed when it joined.",
  why: "Without that, nobody can tell which keys it has. It may have joined with an older version.",
  next: "Make a new join file and join the machine again.",
};

const BAD_JOIN: Trouble = {
  code: "join_false",
  what: "This machine did not sign what the control plane shows of it.",
  why: "The signature, the key or the workspace does not fit, so its keys may be somebody else's.",
  next: "Do not admit it. Look at the machine that runs the control plane first.",
};

const JOIN_CHANGED: Trouble = {
  code: "join_changed",
  what: "This machine joined again after its words were shown here.",
  why: "What you compared is not what would be admitted.",
  next: "Compare the words again, then press again.",
};
