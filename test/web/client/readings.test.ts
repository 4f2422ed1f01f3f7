/** What a page reads of a real warden, through an edge that does as a test wants. */
import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import type { GatewayReadings } from "../../../agent/host/gateway/control-interface.ts";
import { fromBase64url, toBase64url } from "../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import { assertedCodec, type Signed } from "../../../protocol/messages.ts";
import { readCodec, readingCodec, readRefusals, type ReadMessage } from "../../../protocol/reading.ts";
import { ENCAPSULATED_BYTES, partData, replyInfo } from "../../../protocol/seal.ts";
import { digestOf } from "../../../protocol/signing.ts";
import type { OutwardFrame } from "../../../protocol/tunnel.ts";
import type { CommandDeps } from "../../../web/client/asking.ts";
import { Readings } from "../../../web/client/readings.ts";
import { readTrouble } from "../../../web/client/read-words.ts";
import { SessionKeys } from "../../../web/client/session-keys.ts";
import type { Vault } from "../../../web/client/vault.ts";
import { TroubleError } from "../../../web/client/trouble.ts";
import { Rig, until } from "../../agent/host/warden/rig.ts";
import type { Part } from "../../agent/host/warden/asking.ts";
import { nonceOf, rawSigner, seedOf, signed } from "../../fixtures/keys.ts";
import { NOW } from "../../fixtures/workspace.ts";

const SESSIONS = { at: NOW, sessions: [], more: false };
const LOGS = {
  at: NOW,
  cursor: 1,
  isReset: false,
  lines: Array.from({ length: 30 }, (_, i) => ({ text: `line ${String(i)} ${"ä".repeat(2_000)}` })),
};

interface Edge {
  /** What is handed to the page in place of the host's parts. */
  parts: (parts: readonly Part[]) => readonly Part[] | Promise<readonly Part[]>;
  /** What is handed to the host in place of the page's question. */
  read: (read: Signed) => Signed | Promise<Signed>;
  readonly asked: ReadMessage[];
  /** Everything that went through it. */
  readonly wire: unknown[];
}

let rig: Rig;
let edge: Edge;
let desk: Readings;
let answer: unknown;
let session: SessionKeys;
beforeEach(async () => {
  answer = SESSIONS;
  const readings: GatewayReadings = { read: () => Promise.resolve(answer) };
  rig = await Rig.open({ readings });
  await rig.welcome();
  edge = { parts: (parts) => parts, read: (read) => read, asked: [], wire: [] };
  desk = new Readings(await depsOf());
});
afterEach(() => rig.close());

/** A page signed in with the world's session key. */
async function depsOf(): Promise<CommandDeps> {
  const { world } = rig;
  const { submission, session: digest } = await rig.seal();
  const vault = { get: () => Promise.resolve(undefined), set: () => Promise.resolve() } as unknown as Vault;
  session = new SessionKeys({ vault, client: { use: () => undefined } });
  const { privateKey } = await rawSigner(seedOf("session"));
  session.enter({
    keys: { privateKey, publicKey: privateKey },
    publicKey: world.keys.session.publicKey,
    certificate: submission.session,
    digest,
    person: "p-ada",
    credentialId: "c",
    expires: NOW + 3_600,
  });
  const certificate = toBase64url(assertedCodec.encode(submission.session));
  const call = (name: string, input: { body: { read: Signed } }) => {
    expect(name).toBe("hostRead");
    return carry(input.body.read, certificate);
  };
  const trust = { refresh: () => Promise.resolve(world.state), state: { value: world.state }, nameOf: () => "Ada" };
  return { client: { call }, trust, hosts: {}, keys: session, now: () => NOW } as unknown as CommandDeps;
}

