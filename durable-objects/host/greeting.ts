/** The handshake of a tunnel: judges a hello, writes the welcome, sends the trust log in frames. */
import { fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import { MAX_FRAME_BYTES, MAX_STATEMENTS_PER_PAGE } from "../../protocol/limits.ts";
import { signedSessionEndCodec, type Signed } from "../../protocol/messages.ts";
import { verifySignature, type Signer } from "../../protocol/signing.ts";
import type { SignedRoot, SignedStatement, TrustPage } from "../../protocol/trust/statements.ts";
import {
  farewellCodec,
  helloCodec,
  inwardFrames,
  trustAckCodec,
  welcomeCodec,
  type Farewell,
  type Hello,
} from "../../protocol/tunnel.ts";
import type { TrustLog } from "../db/trust-log.ts";
import type { OpenTunnel } from "./delivery.ts";
import { trySend, type AgentAttachment } from "./sockets.ts";

export type TrustAck = ReturnType<typeof trustAckCodec.decode>;

/**
 * The host's hello, if it is signed by the key that joined and answers exactly this socket's challenge. `foreign`: it says
 * itself that it is another host than the one whose certificate this is; that is only good for telling it so.
 */
export async function judgeHello(attachment: AgentAttachment, signed: Signed): Promise<Hello | "foreign" | undefined> {
  const body = fromBase64url(signed.body);
  const { signature } = signed;
  const hello = decoded(() => helloCodec.decode(body));
  if (hello === undefined) return undefined;
  if (hello.host !== attachment.host) return "foreign";
  if (!(await verifySignature({ kind: "hello", body, signature, publicKey: attachment.hostKey }))) return undefined;
  const answers =
    hello.workspace === attachment.workspace &&
    hello.edgeNonce === attachment.edgeNonce &&
    hello.tunnel === attachment.tunnel;
  return answers ? hello : undefined;
}

/** The edge's proof for this tunnel: dispatch key over both nonces, host, tunnel and certificate. */
export async function writeWelcome(attachment: AgentAttachment, hello: Hello, dispatch: Signer): Promise<string> {
  const body = welcomeCodec.encode({
    v: 1,
    workspace: attachment.workspace,
    host: attachment.host,
    tunnel: attachment.tunnel,
    certFingerprint: attachment.certFingerprint,
    hostNonce: hello.nonce,
    edgeNonce: attachment.edgeNonce,
  });
  const signed = { body: toBase64url(body), signature: await dispatch.sign("welcome", body) };
  return inwardFrames.encode({ kind: "welcome", signed });
}

/** The host's own signed word on which trust head it holds; undefined when it is not. */
export async function judgeTrustAck(attachment: AgentAttachment, signed: Signed): Promise<TrustAck | undefined> {
  const body = fromBase64url(signed.body);
  const ack = decoded(() => trustAckCodec.decode(body));
  if (ack === undefined || ack.workspace !== attachment.workspace || ack.host !== attachment.host) return undefined;
  const { signature } = signed;
  return (await verifySignature({ kind: "trust-ack", body, signature, publicKey: attachment.hostKey }))
    ? ack
    : undefined;
}

/** The last word of a host key that is being reset. */
export async function judgeFarewell(attachment: AgentAttachment, signed: Signed): Promise<Farewell | undefined> {
  const body = fromBase64url(signed.body);
  const farewell = decoded(() => farewellCodec.decode(body));
  if (farewell === undefined || farewell.workspace !== attachment.workspace || farewell.host !== attachment.host)
    return undefined;
  const { signature } = signed;
  return (await verifySignature({ kind: "farewell", body, signature, publicKey: attachment.hostKey }))
    ? farewell
    : undefined;
}

/** Sends the log after place `after`; without it from the root on. */
export async function sendTrust(
  log: TrustLog,
  { socket, attachment }: OpenTunnel,
  after: number | undefined,
): Promise<void> {
  let place = after;
  for (;;) {
    const { page, next } = await log.page(attachment.workspace, place);
    for (const frame of trustFrames(page)) trySend(socket, frame);
    if (next === undefined) return;
    place = next;
  }
}

/** What ended while this host was away, before any command of such a session could come. */
export async function sendSessionEnds(
  socket: WebSocket,
  sessions: { ends(): Promise<readonly string[]> },
): Promise<void> {
  for (const text of await sessions.ends()) {
    const end = signedSessionEndCodec.check(JSON.parse(text)); // our own row
    trySend(socket, inwardFrames.encode({ kind: "session-end", end }));
  }
}

/** Leaves room for the frame around the page. */
const MAX_TRUST_CHARACTERS = MAX_FRAME_BYTES - 1_024;

/** One page as frames that each fit a tunnel, in order. */
function trustFrames(page: TrustPage): readonly string[] {
  const frames: string[] = [];
  let root: SignedRoot | undefined = page.root;
  let group: SignedStatement[] = [];
  let size = root === undefined ? 0 : JSON.stringify(root).length;
  const flush = (): void => {
    if (root === undefined && group.length === 0) return;
    frames.push(
      inwardFrames.encode({
        kind: "trust",
        page: root === undefined ? { statements: group } : { root, statements: group },
      }),
    );
    root = undefined;
    group = [];
    size = 0;
  };
  for (const statement of page.statements) {
    const length = JSON.stringify(statement).length + 1;
    if (size + length > MAX_TRUST_CHARACTERS || group.length >= MAX_STATEMENTS_PER_PAGE) flush();
    group.push(statement);
    size += length;
  }
  flush();
  return frames;
}

export function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof MalformedError || error instanceof RangeError) return undefined;
    throw error;
  }
}
