import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { GatewayReadings } from "../../../../agent/host/gateway/control-interface.ts";
import { ReadingError } from "../../../../agent/host/gateway/reading-error.ts";
import { PART_TEXT_BYTES } from "../../../../agent/host/warden/reads.ts";
import { fromBase64url, toBase64url } from "../../../../protocol/bytes.ts";
import { MAX_GRANTS, MAX_READING_PARTS, MAX_READS, READ_MEMORY_SECONDS } from "../../../../protocol/limits.ts";
import { assertedCodec } from "../../../../protocol/messages.ts";
import type { ReadName } from "../../../../protocol/reads.ts";
import type { OutwardFrame } from "../../../../protocol/tunnel.ts";
import { askAs, openParts, partOf, type Asked } from "./asking.ts";
import { nonceOf } from "../../../fixtures/keys.ts";
import { applied, NOW, stated, type Fields } from "../../../fixtures/workspace.ts";
import { Rig, until, type RigOptions } from "./rig.ts";

type Frame = Extract<OutwardFrame, { kind: "reading" }>;

/** A gateway with one session, whose label is whatever the test says. */
class FakeReadings implements GatewayReadings {
  readonly asked: { operation: ReadName; args: unknown }[] = [];
  answer: (operation: ReadName) => unknown = () => SESSIONS;
  async read(operation: ReadName, args: Readonly<Record<string, unknown>>): Promise<unknown> {
    this.asked.push({ operation, args });
    return this.answer(operation);
  }
}
const SESSIONS = { at: NOW, sessions: [], more: false };
const LOGS = { at: NOW, cursor: 7, isReset: false, lines: [{ text: "a secret\u001b[31m word" }] };

let readings: FakeReadings;
let rig: Rig;
async function open(options: Omit<RigOptions, "readings"> = {}): Promise<void> {
  readings = new FakeReadings();
  rig = await Rig.open({ readings, ...options });
  await rig.welcome();
}
beforeEach(() => open());
afterEach(() => rig.close());

async function asserted(): Promise<{ readonly session: string; readonly frame: string }> {
  const { session, submission } = await rig.seal();
  return { session, frame: toBase64url(assertedCodec.encode(submission.session)) };
}

async function send(asked: Asked): Promise<void> {
  const { frame } = await asserted();
  await rig.receive({ kind: "read", read: asked.read, session: frame });
}

async function ask(change: Fields = {}): Promise<Asked> {
  const { session } = await asserted();
  return askAs(rig.world, { session }, { operation: "gateway.sessions@1", iat: NOW + clockAhead(), ...change });
}
const clockAhead = (): number => Math.floor(rig.clock.wall() / 1_000) - NOW;

function partsOf(from = 0): readonly Frame[] {
  return rig.sent.slice(from).filter((frame) => frame.kind === "reading");
}

/** What came back for one question: the sealed value, or the host's signed word why not. */
async function answerTo(asked: Asked): Promise<unknown> {
  const before = rig.sent.length;
  await send(asked);
  await until(() => rig.sent.slice(before).some((frame) => frame.kind === "reading" || frame.kind === "refused"));
  const refused = rig.sent.slice(before).find((frame) => frame.kind === "refused");
  if (refused !== undefined) return `refused ${refused.code}`;
  await until(() => partsOf(before).length > 0);
  const { publicKey } = rig.world.keys.host;
  const first = await partOf(partsOf(before)[0] as Frame, publicKey);
  if (first.code !== undefined) return `denied ${first.code}`;
  let words = [first];
  for (let found = 1; words.at(-1)?.final !== true; found += 1) {
    await until(() => partsOf(before).length > found);
    words = await Promise.all(partsOf(before).map((frame) => partOf(frame, publicKey)));
  }
  expect(words.every(({ request }) => request === asked.digest)).toBe(true);
  expect(words.map(({ part }) => part)).toEqual(words.map((_, i) => i));
  return openParts(asked, partsOf(before));
}