/** As the edge does: waits for the last part. */
async function carry(read: Signed, certificate: string): Promise<{ parts: readonly Part[] }> {
  edge.asked.push(readCodec.decode(fromBase64url(read.body)));
  const handed = await edge.read(read);
  const before = rig.sent.length;
  edge.wire.push(handed, certificate);
  await rig.receive({ kind: "read", read: handed, session: certificate });
  await until(() => rig.sent.slice(before).some((frame) => frame.kind === "refused" || isLast(frame)));
  const frames = rig.sent.slice(before);
  edge.wire.push(...frames);
  const refused = frames.find((frame) => frame.kind === "refused");
  if (refused !== undefined) throw new TroubleError({ code: refused.code, what: refused.code });
  const parts = frames.flatMap((frame): Part[] =>
    frame.kind === "reading" ? [{ signed: frame.signed, ...cipherOf(frame.ciphertext) }] : [],
  );
  return { parts: await edge.parts(parts) };
}
function isLast(frame: OutwardFrame): boolean {
  return frame.kind === "reading" && readingCodec.decode(fromBase64url(frame.signed.body)).final;
}
const cipherOf = (ciphertext: string | undefined) => (ciphertext === undefined ? {} : { ciphertext });

const SUMMARY = { operation: "gateway.sessions@1", args: {} } as const;
const LOG = { operation: "content.logs@1", args: {} } as const;
const sessions = () => desk.read({ host: rig.world.host, ...SUMMARY });
const logs = () => desk.read({ host: rig.world.host, ...LOG });
async function codeOf(reading: ReturnType<typeof sessions> | ReturnType<typeof logs>): Promise<string> {
  const result = await reading;
  return result.ok ? "read" : result.trouble.code;
}
function openLogs(): void {
  answer = LOGS;
  const of = session.session.value?.digest ?? "";
  rig.context.grants.grant({ session: of, kinds: ["logs"], seconds: 900, only: undefined });
}

describe("a reading", () => {
  it("is what the host was told, kept with the time, and gone with the sign-in", async () => {
    expect(desk.last({ host: rig.world.host, ...SUMMARY })).toBeUndefined();
    expect(await sessions()).toEqual({ ok: true, value: { value: SESSIONS, readAt: NOW } });
    expect(desk.last({ host: rig.world.host, ...SUMMARY })).toEqual({ value: SESSIONS, readAt: NOW });
    expect(desk.last({ host: rig.world.host, ...LOG })).toBeUndefined();
    desk.forget();
    expect(desk.last({ host: rig.world.host, ...SUMMARY })).toBeUndefined();
  });

  it("of many parts is whole, whatever character a part ends in", async () => {
    openLogs();
    expect(await logs()).toEqual({ ok: true, value: { value: LOGS, readAt: NOW } });
    expect(edge.wire.filter((frame) => (frame as OutwardFrame).kind === "reading").length).toBeGreaterThan(1);
  });

  it("is asked for once by all who want it at once, each time with another key", async () => {
    const [one, other] = await Promise.all([sessions(), sessions()]);
    expect(one).toBe(other);
    await sessions();
    expect(edge.asked).toHaveLength(2);
    expect(new Set(edge.asked.map(({ replyKey }) => replyKey)).size).toBe(2);
    expect(new Set(edge.asked.map(({ jti }) => jti)).size).toBe(2);
  });

  it("is asked for again with the host's own time when its clock is another", async () => {
    rig.clock.wallMilliseconds += 3_000_000;
    expect(await codeOf(sessions())).toBe("read");
    expect(edge.asked.map(({ iat }) => iat)).toEqual([NOW, NOW + 3_000]);
    expect(await codeOf(sessions())).toBe("read");
    expect(edge.asked).toHaveLength(3);
  });

  it("that needs a touch says so, in a code that a page can act on", async () => {
    expect(await codeOf(logs())).toBe("grant");
    openLogs();
    expect(await codeOf(logs())).toBe("read");
  });

  it("of nothing that the table describes is none", async () => {
    answer = { ...SESSIONS, foreign: 1 };
    expect(await codeOf(sessions())).toBe("gateway");
  });

  it("is asked of admitted hosts, by somebody signed in", async () => {
    expect(await codeOf(desk.read({ host: "h-elsewhere", ...SUMMARY }))).toBe("not_admitted");
    session.leave();
    expect(await codeOf(sessions())).toBe("signed_out");
    expect(edge.asked).toEqual([]);
  });
});

