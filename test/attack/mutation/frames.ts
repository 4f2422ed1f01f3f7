/**
 * Every frame that an edge can send, bent and signed again, against the real warden in this process: handshake, order,
 * deliveries, pages, ends. Its gateway and its own log are the canary.
 */
import { toBase64url, utf8, utf8Text } from "../../../protocol/bytes.ts";
import { encodeCanonical, MalformedError } from "../../../protocol/canonical.ts";
import { assertedCodec } from "../../../protocol/messages.ts";
import { lookedCodec } from "../../../protocol/posture/outside.ts";
import { digestOf } from "../../../protocol/signing.ts";
import { inwardFrames, type InwardFrame } from "../../../protocol/tunnel.ts";
import type { HostLogLine } from "../../../agent/host/log.ts";
import { TunnelViolation } from "../../../agent/host/warden/connection.ts";
import { Rig, until } from "../../agent/host/warden/rig.ts";
import { createCredential } from "../../fixtures/authenticator.ts";
import { askAs, type Asked } from "../../agent/host/warden/asking.ts";
import { signedPrepare, TUNNEL, type SealedCommand } from "../../fixtures/command.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { WitnessedLog } from "../../fixtures/witnessed-log.ts";
import { NOW } from "../../fixtures/workspace.ts";
import { at, bentBytes, bentInside, closed, randomOf, type Json, type Random } from "../../protocol/campaign.ts";
import { bentWell } from "./bend.ts";
import {
  bytesOf,
  claim,
  has,
  pick,
  put,
  touchAgain,
  signEnvelope,
  signPrepare,
  signStatements,
  tlsSigner,
  type Holdings,
} from "./holdings.ts";
import { openedFrame, wrapPage } from "./subjects.ts";

export interface FrameTally {
  readonly mutants: number;
  readonly executed: number;
  readonly rules: Readonly<Record<string, number>>;
}

interface Course {
  readonly tree: Json;
  readonly sign: (tree: Json, random: Random) => Promise<Json>;
}

type Kind = InwardFrame["kind"];

async function holdingsOf({ world }: Rig): Promise<Holdings> {
  const { vera, scot, nora, ada } = world.people;
  const powerless = [vera, scot, nora].flatMap(({ passkey, daily }) => [passkey, daily]);
  const { dispatch, ledger, stranger, session } = world.keys;
  return {
    dispatch,
    keys: [dispatch, ledger, stranger, session, await tlsSigner()],
    passkeys: [...powerless, await createCredential()],
    claimed: [ada.passkey.pinned.credentialId],
  };
}

async function signRead(tree: Json, holdings: Holdings, random: Random): Promise<Json> {
  let next = tree;
  if (has(next, ["session", "opened"]) && random(3) === 0) {
    const passkey = pick(holdings.passkeys, random);
    next = await touchAgain(next, ["session", "opened"], { kind: "session", passkey, knobs: claim(holdings, random) });
  }
  if (has(next, ["session", "opened", "body"]) && has(next, ["read", "body", "opened", "session"]) && random(4) !== 0)
    next = put(next, ["read", "body", "opened", "session"], digestOf("session", bytesOf(at(next, SESSION_BODY))));
  const signature = await pick(holdings.keys, random).sign("read", bytesOf(at(next, ["read", "body"])));
  return put(next, ["read", "signature"], signature);
}
const SESSION_BODY = ["session", "opened", "body"];

const unsigned = (frame: InwardFrame): Course => ({
  tree: openedFrame(frame).tree,
  sign: (tree) => Promise.resolve(tree),
});

/** On a tunnel that waits for its welcome. */
async function welcomeOf(rig: Rig, holdings: Holdings): Promise<Course> {
  rig.tunnel = rig.connect();
  const signed = await rig.signWelcome(await rig.challenge());
  return {
    ...unsigned({ kind: "welcome", signed }),
    async sign(tree, random) {
      const signature = await pick(holdings.keys, random).sign("welcome", bytesOf(at(tree, ["signed", "body"])));
      return put(tree, ["signed", "signature"], signature);
    },
  };
}