/** A touch that opens logs, and by whom; returns the verdict. */
async function grant(args: Fields = { kinds: ["logs"], seconds: 900 }): Promise<string> {
  const { challenge, now, trustHead } = await rig.prepared({ operation: "content.read@1" });
  const command = await rig.seal((draft) => {
    Object.assign(draft.intent, { operation: "content.read@1", args, trustHead, id: nonceOf(challenge) });
    Object.assign(draft.target, { challenge, iat: now, expect: {} });
  });
  await rig.deliver(command.bytes);
  const { verdict, observed } = rig.lastReceipt();
  return `${verdict}${observed.reason === undefined ? "" : ` ${observed.reason}`}`;
}
const logs = (change: Fields = {}): Promise<Asked> => ask({ operation: "content.logs@1", ...change });

describe("a question", () => {
  it("is answered to the one key that asked, and no touch is needed for metadata", async () => {
    const asked = await ask();
    expect(await answerTo(asked)).toEqual(SESSIONS);
    expect(readings.asked).toEqual([{ operation: "gateway.sessions@1", args: {} }]);
    expect(await openParts(await ask(), partsOf())).toBeUndefined();
  });

  it("is answered in as many parts as it takes, and in one more not at all", async () => {
    const session = "s-0123456789abcdef";
    const args = { operation: "content.transcript@1", args: { session } };
    await grant({ kinds: ["transcripts"], seconds: 60 });
    const entry = { role: "user", text: "ä".repeat(8_000) };
    const transcript = (entries: number) => ({
      at: NOW,
      entries: Array.from({ length: entries }, () => entry),
      more: true,
    });
    readings.answer = () => transcript(4);
    const before = rig.sent.length;
    expect(await answerTo(await ask(args))).toEqual(transcript(4));
    expect(partsOf(before)).toHaveLength(Math.ceil((4 * 16_000) / PART_TEXT_BYTES));
    const whole = Math.floor((MAX_READING_PARTS * PART_TEXT_BYTES) / 16_100);
    readings.answer = () => transcript(whole);
    expect(await answerTo(await ask(args))).toEqual(transcript(whole));
    readings.answer = () => transcript(whole + 2);
    expect(await answerTo(await ask(args))).toBe("denied too_large");
  });

  it("whose answer does not fit the table gets none of it", async () => {
    for (const wrong of [undefined, null, [], {}, { ...SESSIONS, foreign: "a secret" }, { ...SESSIONS, at: "now" }]) {
      readings.answer = () => wrong;
      expect(await answerTo(await ask())).toBe("denied gateway");
    }
    expect(rig.faults).toEqual([]);
  });

  it("that the gateway cannot answer is told so by code, never by its words", async () => {
    for (const [error, code] of [
      [new ReadingError("not_found"), "denied not_found"],
      [new ReadingError("unsupported"), "denied unsupported"],
      [Object.assign(new Error("text of the gateway"), { code: "TEXT_OF_THE_GATEWAY" }), "denied gateway"],
      [new TypeError("ours"), "denied gateway"],
    ] as const) {
      readings.answer = () => {
        throw error;
      };
      expect(await answerTo(await ask())).toBe(code);
    }
    expect(JSON.stringify(rig.logged)).not.toMatch(/text of the gateway|TEXT_OF/i);
  });

  it("is answered once, whoever says it again, until it is too old to be asked", async () => {
    const asked = await ask();
    expect(await answerTo(asked)).toEqual(SESSIONS);
    expect(await answerTo(asked)).toBe("denied repeated");
    const twice = await ask();
    const before = rig.sent.length;
    await Promise.all([send(twice), send(twice)]);
    await until(() => partsOf(before).length >= 2);
    const said = await Promise.all(partsOf(before).map((frame) => partOf(frame, rig.world.keys.host.publicKey)));
    expect(said.map(({ code }) => code ?? "answered").toSorted()).toEqual(["answered", "repeated"]);
    rig.clock.advance(READ_MEMORY_SECONDS + 1);
    expect(await answerTo(asked)).toBe("denied clock");
  });

  it("is refused unsigned until somebody is known to have asked it", async () => {
    const { session } = await asserted();
    const bySomebody = { session, signer: rig.world.keys.stranger };
    const forged = await askAs(rig.world, bySomebody, { operation: "gateway.sessions@1", iat: NOW });
    expect(await answerTo(forged)).toBe("refused session_key");
    expect(await answerTo(await ask({ host: "h-elsewhere" }))).toBe("refused target");
    expect(await answerTo(await ask({ workspace: nonceOf("another") }))).toBe("refused workspace");
    expect(await answerTo(await ask({ trustHead: { ...rig.world.state.head, n: 99 } }))).toBe("refused trust_behind");
    const asked = await ask();
    await rig.receive({ kind: "read", read: asked.read, session: nonceOf("no sign-in") });
    await until(() => rig.sent.at(-1)?.kind === "refused");
    expect(rig.last("refused").code).toBe("session_malformed");
    expect(readings.asked).toEqual([]);
  });

  it("with a key that hides nothing is not answered", async () => {
    expect(await answerTo(await ask({ replyKey: toBase64url(new Uint8Array(32)) }))).toBe("denied arguments");
  });

  it("says the host's time to whoever asks with another", async () => {
    const before = rig.sent.length;
    expect(await answerTo(await ask({ iat: NOW - 100 }))).toBe("denied clock");
    const { now } = await partOf(partsOf(before)[0] as Frame, rig.world.keys.host.publicKey);
    expect(now).toBe(NOW + clockAhead());
    expect(await answerTo(await ask({ iat: now }))).toEqual(SESSIONS);
  });

  it("waits in no line: beyond the limit the host says that it is busy", async () => {
    const gate = Promise.withResolvers<unknown>();
    readings.answer = () => gate.promise;
    const before = rig.sent.length;
    for (let i = 0; i < MAX_READS; i += 1) await send(await ask());
    await until(() => readings.asked.length === MAX_READS);
    expect(await answerTo(await ask())).toBe("denied busy");
    gate.resolve(SESSIONS);
    await until(() => partsOf(before).length === MAX_READS + 1);
    expect(await answerTo(await ask())).toEqual(SESSIONS);
  });
});

