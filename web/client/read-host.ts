/**
 * One question to a host, from key to value. A part counts only with the host's own signature over this very question,
 * in its place; only the whole opens, with a key that exists nowhere else; and what opened is held against the read's
 * own schema, because the gateway's words are in it.
 */
import * as v from "valibot";
import { concatBytes, toBase64url, utf8Text } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import { readCodec, readingCodec, type Reading, type ReadRefusal } from "../../protocol/reading.ts";
import { reads, type Read, type ReadName, type ReadResult } from "../../protocol/reads.ts";
import { replyInfo } from "../../protocol/seal.ts";
import { digestOf, sha256Of, verifySignature } from "../../protocol/signing.ts";
import { sameHead } from "../../protocol/trust/state.ts";
import type { HostBody } from "../../protocol/trust/statements.ts";
import type { Question } from "../state/readings.ts";
import { NOT_ADMITTED, NOT_THE_HOST, startAsking, type Asking, type CommandDeps } from "./asking.ts";
import { bytesOf, type Answer } from "./http.ts";
import { randomNonce } from "./random.ts";
import { readTrouble } from "./read-words.ts";
import type { HostTimes } from "./readings.ts";
import { makeReplyKey, type ReplyKey } from "./seal.ts";
import { sessionSigner } from "./signer.ts";
import { TroubleError } from "./trouble.ts";

/** @throws {TroubleError} */
export async function readHost<N extends ReadName>(
  deps: CommandDeps,
  times: HostTimes,
  question: Question<N>,
): Promise<ReadResult<N>> {
  try {
    return await askOnce(await goingBy(deps), times, question);
  } catch (error) {
    // Each once: the log of keys went on, or this host's clock is not what this page thought.
    const code = error instanceof TroubleError ? error.trouble.code : undefined;
    if (code === "trust_behind") return askOnce(await startAsking(deps), times, question);
    if (code === "clock") return askOnce(await goingBy(deps), times, question);
    throw error;
  }
}

/** What this page verified last is enough to ask with; the host says when there is newer. */
async function goingBy(deps: CommandDeps): Promise<Asking> {
  const [state, session] = [deps.trust.state.value, deps.keys.session.value];
  if (state === undefined || session === undefined) return startAsking(deps);
  return { deps, state, session, signer: sessionSigner(session.keys, session.publicKey) };
}

interface Asked {
  readonly asking: Asking;
  readonly host: HostBody;
  readonly hostId: string;
  readonly request: string;
  readonly key: ReplyKey;
}

async function askOnce<N extends ReadName>(
  asking: Asking,
  times: HostTimes,
  { host: hostId, operation, args }: Question<N>,
): Promise<ReadResult<N>> {
  const { deps, state, session, signer } = asking;
  const host = state.hosts.get(hostId);
  if (host === undefined) throw new TroubleError(NOT_ADMITTED);
  const key = await makeReplyKey();
  const body = readCodec.encode({
    v: 1,
    workspace: state.workspace,
    host: hostId,
    session: session.digest,
    operation,
    args: { ...args },
    replyKey: key.publicKey,
    trustHead: state.head,
    iat: times.now(hostId),
    jti: randomNonce(),
  });
  const { parts } = await deps.client.call("hostRead", {
    params: { host: hostId },
    body: {
      read: { body: toBase64url(body), signature: await signer.sign("read", body) },
      ...(session.successor === undefined ? {} : { successor: session.successor }),
    },
  });
  const asked = { asking, host, hostId, request: digestOf("read", body), key };
  const text = await openAnswer(asked, times, parts);
  return valueOf(operation, text, host.label);
}

type Parts = Answer<"hostRead">["parts"];

async function openAnswer(asked: Asked, times: HostTimes, parts: Parts): Promise<string> {
  const { asking, host, hostId, request, key } = asked;
  const readings = await Promise.all(parts.map((part, i) => provenPart(asked, part, i)));
  const last = readings.at(-1);
  if (last === undefined || readings.some(({ final }, i) => final !== (i === parts.length - 1)))
    throw new TroubleError(NOT_THE_HOST);
  times.heard(hostId, last.now);
  const denied: ReadRefusal | undefined = readings.find(({ code }) => code !== undefined)?.code;
  if (denied !== undefined) throw new TroubleError(readTrouble(denied, host.label));
  const info = replyInfo({ workspace: asking.state.workspace, host: hostId, request });
  const sealed = parts.map(({ ciphertext }) => bytesOf(ciphertext ?? ""));
  const texts = await key.open(info, sealed);
  if (texts === undefined) throw new TroubleError(NOT_OPENED);
  return utf8Text(concatBytes(...texts));
}

/** What the host signed of this part: that it is of this question, in this place, with this ciphertext. */
async function provenPart(asked: Asked, { signed, ciphertext }: Parts[number], place: number): Promise<Reading> {
  const { asking, host, hostId, request } = asked;
  const body = bytesOf(signed.body);
  const { signature } = signed;
  const genuine = await verifySignature({ kind: "reading", body, signature, publicKey: host.hostKey });
  const reading = genuine ? decoded(body) : undefined;
  if (reading === undefined) throw new TroubleError(NOT_THE_HOST);
  const { head, workspace } = asking.state;
  const content = ciphertext === undefined ? undefined : toBase64url(sha256Of(bytesOf(ciphertext)));
  const fits =
    reading.workspace === workspace &&
    reading.host === hostId &&
    reading.request === request &&
    reading.part === place &&
    reading.content === content &&
    (reading.code === undefined) === (content !== undefined);
  // A host that goes by an older log than the one in the question did not answer it.
  const isBehind = reading.trustHead.n < head.n;
  const isOther = reading.trustHead.n === head.n && !sameHead(reading.trustHead, head);
  if (!fits || isBehind || isOther) throw new TroubleError(NOT_THE_HOST);
  return reading;
}

function decoded(body: Uint8Array): Reading | undefined {
  try {
    return readingCodec.decode(body);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

function valueOf<N extends ReadName>(operation: N, text: string, who: string): ReadResult<N> {
  const parsed = v.safeParse((reads[operation] as Read).result, parsedJson(text), { abortEarly: true });
  if (!parsed.success) throw new TroubleError(readTrouble("gateway", who));
  return parsed.output as ReadResult<N>; // by the row's own schema
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // refused by every schema
  }
}

const NOT_OPENED = {
  code: "seal",
  what: "The answer does not open with the key of this question.",
  why: "Something on the way changed it, or exchanged its parts.",
  next: "Read it again. If this repeats, look at the machine that runs the control plane.",
} as const;