describe("an edge that lies", () => {
  const bent: readonly (readonly [string, Edge["parts"], string])[] = [
    ["leaves out the last part", (parts) => parts.slice(0, -1), "not_the_host"],
    ["leaves out the first part", (parts) => parts.slice(1), "not_the_host"],
    ["exchanges parts", (parts) => parts.toReversed(), "not_the_host"],
    ["says a part twice", ([first, ...rest]) => [first, first, ...rest] as Part[], "not_the_host"],
    ["says nothing", () => [], "not_the_host"],
    [
      "exchanges ciphertexts",
      ([a, b, ...rest]) =>
        [{ ...a, ciphertext: b?.ciphertext }, { ...b, ciphertext: a?.ciphertext }, ...rest] as Part[],
      "not_the_host",
    ],
    ["keeps the ciphertexts", (parts) => parts.map((part) => ({ signed: part.signed })), "not_the_host"],
    [
      "changes a ciphertext",
      ([a, ...rest]) => [{ ...a, ciphertext: `AAAA${a?.ciphertext?.slice(4) ?? ""}` }, ...rest] as Part[],
      "not_the_host",
    ],
  ];
  it.each(bent)("(%s) shows nothing", async (_, parts, code) => {
    openLogs();
    edge.parts = parts;
    expect(await codeOf(logs())).toBe(code);
    expect(desk.last({ host: rig.world.host, ...LOG })).toBeUndefined();
  });

  it("and signs parts of its own, with any key but the host's, shows nothing", async () => {
    const { keys, host, workspace, state } = rig.world;
    for (const signer of [keys.dispatch, keys.stranger, keys.session]) {
      edge.parts = async () => {
        const request = digestOf("read", readCodec.encode(edge.asked.at(-1) as ReadMessage));
        const words = { v: 1, workspace, host, request, part: 0, final: true, now: NOW, trustHead: state.head };
        return [{ signed: await signed(signer, "reading", encodeCanonical({ ...words, code: "not_found" })) }];
      };
      expect(await codeOf(sessions())).toBe("not_the_host");
    }
  });

  it("and hands on another question's answer, another host's or an older log's, shows nothing", async () => {
    const { keys, host, workspace, state } = rig.world;
    const honest = { v: 1, workspace, host, part: 0, final: true, now: NOW, trustHead: state.head, code: "not_found" };
    for (const change of [
      { request: nonceOf("another question") },
      { host: "h-elsewhere" },
      { workspace: nonceOf("another workspace") },
      { trustHead: { ...state.head, n: state.head.n - 1 } },
      { trustHead: { ...state.head, hash: nonceOf("another past") } },
      { part: 1 },
      { final: false },
      { code: undefined },
    ]) {
      edge.parts = async () => {
        const request = digestOf("read", readCodec.encode(edge.asked.at(-1) as ReadMessage));
        const words = Object.fromEntries(
          Object.entries({ request, ...honest, ...change }).filter(([, value]) => value !== undefined),
        );
        return [{ signed: await signed(keys.host, "reading", encodeCanonical(words)) }];
      };
      expect(await codeOf(sessions()), JSON.stringify(change)).toBe("not_the_host");
    }
    edge.parts = (parts) => parts;
    expect(await codeOf(sessions())).toBe("read");
  });

  it("and puts its own key in the question is refused by the host", async () => {
    edge.read = async (read) => {
      const message = readCodec.decode(fromBase64url(read.body));
      const mine = readCodec.encode({ ...message, replyKey: nonceOf("the edge's key") });
      return { body: toBase64url(mine), signature: read.signature };
    };
    expect(await codeOf(sessions())).toBe("session_key");
    edge.read = async (read) => {
      const message = readCodec.decode(fromBase64url(read.body));
      return signed(rig.world.keys.dispatch, "read", readCodec.encode({ ...message, replyKey: nonceOf("e") }));
    };
    expect(await codeOf(sessions())).toBe("session_key");
  });

  it("and says an old question again learns nothing new", async () => {
    await sessions();
    const [old] = edge.wire as [Signed];
    edge.read = () => old;
    expect(await codeOf(sessions())).toBe("not_the_host");
    const last = rig.last("reading");
    expect(last.ciphertext).toBeUndefined();
    expect(readingCodec.decode(fromBase64url(last.signed.body)).code).toBe("repeated");
  });
});

