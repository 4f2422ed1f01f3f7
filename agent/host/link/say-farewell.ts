/**
 * One short connection of a host that is being reset: it says hello, its last receipts and its last word, and waits until
 * the edge has them. It takes no statement and no command, and needs none of the files that may be damaged.
 */
import { fromBase64url, toBase64url } from "../../../protocol/bytes.ts";
import { MalformedError } from "../../../protocol/canonical.ts";
import type { Signed } from "../../../protocol/messages.ts";
import {
  farewellCodec,
  helloCodec,
  inwardFrames,
  outwardFrames,
  type InwardFrame,
  type OutwardFrame,
} from "../../../protocol/tunnel.ts";
import type { LastWords } from "../reset.ts";
import { environmentOf, type Environment } from "./proxy.ts";
import { openSocket, type TunnelSocket } from "./socket.ts";

export interface FarewellDeps {
  /** Names the HTTP proxy, if there is one. */
  readonly environment: Environment;
  /** base64url of 32 fresh random bytes. */
  readonly nonce: () => string;
  readonly timeoutMilliseconds?: number;
}

/** A person waits for it; an edge that is there answers within a second. */
const ANSWER_MILLISECONDS = 10_000;
const NORMAL = 1000;

/** True when the edge has confirmed the last word. */
export function sayFarewell(words: LastWords, deps: FarewellDeps): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => end(false), deps.timeoutMilliseconds ?? ANSWER_MILLISECONDS);
    const end = (isTold: boolean): void => {
      clearTimeout(timer);
      socket.close(NORMAL, "farewell");
      resolve(isTold);
    };
    const socket: TunnelSocket = openSocket({
      edge: words.host.edge,
      tls: words.tls,
      environment: environmentOf(words.host, deps.environment),
      onOpen: () => undefined,
      onText: (text) => {
        const frame = readFrame(text);
        if (frame === undefined) return end(false);
        answer(frame, words, deps).then(
          (answers) => {
            if (answers === "told") return end(true);
            for (const one of answers) socket.send(outwardFrames.encode(one));
          },
          () => end(false), // a key that cannot sign says nothing
        );
      },
      onEnd: () => end(false),
    });
  });
}

function readFrame(text: string): InwardFrame | undefined {
  try {
    return inwardFrames.decode(text);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

async function answer(
  frame: InwardFrame,
  words: LastWords,
  deps: FarewellDeps,
): Promise<readonly OutwardFrame[] | "told"> {
  switch (frame.kind) {
    case "challenge":
      return [{ kind: "hello", signed: await hello(frame, words, deps) }];
    case "welcome": {
      // Who answers matters little: all of this is signed, and none of it is a secret.
      const receipts = words.receipts.map(({ receipt, signed }): OutwardFrame => ({
        kind: "receipt",
        number: receipt.number,
        signed,
      }));
      return [...receipts, { kind: "farewell", signed: words.farewell }];
    }
    case "ack":
      return frame.receipt > lastReceiptOf(words) ? "told" : [];
    default:
      return []; // statements, and commands for a host that is no more
  }
}

function lastReceiptOf({ farewell }: LastWords): number {
  return farewellCodec.decode(fromBase64url(farewell.body)).lastReceipt.number;
}

async function hello(
  { edgeNonce, tunnel }: Extract<InwardFrame, { kind: "challenge" }>,
  words: LastWords,
  { nonce }: FarewellDeps,
): Promise<Signed> {
  const { host, keys } = words;
  const body = helloCodec.encode({
    v: 1,
    workspace: host.workspace,
    host: keys.host,
    hostBoot: nonce(),
    lastReceipt: lastReceiptOf(words),
    lastAck: 0,
    nonce: nonce(),
    edgeNonce,
    tunnel,
  });
  return { body: toBase64url(body), signature: await keys.hostKey.sign("hello", body) };
}
