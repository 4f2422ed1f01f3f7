/**
 * The warden's socket against a link in other hands: bytes that nobody honest wrote, messages bent in one place, and proper
 * messages in every order. Whatever comes, the warden ends the conversation at worst; it runs nothing, breaks nothing, and
 * serves the next link.
 */
import { connect, type Socket } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toWardenCodec } from "../../../../agent/host/ports/link-messages.ts";
import { utf8 } from "../../../../protocol/bytes.ts";
import { encodeCanonical, MalformedError } from "../../../../protocol/canonical.ts";
import { CERT_FINGERPRINT } from "../../../fixtures/command.ts";
import { inwardSamples } from "../../../fixtures/frames.ts";
import { fuzzRun } from "../../../fixtures/fuzz.ts";
import { bodiesIn, framed } from "./socket-pair.ts";
import { Talk } from "./talk.ts";

let talk: Talk;
beforeAll(async () => {
  talk = await Talk.open();
});
afterAll(() => talk.close());

const open = { kind: "open", tunnel: 1, fingerprint: CERT_FINGERPRINT, resumes: false };
const honest: readonly Readonly<Record<string, unknown>>[] = [
  open,
  { ...open, resumes: true },
  { kind: "close", tunnel: 1 },
  { kind: "requested", publicKey: "AAAA", csr: "AAAA" },
  {
    kind: "tick",
    certificate: { fingerprint: CERT_FINGERPRINT, from: 0, until: 1 },
    hasNewer: true,
    isReaderRefused: true,
  },
  ...Object.values(inwardSamples).map((frame) => ({ kind: "frame", tunnel: 1, frame })),
];

const tempting = fc.oneof(
  fc.constantFrom<unknown>(null, true, "", -1, 1.5, 2 ** 53, [], {}, "A", "AA==", "\u0000", "constructor", "__proto__"),
  fc.jsonValue({ maxDepth: 3 }),
  fc.nat().map((length) => "A".repeat(length % 200_000)),
);

const bent = fc
  .tuple(fc.constantFrom(...honest), fc.nat(), tempting, fc.boolean())
  .map(([message, at, value, isMore]) => {
    const keys = Object.keys(message);
    return { ...message, [isMore ? "more" : (keys[at % keys.length] ?? "kind")]: value };
  });

/** As text where canonical JSON cannot hold it. */
function bytesOf(message: unknown): Uint8Array {
  try {
    return encodeCanonical(message as object);
  } catch (error) {
    if (!(error instanceof MalformedError) && !(error instanceof TypeError)) throw error;
    return utf8(JSON.stringify(message) ?? "");
  }
}

const wire = fc.oneof(
  fc.constantFrom(...honest).map((message) => framed(encodeCanonical(message))),
  bent.map((message) => framed(bytesOf(message))),
  fc.tuple(bent, fc.nat(0xff_ff_ff_ff)).map(([message, length]) => framed(bytesOf(message), length)),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => framed(bytes)),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
);

/** Says all of it and hangs up; resolves when the warden has hung up too. */
async function said(parts: readonly Buffer[]): Promise<readonly Buffer[]> {
  const socket: Socket = connect(talk.path);
  const heard: Buffer[] = [];
  socket.on("data", (part: Buffer) => heard.push(part));
  socket.on("error", () => undefined); // it hangs up while we speak
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  for (const part of parts) socket.write(part);
  socket.end();
  await closed;
  return bodiesIn(Buffer.concat(heard));
}

const run = fuzzRun(400);

describe("a link in other hands", () => {
  it(
    "ends its own conversation at worst",
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(wire, { minLength: 1, maxLength: 12 }), async (parts) => {
          await said(parts);
          expect(talk.faults).toEqual([]);
          expect(talk.rig.faults).toEqual([]);
        }),
        run.parameters as object,
      );
      expect(talk.rig.gateway.restarts).toBe(0);
      expect(talk.rig.gateway.performed).toEqual([]);
      expect(talk.rig.context.journal.position.number).toBe(0);
      expect(talk.rig.context.trust.state).toBeUndefined();
    },
    run.timeoutMilliseconds,
  );

  it("and the next one is served", async () => {
    const [answer] = await said([framed(toWardenCodec.encode(open as never))]);
    expect(answer?.toString()).toContain('"kind":"opened"');
  });
});