/** An answer that nobody waits for, signed again by every key that an edge may hold. */
function lookedCourse({ workspace, host }: Rig["world"], holdings: Holdings): Course {
  const answer = { kind: "refused" as const, code: "look_too_often" as const };
  const body = lookedCodec.encode({ v: 1, workspace, host, look: nonceOf("look"), at: NOW, answer });
  const signed = { body: toBase64url(body), signature: toBase64url(new Uint8Array(64)) };
  return {
    ...unsigned({ kind: "looked", signed }),
    async sign(tree, random) {
      const signature = await pick(holdings.keys, random).sign("looked", bytesOf(at(tree, ["signed", "body"])));
      return put(tree, ["signed", "signature"], signature);
    },
  };
}

interface Honest {
  readonly command: SealedCommand;
  /** Content that a touch opened for this session. */
  readonly read: Asked;
}

/** On a welcomed tunnel; what is honest is not delivered yet. */
async function coursesOf(
  { world }: Rig,
  { command, read }: Honest,
  holdings: Holdings,
): Promise<Readonly<Record<Exclude<Kind, "welcome">, Course>>> {
  const [held] = world.statements.slice(-1);
  if (held === undefined) throw new TypeError("frames: no statement");
  const prepare = await signedPrepare(world, command.session);
  const asserted = command.submission.session;
  const session = toBase64url(assertedCodec.encode(asserted));
  const { workspace, keys } = world;
  const body = encodeCanonical({ v: 1, workspace, session: command.session, person: "p-ada", at: NOW });
  const by = { kind: "session" as const, signature: await keys.stranger.sign("session-end", body) };
  const end = { body: toBase64url(body), session: asserted, by };
  const log = new WitnessedLog(world).grow(4).receipt(1, nonceOf("receipt"));
  return {
    challenge: unsigned({ kind: "challenge", edgeNonce: nonceOf("another edge nonce"), tunnel: TUNNEL }),
    // A statement that the host holds: said again it changes nothing, and every mutant of it is somebody else's.
    trust: { ...unsigned(wrapPage(held)), sign: (tree, random) => signStatements(tree, holdings, random) },
    prepare: {
      ...unsigned({ kind: "prepare", prepare, session }),
      sign: (tree, random) => signPrepare(tree, { ...holdings, keys: holdings.keys.slice(0, 3) }, random),
    },
    deliver: {
      ...unsigned({ kind: "deliver", number: 1, envelope: toBase64url(command.bytes) }),
      sign: (tree, random) => signEnvelope(tree, holdings, random),
    },
    read: {
      ...unsigned({ kind: "read", read: read.read, session }),
      sign: (tree, random) => signRead(tree, { ...holdings, keys: holdings.keys.slice(0, 3) }, random),
    },
    "session-end": unsigned({ kind: "session-end", end }),
    ack: unsigned({ kind: "ack", receipt: 1 }),
    checkpoint: unsigned(await log.frame()),
    proof: unsigned(await log.proof({ from: 2, to: log.size, receipts: [1] })),
    certificate: unsigned({ kind: "certificate", certificate: nonceOf("certificate") }),
    "certificate-refused": unsigned({ kind: "certificate-refused", code: "not_due" }),
    drain: unsigned({ kind: "drain" }),
    watch: unsigned({ kind: "watch", seconds: 60 }),
    looked: lookedCourse(world, holdings),
  };
}

