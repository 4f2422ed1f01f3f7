/**
 * Every frame that an edge can send, bent and signed again, against the real warden in this process: handshake, order,
 * deliveries, pages, ends. Its gateway and its own log are the canary.
 */
import { toBase64url, utf8, utf8Text } from "../../../protocol/bytes.ts";
import { encodeCanonical, MalformedError } from "../../../protocol/canonical.ts";
import { assertedCodec } from "../../../protocol/messages.ts";
import { inwardFrames, type InwardFrame } from "../../../protocol/tunnel.ts";
import { TunnelViolation } from "../../../agent/host/warden/connection.ts";
import { Rig } from "../../agent/host/warden/rig.ts";
import { createCredential } from "../../fixtures/authenticator.ts";
import { signedPrepare, TUNNEL, type SealedCommand } from "../../fixtures/command.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { WitnessedLog } from "../../fixtures/witnessed-log.ts";
import { NOW } from "../../fixtures/workspace.ts";
import { at, bentBytes, bentInside, closed, randomOf, type Json, type Random } from "../../protocol/campaign.ts";
import { bentWell } from "./bend.ts";
import { bytesOf, pick, put, signEnvelope, signPrepare, signStatements, tlsSigner, type Holdings } from "./holdings.ts";
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

/** On a welcomed tunnel; the command is honest and not delivered yet. */
async function coursesOf(
  { world }: Rig,
  command: SealedCommand,
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
    read: unsigned({ kind: "read", read: prepare, session }),
    "session-end": unsigned({ kind: "session-end", end }),
    ack: unsigned({ kind: "ack", receipt: 1 }),
    checkpoint: unsigned(await log.frame()),
    proof: unsigned(await log.proof({ from: 2, to: log.size, receipts: [1] })),
    certificate: unsigned({ kind: "certificate", certificate: nonceOf("certificate") }),
    "certificate-refused": unsigned({ kind: "certificate-refused", code: "not_due" }),
    drain: unsigned({ kind: "drain" }),
    watch: unsigned({ kind: "watch", seconds: 60 }),
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
    const said = rig.logged.slice(before).find((line) => line["code"] !== undefined);
    return said === undefined ? `taken: ${frame.kind}` : `${frame.kind}.${String(said["code"])}`;
  } catch (error) {
    if (error instanceof TunnelViolation) return `tunnel.${error.code}`;
    if (error instanceof MalformedError) return "frame";
    throw error;
  }
}

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
    const courses = await coursesOf(rig, command, this.#holdings);
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
  }

  async #try(course: Course): Promise<string> {
    const text = await mutant(course, this.#random);
    if (text === undefined) return "";
    this.made += 1;
    const outcome = await hand(this.#rig, text);
    this.rules[outcome] = (this.rules[outcome] ?? 0) + 1;
    return outcome;
  }

  /** Executions of anything but an honest command, and of an honest one more than once. */
  get executed(): number {
    const ran = this.#rig.logged.filter((line) => line["step"] === "executing").map((line) => String(line["intent"]));
    const lawful = new Set(ran.filter((intent) => this.#honest.has(intent))).size;
    return Math.max(ran.length, this.#rig.gateway.restarts) - lawful;
  }
}

export async function runFrames(mutants: number, seed: number): Promise<FrameTally> {
  const rig = await Rig.open();
  try {
    const rounds = new Rounds(rig, await holdingsOf(rig), randomOf(seed));
    while (rounds.made < mutants) await rounds.round();
    return { mutants: rounds.made, executed: rounds.executed, rules: rounds.rules };
  } finally {
    await rig.close();
  }
}