describe("a host", () => {
  it("without a gateway says so", async () => {
    await rig.close();
    rig = await Rig.open();
    await rig.welcome();
    expect(await answerTo(await ask())).toBe("denied gateway");
  });

  it("whose owner forbids it is not read", async () => {
    await rig.close();
    await open({ denyList: "gateway.sessions@1\ncontent.*\n" });
    expect(await answerTo(await ask())).toBe("denied local_policy");
    expect(await answerTo(await ask({ operation: "gateway.agents@1" }))).toBe("denied gateway");
  });
});

describe("content", () => {
  beforeEach(() => {
    readings.answer = () => LOGS;
  });

  it("needs a touch, and then is given as it is, to the page alone", async () => {
    expect(await answerTo(await logs())).toBe("denied grant");
    expect(readings.asked).toEqual([]);
    expect(await grant()).toBe("executed");
    expect(await answerTo(await logs())).toEqual(LOGS);
    expect(JSON.stringify([rig.logged, rig.sent])).not.toContain("secret");
  });

  it("is given for what was granted, and until the grant is over by either clock", async () => {
    expect(await grant({ kinds: ["config"], seconds: 900 })).toBe("executed");
    expect(await answerTo(await logs())).toBe("denied grant");
    expect(await grant({ kinds: ["logs"], seconds: 60 })).toBe("executed");
    expect(await answerTo(await logs())).toEqual(LOGS);
    rig.clock.advance(59);
    expect(await answerTo(await logs())).toEqual(LOGS);
    rig.clock.wallMilliseconds += 1_000;
    expect(await answerTo(await logs())).toBe("denied grant");
  });

  it("of one session is that one's alone", async () => {
    readings.answer = () => ({ at: NOW, entries: [], more: false });
    const of = (session: string) => ask({ operation: "content.transcript@1", args: { session } });
    await grant({ kinds: ["transcripts", "logs"], seconds: 60, session: "s-0123456789abcdef" });
    expect(await answerTo(await of("s-0123456789abcdef"))).toEqual({ at: NOW, entries: [], more: false });
    expect(await answerTo(await of("s-ffffffffffffffff"))).toBe("denied grant");
    expect(await answerTo(await logs())).toBe("denied grant");
  });

  it("is not given any more once the process restarted", async () => {
    await grant();
    rig = await rig.reopen({ readings });
    await rig.welcome();
    expect(await answerTo(await logs())).toBe("denied grant");
  });

  it("ends with the session, in the middle of an answer too", async () => {
    await grant();
    const gate = Promise.withResolvers<unknown>();
    readings.answer = () => gate.promise;
    const asked = await logs();
    const { session } = await asserted();
    const before = rig.sent.length;
    await send(asked);
    await until(() => readings.asked.length === 1);
    rig.context.sessionEnds.add({ session, person: "p-ada", until: NOW + 3_600 });
    gate.resolve(LOGS);
    await until(() => rig.sent.length > before);
    expect(rig.last("refused").code).toBe("session_revoked");
    expect(partsOf(before)).toEqual([]);
    expect(await answerTo(await logs())).toBe("refused session_revoked");
  });

  it("is granted to no more than this host can keep in mind", async () => {
    const { grants } = rig.context;
    const draft = { session: nonceOf("s"), kinds: ["logs"], seconds: 60, only: undefined } as const;
    for (let i = 0; i < MAX_GRANTS; i += 1) expect(grants.grant(draft)).toBe(true);
    expect(await grant()).toBe("failed grants_full");
    grants.drop(draft.session);
    expect(await grant()).toBe("executed");
  });

  it("of another session's grant stays closed", async () => {
    const { grants } = rig.context;
    grants.grant({ session: nonceOf("another session"), kinds: ["logs"], seconds: 900, only: undefined });
    expect(await answerTo(await logs())).toBe("denied grant");
  });
});

