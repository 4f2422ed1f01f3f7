/**
 * The rules of a read, in the order in which a host asks them. Until the session's signature verified, a refusal is an
 * unsigned `refused` frame; from then on it is a signed reading that carries the code and the host's time.
 */
import * as v from "valibot";
import { fromBase64url } from "../bytes.ts";
import { READ_SKEW_SECONDS } from "../limits.ts";
import type { Asserted, Signed } from "../messages.ts";
import { readCodec, type ReadMessage, type ReadRefusal } from "../reading.ts";
import { isReadName, reads, type ContentKind, type Read, type ReadName } from "../reads.ts";
import type { RefusalCode } from "../refusals.ts";
import { digestOf, type Digest } from "../signing.ts";
import { hasPermission, sameHead } from "../trust/state.ts";
import { judgeAuthor, type AuthorView } from "./author.ts";
import { decodeAs, Refused } from "./refused.ts";

export interface ReadView extends AuthorView {
  readonly host: string;
  /** A read with this `jti` came before. */
  isRepeated(jti: string): boolean;
  /** A touch of this session allowed this kind, and that has not run out. */
  isGranted(session: Digest, kind: ContentKind, args: unknown): boolean;
  /** The root-owned deny list of this machine. */
  denies(operation: ReadName): boolean;
}

/** What the edge can judge: not the host's clock, memory, grants or deny list. */
export type EdgeReadView = AuthorView & { readonly host: string };

declare const readBrand: unique symbol;
/** A read that went through the rules. Cannot be written by hand. */
export interface VerifiedRead {
  readonly [readBrand]: true;
  readonly digest: Digest;
  readonly message: ReadMessage;
  readonly operation: ReadName;
  readonly person: string;
}

export type ReadVerdict =
  | { readonly kind: "verified"; readonly read: VerifiedRead }
  /** Nobody is known to have asked: answered unsigned. */
  | { readonly kind: "refused"; readonly code: RefusalCode; readonly digest: Digest }
  /** Somebody known asked for what they do not get: answered signed. */
  | { readonly kind: "denied"; readonly code: ReadRefusal; readonly digest: Digest };

export interface SignedRead {
  readonly signed: Signed;
  readonly session: Asserted;
  readonly successor?: Asserted | undefined;
}

class Denied extends Error {
  readonly code: ReadRefusal;
  constructor(code: ReadRefusal) {
    super(code);
    this.code = code;
  }
}

export async function verifyRead(asked: SignedRead, view: ReadView): Promise<ReadVerdict> {
  return judge(asked, view, (read) => {
    const { message, operation } = read;
    if (Math.abs(message.iat - view.now) > READ_SKEW_SECONDS) throw new Denied("clock");
    if (view.isRepeated(message.jti)) throw new Denied("repeated");
    judgeRight(read, view);
    const row: Read = reads[operation];
    if (row.content !== undefined && !view.isGranted(message.session, row.content, message.args))
      throw new Denied("grant");
    if (view.denies(operation)) throw new Denied("local_policy");
  });
}

/** What the edge asks before it spends a host's time. */
export async function verifyReadAtEdge(asked: SignedRead, view: EdgeReadView): Promise<ReadVerdict> {
  return judge(asked, view, (read) => judgeRight(read, view));
}

async function judge(
  { signed, session, successor }: SignedRead,
  view: EdgeReadView,
  rest: (read: VerifiedRead) => void,
): Promise<ReadVerdict> {
  const body = fromBase64url(signed.body);
  const digest = digestOf("read", body);
  try {
    const message = decodeAs("malformed", () => readCodec.decode(body));
    if (message.workspace !== view.trust.workspace) throw new Refused("workspace");
    if (message.host !== view.host) throw new Refused("target");
    if (view.trust.frozen !== undefined) throw new Refused("trust_frozen");
    if (!sameHead(message.trustHead, view.trust.head)) throw new Refused("trust_behind");
    const { signature } = signed;
    const actor = { session: message.session };
    const author = await judgeAuthor({ kind: "read", body, signature, actor, session, successor }, view);
    if (author.kind !== "session") throw new Refused("session_key");
    const { operation } = message;
    if (!isReadName(operation)) throw new Denied("operation");
    if (!v.is(reads[operation].args, message.args)) throw new Denied("arguments");
    const read = { digest, message, operation, person: author.person } as VerifiedRead;
    rest(read);
    return { kind: "verified", read };
  } catch (error) {
    if (error instanceof Refused) return { kind: "refused", code: error.code, digest };
    if (error instanceof Denied) return { kind: "denied", code: error.code, digest };
    throw error;
  }
}

function judgeRight({ operation, person }: VerifiedRead, { trust, host, now }: EdgeReadView): void {
  const { permission } = reads[operation];
  if (!hasPermission(trust, person, { permission, now })) throw new Denied("role");
  if (!hasPermission(trust, person, { permission, host, now })) throw new Denied("host_scope");
}