const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });

/** Every key that lives longer than a question, as an X25519 key: as it stands, and as converted from Ed25519. */
async function longTermKeys(): Promise<readonly CryptoKey[]> {
  const names = ["host", "host cosign", "session", "dispatch", "ledger", "next dispatch", "next ledger", "settings"];
  const seeds = names
    .map(seedOf)
    .flatMap((seed) => [
      Uint8Array.from(seed),
      Uint8Array.from(createHash("sha512").update(seed).digest().subarray(0, 32)),
    ]);
  return Promise.all(seeds.map((seed) => suite.kem.deserializePrivateKey(seed)));
}

interface Capture {
  readonly info: Uint8Array<ArrayBuffer>;
  readonly sealed: Uint8Array;
}

async function opens(key: CryptoKey, { info, sealed }: Capture): Promise<boolean> {
  try {
    const enc = sealed.slice(0, ENCAPSULATED_BYTES);
    const opening = await suite.createRecipientContext({ recipientKey: key, enc, info });
    await opening.open(sealed.slice(ENCAPSULATED_BYTES), partData(0, true));
    return true;
  } catch {
    return false;
  }
}

describe("a capture of everything that went over the wire", () => {
  it("does not open with any key that is kept, and does with the one that is not", async () => {
    openLogs();
    answer = { ...LOGS, lines: [{ text: "what was said" }] };
    await logs();
    expect(JSON.stringify(edge.wire)).not.toMatch(/what was said|d2hhdCB3YXMgc2FpZ/);
    const { workspace, host, hostBody } = rig.world;
    const [asked] = edge.asked as [ReadMessage];
    const frame = rig.last("reading");
    const capture = {
      info: replyInfo({ workspace, host, request: digestOf("read", readCodec.encode(asked)) }),
      sealed: fromBase64url(frame.ciphertext ?? ""),
    };
    const keys = await longTermKeys();
    // They are the keys in question: this one is the host's.
    expect((await rawSigner(seedOf("host"))).publicKey).toBe(hostBody.hostKey);
    expect(await Promise.all(keys.map((key) => opens(key, capture)))).toEqual(keys.map(() => false));
  });

  it("(the same attempt opens what was asked for with a key that somebody kept)", async () => {
    const pair = await suite.kem.generateKeyPair();
    const replyKey = toBase64url(new Uint8Array(await suite.kem.serializePublicKey(pair.publicKey)));
    let request = "";
    edge.read = async (read) => {
      const message = readCodec.decode(fromBase64url(read.body));
      const kept = readCodec.encode({ ...message, replyKey });
      request = digestOf("read", kept);
      return signed(rig.world.keys.session, "read", kept);
    };
    expect(await codeOf(sessions())).toBe("not_the_host"); // an answer to another question than this page's
    const { workspace, host } = rig.world;
    const sealed = fromBase64url(rig.last("reading").ciphertext ?? "");
    expect(await opens(pair.privateKey, { info: replyInfo({ workspace, host, request }), sealed })).toBe(true);
  });
});

describe("the words for a refusal", () => {
  it("name the host and what to do, for each", () => {
    for (const code of readRefusals) {
      const { what, next } = readTrouble(code, "vps-1");
      expect(what).toMatch(/^vps-1 .*\.$/);
      expect(next).toMatch(/^[A-Z].*\.$/);
    }
  });
});
