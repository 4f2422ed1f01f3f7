/**
 * Mutants over the real socket of the running agent: honest commands of three people, captured before they were
 * delivered and with live challenges, bent at random places; most are written canonically again and signed again with
 * every key that the attacker holds. None may run. (The rules themselves get far more, in mutation/.)
 */
import { equalBytes, utf8Text } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { at, bentBytes, bentInside, opened, randomOf, type Json, type Random } from "../protocol/campaign.ts";
import { treeOf } from "./captured.ts";
import { bentWell } from "./mutation/bend.ts";
import { bytesOf, pick, signEnvelope, tlsSigner, type Holdings } from "./mutation/holdings.ts";
import type { Outcome, Scene } from "./scene.ts";
import type { ActorName } from "./town.ts";

export interface Campaign {
  readonly mutants: number;
  /** Written canonically again and signed with what the attacker holds. */
  readonly signedAgain: number;
  readonly executed: number;
  readonly refusedBy: Readonly<Record<string, number>>;
  /** The first mutants that ran or that nothing answered, for whoever has to look. */
  readonly findings: readonly string[];
  /** Mutants that were answered when they were delivered again. */
  readonly secondTries: readonly string[];
}

const PEOPLE: readonly ActorName[] = ["otto", "ada", "olga"];
/** Captured envelopes are replaced before their approvals grow old: a mutant shall fail for its own reason. */
const FRESH_MILLISECONDS = 30_000;

interface Captured {
  readonly bytes: Uint8Array;
  /** Opened, in the place where a frame carries it. */
  readonly tree: Json;
  /** All but the dispatch: whoever delivers exactly this delivers an honest command. */
  readonly said: string;
}

function saidBy(envelope: Uint8Array): string {
  const { dispatch: _dispatch, ...rest } = treeOf(envelope);
  return utf8Text(encodeCanonical(rest));
}

class Captures {
  readonly #scene: Scene;
  #captured: readonly Captured[] = [];
  #at = Number.NEGATIVE_INFINITY;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  forget(): void {
    this.#at = Number.NEGATIVE_INFINITY;
  }

  async current(): Promise<readonly Captured[]> {
    if (performance.now() - this.#at < FRESH_MILLISECONDS) return this.#captured;
    const captured = [];
    for (const name of PEOPLE) {
      const { bytes } = await this.#scene.seal(await this.#scene.draft(this.#scene.town.actors[name]));
      const envelope = { opened: opened(treeOf(bytes) as Json) };
      captured.push({ bytes, tree: { envelope }, said: saidBy(bytes) });
    }
    this.#captured = captured;
    this.#at = performance.now();
    return captured;
  }
}

/** The edge's keys, a stolen session key, and passkeys of people who may not. */
async function holdingsOf({ town }: Scene): Promise<Holdings> {
  const { keys } = town.world;
  const { otto, ada, olga, vera, scot, nora, rex } = town.actors;
  const stolen = Array.from({ length: 4 }, () => otto.sessionKey);
  return {
    dispatch: keys.dispatch,
    keys: [keys.dispatch, keys.ledger, town.mallory.key, await tlsSigner(), vera.sessionKey, ...stolen],
    passkeys: [...[vera, scot, nora, rex].flatMap(({ passkey, daily }) => [passkey, daily]), town.mallory.passkey],
    claimed: [otto, ada, olga].map(({ passkey }) => passkey.pinned.credentialId),
  };
}

interface Material {
  readonly mine: Captured;
  readonly captured: readonly Captured[];
  readonly holdings: Holdings;
}

/** Undefined when nothing was bent, or nobody could write the result. */
async function mutate({ mine, captured, holdings }: Material, random: Random): Promise<Uint8Array | undefined> {
  try {
    let { tree } = mine;
    for (let bends = random(3); bends > 0; bends -= 1)
      tree = (random(5) === 0 ? bentInside : bentWell)(tree, pick(captured, random).tree, random);
    const bytes = bytesOf(at(await signEnvelope(tree, holdings, random), ["envelope"]));
    return captured.some(({ said }) => said === saidBy(bytes)) ? undefined : bytes;
  } catch (error) {
    // Bent so far that no message is left to sign: not even the edge could send it.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

function isRefusal(outcome: Outcome): boolean {
  return outcome !== "executed" && outcome !== "failed" && outcome !== "silence" && outcome !== "known";
}

export async function runMutants(scene: Scene, mutants: number, seed: number): Promise<Campaign> {
  const random = randomOf(seed);
  const captures = new Captures(scene);
  const holdings = await holdingsOf(scene);
  const refusedBy: Record<string, number> = {};
  const findings: string[] = [];
  const secondTries: string[] = [];
  const before = scene.unapproved;
  let signedAgain = 0;
  for (let made = 0; made < mutants;) {
    const captured = await captures.current();
    const mine = pick(captured, random);
    const isSignedAgain = random(5) !== 0;
    const mutant = isSignedAgain ? await mutate({ mine, captured, holdings }, random) : bentBytes(mine.bytes, random);
    if (mutant === undefined || equalBytes(mutant, mine.bytes)) continue;
    made += 1;
    if (isSignedAgain) signedAgain += 1;
    const first = await scene.deliver(mutant);
    const outcome = first === "silence" ? await scene.deliver(mutant) : first;
    if (outcome !== first) secondTries.push(`mutant ${String(made)} of seed ${String(seed)}: first ${first}`);
    refusedBy[outcome] = (refusedBy[outcome] ?? 0) + 1;
    if (!isRefusal(outcome) && findings.length < 10)
      findings.push(`${outcome}: mutant ${String(made)} of seed ${String(seed)}`);
    if (outcome.startsWith("tunnel.")) {
      await scene.join();
      captures.forget();
    }
  }
  return { mutants, signedAgain, executed: scene.unapproved - before, refusedBy, findings, secondTries };
}
