/**
 * The mutant campaign: honest envelopes of two people, captured before they were delivered and with live challenges,
 * changed at random places and delivered over the real socket. At least half are written canonically again and get a
 * fresh dispatch, so that they pass every rule that the edge's own keys open. None may run.
 */
import { concatBytes, fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import { equalBytes } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { CHALLENGE, type SealedCommand } from "../fixtures/command.ts";
import { dispatched, encodeInner, innerTree, treeOf, type Tree } from "./captured.ts";
import type { Outcome, Scene } from "./scene.ts";
import type { ActorName } from "./town.ts";

export interface Campaign {
  readonly mutants: number;
  /** Written canonically again and dispatched with the real key. */
  readonly signedAgain: number;
  readonly executed: number;
  readonly refusedBy: Readonly<Record<string, number>>;
  /** The first mutants that ran or that nothing answered, for whoever has to look. */
  readonly findings: readonly string[];
}

/** A small generator with a seed that is printed, so that a finding can be made again. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  pick<T>(list: readonly T[]): T {
    const picked = list[this.below(list.length)];
    if (picked === undefined) throw new TypeError("dice: nothing to pick from");
    return picked;
  }
}

type Path = readonly (string | number)[];

function leaves(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([key, item]) =>
    leaves(item, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}

function at(tree: unknown, path: Path): unknown {
  let here = tree;
  for (const key of path) here = (here as Tree)[key];
  return here;
}

function put(tree: unknown, path: Path, value: unknown): void {
  const last = path.at(-1);
  if (last !== undefined) (at(tree, path.slice(0, -1)) as Tree)[last] = value;
}

/** Places whose text holds JSON of its own. */
const INNER: readonly Path[] = [
  ["intent"],
  ["session", "body"],
  ["approvals", 0, "body"],
  ["session", "assertion", "clientData"],
  ["approvals", 0, "assertion", "clientData"],
];

function flipByte(bytes: Uint8Array, dice: Dice): Uint8Array {
  const place = dice.below(bytes.length);
  return bytes.with(place, (bytes[place] ?? 0) ^ (1 << dice.below(8)));
}

/** Another value of the same kind, near the old one. */
function bentValue(value: unknown, dice: Dice): unknown {
  if (typeof value === "number") return value + dice.pick([-1, 1, 60, -60, 1_000_000]);
  if (typeof value === "boolean") return !value;
  const text = String(value);
  if (/^[A-Za-z0-9_-]{43,}$/.test(text)) return toBase64url(flipByte(fromBase64url(text), dice));
  const place = dice.below(text.length);
  return text.slice(0, place) + dice.pick(["a", "b", "x", "z", "0", "9", "-"]) + text.slice(place + 1);
}

type Mutation = (mine: Tree, other: Tree, dice: Dice) => void;

const mutations: readonly Mutation[] = [
  // One bit of any member that carries bytes.
  (mine, _other, dice) => {
    const path = dice.pick(leaves(mine).filter((leaf) => leaf[0] !== "dispatch"));
    put(mine, path, toBase64url(flipByte(fromBase64url(String(at(mine, path))), dice)));
  },
  // One value inside a signed body.
  (mine, _other, dice) => {
    const place = dice.pick(INNER);
    const inner = innerTree(at(mine, place));
    const leaf = dice.pick(leaves(inner));
    put(inner, leaf, bentValue(at(inner, leaf), dice));
    put(mine, place, encodeInner(inner));
  },
  // One value inside a signed body, taken from the other's.
  (mine, other, dice) => {
    const place = dice.pick(INNER);
    const inner = innerTree(at(mine, place));
    const theirs = innerTree(at(other, place));
    const leaf = dice.pick(leaves(inner));
    put(inner, leaf, at(theirs, leaf) ?? "x");
    put(mine, place, encodeInner(inner));
  },
  // A whole member of the other's.
  (mine, other, dice) => {
    const path = dice.pick<Path>([
      ["intent"],
      ["sessionSignature"],
      ["session"],
      ["session", "body"],
      ["session", "assertion"],
      ["approvals"],
      ["approvals", 0, "body"],
      ["approvals", 0, "assertion"],
      ...leaves(mine).filter((leaf) => leaf[0] !== "dispatch"),
    ]);
    put(mine, path, at(other, path));
  },
  // A member less or more in a signed body.
  (mine, _other, dice) => {
    const place = dice.pick(INNER);
    const inner = innerTree(at(mine, place));
    if (dice.below(2) === 0) delete inner[dice.pick(Object.keys(inner))];
    else
      inner[dice.pick(["a", "kind", "proposal", "crossOrigin", "topOrigin", "decision"])] = dice.pick([
        1,
        "approve",
        true,
      ]);
    put(mine, place, encodeInner(inner));
  },
  // A value moved between two places of one envelope.
  (mine, _other, dice) => {
    const paths = leaves(mine).filter((leaf) => leaf[0] !== "dispatch");
    put(mine, dice.pick(paths), at(mine, dice.pick(paths)));
  },
];

/** Raw bytes of the envelope, without any care for form. */
function scratch(bytes: Uint8Array, dice: Dice): Uint8Array {
  const place = dice.below(bytes.length);
  switch (dice.below(4)) {
    case 0:
      return flipByte(bytes, dice);
    case 1:
      return concatBytes(bytes.subarray(0, place), bytes.subarray(place + 1 + dice.below(8)));
    case 2:
      return concatBytes(bytes.subarray(0, place), Uint8Array.of(dice.below(256)), bytes.subarray(place));
    default:
      return bytes.with(place, dice.below(256));
  }
}

const PEOPLE: readonly ActorName[] = ["otto", "ada", "olga"];
/** Captured envelopes are replaced before their approvals grow old: a mutant shall fail for its own reason. */
const FRESH_MILLISECONDS = 30_000;

class Captures {
  readonly #scene: Scene;
  #sealed: readonly SealedCommand[] = [];
  #at = Number.NEGATIVE_INFINITY;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  async current(): Promise<readonly SealedCommand[]> {
    if (performance.now() - this.#at < FRESH_MILLISECONDS) return this.#sealed;
    const sealed = [];
    for (const name of PEOPLE)
      sealed.push(await this.#scene.seal(await this.#scene.draft(this.#scene.town.actors[name])));
    this.#sealed = sealed;
    this.#at = performance.now();
    return sealed;
  }
}

export async function runMutants(scene: Scene, mutants: number, seed: number): Promise<Campaign> {
  const dice = new Dice(seed);
  const captures = new Captures(scene);
  const refusedBy: Record<string, number> = {};
  const findings: string[] = [];
  const before = scene.canary.restarts;
  let signedAgain = 0;
  let executed = 0;
  for (let made = 0; made < mutants;) {
    const sealed = await captures.current();
    const mine = dice.pick(sealed);
    const isSignedAgain = dice.below(4) !== 0;
    const mutant = isSignedAgain
      ? await recanonicalised({ scene, mine, other: dice.pick(sealed) }, dice)
      : scratch(mine.bytes, dice);
    if (mutant === undefined || equalBytes(mutant, mine.bytes)) continue;
    made += 1;
    if (isSignedAgain) signedAgain += 1;
    const outcome = await scene.deliver(mutant);
    refusedBy[outcome] = (refusedBy[outcome] ?? 0) + 1;
    if (!isRefusal(outcome) && findings.length < 10)
      findings.push(`${outcome}: mutant ${String(made)} of seed ${String(seed)}`);
    if (outcome === "executed") executed += 1;
    if (outcome.startsWith("tunnel.")) await scene.join();
  }
  executed = Math.max(executed, scene.canary.restarts - before);
  return { mutants, signedAgain, executed, refusedBy, findings };
}

function isRefusal(outcome: Outcome): boolean {
  return outcome !== "executed" && outcome !== "failed" && outcome !== "silence" && outcome !== "known";
}

interface Pair {
  readonly scene: Scene;
  readonly mine: SealedCommand;
  readonly other: SealedCommand;
}

/** Undefined when the mutation changed nothing that is signed or named, or left no intent to dispatch. */
async function recanonicalised({ scene, mine, other }: Pair, dice: Dice): Promise<Uint8Array | undefined> {
  const tree = treeOf(mine.bytes);
  const original = encodeCanonical({ ...tree, dispatch: CHALLENGE });
  try {
    dice.pick(mutations)(tree, treeOf(other.bytes), dice);
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
  if (equalBytes(encodeCanonical({ ...tree, dispatch: CHALLENGE }), original)) return undefined;
  return typeof tree["intent"] === "string" ? dispatched(scene, tree) : undefined;
}