describe("a role that ends", () => {
  it("ends reading, in the middle of an answer too", async () => {
    const { world } = rig;
    const { vera, ada } = world.people;
    const { session, submission } = await rig.seal((draft) => void (draft.session.passkey = vera.passkey));
    const certificate = toBase64url(assertedCodec.encode(submission.session));
    const question = { operation: "gateway.sessions@1", iat: NOW };
    const sendAs = async (change: Fields): Promise<Asked> => {
      const asked = await askAs(world, { session }, { ...question, ...change });
      await rig.receive({ kind: "read", read: asked.read, session: certificate });
      return asked;
    };
    const gate = Promise.withResolvers<unknown>();
    readings.answer = () => gate.promise;
    await sendAs({});
    await until(() => readings.asked.length === 1);
    const statement = await stated(
      { state: world.state, by: ada.passkey },
      { kind: "role.assign", body: { person: vera.id, roles: [] } },
    );
    await rig.receive({ kind: "trust", page: { statements: [statement] } });
    const before = rig.sent.length;
    gate.resolve(SESSIONS);
    await until(() => rig.sent.slice(before).some(({ kind }) => kind === "refused"));
    expect(rig.last("refused").code).toBe("trust_behind");
    const { head } = await applied(world.state, statement);
    const late = await sendAs({ trustHead: head });
    await until(() => rig.sent.slice(before).filter(({ kind }) => kind === "refused" || kind === "reading").length > 1);
    expect(rig.sent.at(-1)).toMatchObject({ kind: "refused", subject: late.digest, code: "session_lifetime" });
    expect(readings.asked).toHaveLength(1);
  });
});

describe("what is signed", () => {
  it("names the ciphertext, so that no part can take another's place", async () => {
    const asked = await ask();
    const before = rig.sent.length;
    await answerTo(asked);
    const [frame] = partsOf(before);
    const part = await partOf(frame as Frame, rig.world.keys.host.publicKey);
    const bytes = fromBase64url(frame?.ciphertext ?? "");
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    expect(part).toMatchObject({ content: toBase64url(digest), part: 0, final: true, trustHead: rig.world.state.head });
  });
});
