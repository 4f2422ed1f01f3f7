/** Turns drafts into the next links of the chain. Pure but for the salts of commitments. */
import { toBase64url, utf8 } from "../protocol/bytes.ts";
import { MalformedError } from "../protocol/canonical.ts";
import {
  commit,
  entryCodec,
  type ChainPosition,
  type LedgerDraft,
  type LedgerEntry,
  type PersonalField,
  personalFields,
} from "../protocol/ledger.ts";
import { preAuthenticationEncoding, type Digest } from "../protocol/signing.ts";
import { randomNonce } from "./clock.ts";

export interface LedgerRow {
  readonly idx: number;
  readonly body: string;
  readonly previous: string;
  readonly hash: string;
  readonly subject?: string;
}

export interface LedgerValue {
  readonly idx: number;
  readonly field: PersonalField;
  readonly salt: string;
  readonly value: string;
}

export interface Batch {
  readonly rows: readonly LedgerRow[];
  readonly values: readonly LedgerValue[];
  /** For each draft, in order: its entry's place, possibly an earlier one; undefined when it is no entry at all. */
  readonly positions: readonly (ChainPosition | undefined)[];
  readonly head: ChainPosition;
}

export interface BatchInput {
  readonly workspace: string;
  readonly head: ChainPosition;
  /** Subjects that are already written. */
  readonly known: ReadonlyMap<string, ChainPosition>;
  /** `at`: edge clock, milliseconds. */
  readonly drafts: readonly { readonly draft: LedgerDraft; readonly at: number }[];
}

export async function buildBatch({ workspace, head, known, drafts }: BatchInput): Promise<Batch> {
  const rows: LedgerRow[] = [];
  const values: LedgerValue[] = [];
  const positions: (ChainPosition | undefined)[] = [];
  const written = new Map(known);
  let position = head;
  for (const { draft, at } of drafts) {
    const subject = subjectKey(draft);
    const earlier = subject === undefined ? undefined : written.get(subject);
    const link = earlier === undefined ? await buildLink({ workspace, after: position, draft, at }) : undefined;
    if (link === undefined) {
      positions.push(earlier);
      continue;
    }
    rows.push(subject === undefined ? link.row : { ...link.row, subject });
    values.push(...link.values);
    position = { index: link.row.idx, hash: link.row.hash };
    if (subject !== undefined) written.set(subject, position);
    positions.push(position);
  }
  return { rows, values, positions, head: position };
}

interface LinkInput {
  readonly workspace: string;
  readonly after: ChainPosition;
  readonly draft: LedgerDraft;
  readonly at: number;
}

interface Link {
  readonly row: LedgerRow;
  readonly values: readonly LedgerValue[];
}

/** Where a draft has each personal value in clear. */
const clearValues = {
  source: ({ sourceIp }) => sourceIp,
  country: ({ country }) => country,
  device: ({ device }) => device,
} as const satisfies Record<PersonalField, (draft: LedgerDraft) => string | undefined>;

async function buildLink({ workspace, after, draft, at }: LinkInput): Promise<Link | undefined> {
  const idx = after.index + 1;
  const values = personalFields.flatMap((field): readonly LedgerValue[] => {
    const value = clearValues[field](draft);
    return value === undefined ? [] : [{ idx, field, salt: randomNonce(), value }];
  });
  const body = textOf({
    v: 1,
    workspace,
    index: idx,
    at,
    actor: draft.actor,
    action: draft.action,
    ...(draft.target === undefined ? {} : { target: draft.target }),
    ...Object.fromEntries(values.map(({ field, salt, value }) => [field, commit({ field, salt, value })])),
    detail: draft.detail,
    previous: after.hash,
  });
  if (body === undefined) return undefined;
  return { row: { idx, body, previous: after.hash, hash: await entryDigest(body) }, values };
}

/** The protocol's digest of an entry, by the platform: an entry is long, and JavaScript takes four times as long for it. */
async function entryDigest(body: string): Promise<Digest> {
  const bytes = preAuthenticationEncoding("ledger-entry", utf8(body));
  return toBase64url(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** Undefined for what is no entry: what is written here, every reader takes. */
function textOf(entry: LedgerEntry): string | undefined {
  try {
    return entryCodec.text(entry);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

/** What makes appends of one fact idempotent: (action, subject). */
export function subjectKey(draft: LedgerDraft): string | undefined {
  return draft.subject === undefined ? undefined : `${draft.action}:${draft.subject}`;
}