/** Undefined when nobody could write it. */
async function mutant({ tree, sign }: Course, random: Random): Promise<string | undefined> {
  try {
    if (random(5) === 0) {
      const text = utf8Text(encodeCanonical(closed(tree)));
      return utf8Text(bentBytes(utf8(text), random));
    }
    const bent = random(2) === 0 ? bentWell(tree, tree, random) : bentInside(tree, tree, random);
    const text = utf8Text(encodeCanonical(closed(await sign(bent, random))));
    return text === utf8Text(encodeCanonical(closed(tree))) ? undefined : text;
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** What the warden says to a frame: closed over it, refused, or taken (and then nothing may run). */
async function hand(rig: Rig, text: string): Promise<string> {
  const before = rig.logged.length;
  try {
    const frame = inwardFrames.decode(text);
    await rig.receive(frame);
    if (frame.kind === "deliver" || frame.kind === "prepare") await rig.idle();
    if (frame.kind === "read") await until(() => rig.logged.slice(before).some(isOfRead));
    const said = rig.logged.slice(before).find((line) => line["code"] !== undefined);
    return said === undefined ? `taken: ${frame.kind}` : `${frame.kind}.${String(said["code"])}`;
  } catch (error) {
    if (error instanceof TunnelViolation) return `tunnel.${error.code}`;
    if (error instanceof MalformedError) return "frame";
    throw error;
  }
}

const isOfRead = ({ event }: HostLogLine): boolean => typeof event === "string" && event.startsWith("read_");

const BATCH = 40;

class Rounds {
  readonly rules: Record<string, number> = {};
  made = 0;
  readonly #rig: Rig;
  readonly #holdings: Holdings;
  readonly #random: Random;
  readonly #honest = new Set<string>();

  constructor(rig: Rig, holdings: Holdings, random: Random) {
    this.#rig = rig;
    this.#holdings = holdings;
    this.#random = random;
  }

  /** One honest command that waits while mutants of everything are handed in, and then runs all the same, once. */
  async round(): Promise<void> {
    const rig = this.#rig;
    await rig.welcome();
    const command = await rig.command();
    this.#honest.add(command.digest);
    const read = await askAs(rig.world, command, { operation: "content.logs@1", iat: rig.wallSeconds() });
    this.#honest.add(read.digest);
    rig.context.grants.drop(command.session);
    rig.context.grants.grant({ session: command.session, kinds: ["logs"], seconds: 900, only: undefined });
    const courses = await coursesOf(rig, { command, read }, this.#holdings);
    for (const name of Object.keys(courses) as (keyof typeof courses)[])
      for (let i = 0; i < BATCH; i += 1) {
        const outcome = await this.#try(courses[name]);
        if (outcome.startsWith("tunnel.")) await rig.welcome();
      }
    for (let i = 0; i < BATCH; i += 1) await this.#try(await welcomeOf(rig, this.#holdings));
    await rig.welcome();
    await rig.deliver(command.bytes);
    const { verdict, intent } = rig.lastReceipt();
    if (verdict !== "executed" || intent !== command.digest)
      throw new Error(`frames: the honest command after the mutants was ${verdict}`);
    const session = toBase64url(assertedCodec.encode(command.submission.session));
    await rig.receive({ kind: "read", read: read.read, session });
    await until(() => this.#answered.includes(read.digest));
  }

  async #try(course: Course): Promise<string> {
    const text = await mutant(course, this.#random);
    if (text === undefined) return "";
    this.made += 1;
    const outcome = await hand(this.#rig, text);
    this.rules[outcome] = (this.rules[outcome] ?? 0) + 1;
    return outcome;
  }

  get #answered(): readonly string[] {
    return this.#rig.logged.filter((line) => line["event"] === "read_answered").map((line) => String(line["read"]));
  }

  /** Executions of anything but an honest command, and of an honest one more than once; answers to nobody honest. */
  get executed(): number {
    const answered = this.#answered;
    const forged = answered.length - new Set(answered.filter((digest) => this.#honest.has(digest))).size;
    const ran = this.#rig.logged.filter((line) => line["step"] === "executing").map((line) => String(line["intent"]));
    const lawful = new Set(ran.filter((intent) => this.#honest.has(intent))).size;
    return Math.max(ran.length, this.#rig.gateway.restarts) - lawful + forged;
  }
}

export async function runFrames(mutants: number, seed: number): Promise<FrameTally> {
  const readings = { read: () => Promise.resolve({ at: NOW, cursor: 0, isReset: false, lines: [{ text: "canary" }] }) };
  const rig = await Rig.open({ readings });
  try {
    const rounds = new Rounds(rig, await holdingsOf(rig), randomOf(seed));
    while (rounds.made < mutants) await rounds.round();
    return { mutants: rounds.made, executed: rounds.executed, rules: rounds.rules };
  } finally {
    await rig.close();
  }
}
