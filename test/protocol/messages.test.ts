import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fromHex, toHex, utf8Text } from "../../protocol/bytes.ts";
import { MAX_SESSIONS_PER_END } from "../../protocol/limits.ts";
import { sessionEndCodec, sessionsOf } from "../../protocol/messages.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { encodeCanonical, MalformedError } from "../../protocol/canonical.ts";
import { digestOf, messageKinds, preAuthenticationEncoding } from "../../protocol/signing.ts";
import { laterMessages, laterSamples } from "../vectors/golden-2.ts";
import { endingMessages, endingSamples } from "../vectors/golden-3.ts";
import { renewalMessages, renewalSamples } from "../vectors/golden-4.ts";
import { readingMessages, readingSamples } from "../vectors/golden-5.ts";
import { releaseMessages, releaseSamples } from "../vectors/golden-6.ts";
import { advisoryMessages, advisorySamples } from "../vectors/golden-7.ts";
import { outsideMessages, outsideSamples } from "../vectors/golden-8.ts";
import { goldenMessages, samples, type Golden } from "../vectors/golden.ts";

function recorded(name: string): readonly Golden[] {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}`, import.meta.url), "utf8")) as readonly Golden[];
}
const files = [
  "messages.json",
  "messages-2.json",
  "messages-3.json",
  "messages-4.json",
  "messages-5.json",
  "messages-6.json",
  "messages-7.json",
  "messages-8.json",
];
const golden = files.flatMap(recorded);
const allSamples = {
  ...samples,
  ...laterSamples,
  ...endingSamples,
  ...renewalSamples,
  ...readingSamples,
  ...releaseSamples,
  ...advisorySamples,
  ...outsideSamples,
};

describe("recorded vectors", () => {
  it.each([
    ["messages.json", "11a67887e098c6a3d39f19e8e0e65cd1a62226a5f3a042db92228e4538ef474c"],
    ["verdicts.json", "4a0e5757689a45e7e7be2365cc5f886f013cfce79076526cf086471e7ccf1e74"],
    ["messages-2.json", "6733846345e4be78b51a92174f0a82eeca6416eb60f166ec32b1726f06bf5f24"],
    ["messages-3.json", "06a01c64f1454f77e2180101d6654eed38b87d4862a529720a711430fb587003"],
    ["messages-4.json", "22c6dc266aee83df41d4be7c6a1995ff75792713227b14ccdc127b73211f94d0"],
    ["messages-5.json", "71d8a0b219e5f23138d9891f3e95031d090cdec10e21baa8dd8d6f547bad8146"],
    ["messages-6.json", "eab05f3fb9f035db79be9e3b916875fe1c75adaef3f0df870cccc6bb3a698700"],
    ["messages-7.json", "0c0e784e6df1b889e52aaa4cafa8dd24c6b64c4cfa7502ec697d38104646ab09"],
    ["messages-8.json", "235cf9790c8976ceb7df7cd66c5a8519b3e5a3f298808297133bf763e68dfac9"],
    ["verdicts-2.json", "242fe1f73ca2fdf74ca0b5bc941baec095a3db4eca50e30a6736c883d13ebd0d"],
  ])("%s never changes: new vectors go into a new file", (name, sha256) => {
    const content = readFileSync(new URL(`../vectors/${name}`, import.meta.url));
    expect(createHash("sha256").update(content).digest("hex")).toBe(sha256);
  });
});

describe("one of each message", () => {
  it("is what the samples in code still give", () => {
    const inCode = [
      goldenMessages,
      laterMessages,
      endingMessages,
      renewalMessages,
      readingMessages,
      releaseMessages,
      advisoryMessages,
      outsideMessages,
    ];
    expect(inCode.flatMap((messages) => messages())).toEqual(golden);
  });

  it("covers every kind that is signed or named", () => {
    const covered = new Set<string | undefined>(golden.map(({ kind }) => kind));
    expect(messageKinds.filter((kind) => !covered.has(kind))).toEqual([]);
  });

  it.each(golden.map((one) => [one.name, one] as const))(
    "%s: bytes, text and digest",
    (_, { text, hex, kind, digest }) => {
      const bytes = fromHex(hex);
      expect(utf8Text(bytes)).toBe(text);
      expect(toHex(encodeCanonical(JSON.parse(text)))).toBe(hex);
      if (kind !== undefined) expect(digestOf(kind, bytes)).toBe(digest);
    },
  );

  it.each(
    golden
      .map((one) => [one.name, one.hex, allSamples[one.name]?.codec] as const)
      .filter(([, , codec]) => codec !== undefined),
  )("%s: is parsed, written back the same, and closed", (sample, hex, codec) => {
    const bytes = fromHex(hex);
    const value = codec?.decode(bytes);
    expect(toHex(codec?.encode(value) ?? new Uint8Array())).toBe(hex);
    const members = JSON.parse(utf8Text(bytes)) as Record<string, unknown>;
    expect(() => codec?.decode(encodeCanonical({ ...members, foreign: 1 }))).toThrow(MalformedError);
    for (const name of Object.keys(members)) {
      const { [name]: _removed, ...rest } = members;
      const without = encodeCanonical(rest);
      if (OPTIONAL.includes(`${sample}: ${name}`)) expect(() => codec?.decode(without)).not.toThrow();
      else expect(() => codec?.decode(without), `without ${name}`).toThrow(MalformedError);
      for (const wrong of [null, {}, [], -1, 0.5, "\u0000", "x".repeat(70_000)]) {
        // No field of any message takes all of these; every one refuses most. None may crash another way.
        try {
          codec?.decode(encodeCanonical({ ...members, [name]: wrong }));
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError);
        }
      }
    }
  });

  it("has no two kinds with one digest for the same bytes", () => {
    const bytes = encodeCanonical({ v: 1 });
    expect(new Set(messageKinds.map((kind) => digestOf(kind, bytes))).size).toBe(messageKinds.length);
  });
});

/** Members that a sample has and may lack. */
const OPTIONAL: readonly string[] = [
  "receipt of a refusal: code",
  "outside.json: rules",
  "ledger-entry: target",
  "ledger-entry: source",
  "hello: trustHead",
  "join file: edgeCa",
  "trust page: root",
  "submission: session",
  "envelope: session",
  "intent of a proposal: proposal",
  "approval that names a successor: nextSessionKey",
  "submission of two people: session",
  "submission of two people: successor",
  "submission of two people: proposal",
  "signed statement that knew: knew",
  "trust-ack of a frozen host: frozen",
  "signed session-end of several: others",
  "reading: content",
  "reading that denies: code",
];

describe("an end of sessions", () => {
  const end = { v: 1, workspace: nonceOf("workspace"), person: "p-otto", at: 1_800_000_000 };
  const names = (count: number) => Array.from({ length: count }, (_, i) => nonceOf(`session ${i}`)).toSorted();
  const decode = (members: object) => sessionEndCodec.decode(encodeCanonical({ ...end, ...members }));

  it("names one, or 2 to 64 of them in order, and never both or none", () => {
    const [one = ""] = names(1);
    expect(sessionsOf(decode({ session: one }))).toEqual([one]);
    for (const count of [2, MAX_SESSIONS_PER_END])
      expect(sessionsOf(decode({ sessions: names(count) }))).toEqual(names(count));
    for (const wrong of [
      {},
      { session: one, sessions: names(2) },
      { sessions: [] },
      { sessions: [one] },
      { sessions: [one, one] },
      { sessions: names(2).toReversed() },
      { sessions: names(MAX_SESSIONS_PER_END + 1) },
    ])
      expect(() => decode(wrong)).toThrow(MalformedError);
  });
});

describe("pre-authentication encoding", () => {
  it("writes both lengths in bytes, before each part", () => {
    const encoded = utf8Text(preAuthenticationEncoding("intent", new TextEncoder().encode("ä{}")));
    expect(encoded).toBe("DSSEv1 39 application/vnd.clawhold.intent.v1+json 4 ä{}");
  });
});
