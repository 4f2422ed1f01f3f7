/**
 * The mutant campaign against the rules themselves, in this process: honest frames bent as bytes or at any field, most
 * of them written canonically again and signed with every key that the attacker holds. None may be obeyed.
 */
import { utf8, utf8Text } from "../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import { bentBytes, bentInside, closed, randomOf, type Random } from "../../protocol/campaign.ts";
import { bentWell } from "./bend.ts";
import { makeSubjects } from "./honest.ts";
import { pick } from "./holdings.ts";
import { HONEST, type Subject } from "./subjects.ts";

export interface Tally {
  readonly mutants: number;
  /** Written canonically again and signed again. */
  readonly signedAgain: number;
  readonly rules: Readonly<Record<string, number>>;
  /** Mutants that were obeyed: seed and frame. Empty, or the claim is false. */
  readonly forged: readonly string[];
}

/** A frame, or undefined when nothing was bent or nobody could write it. */
async function mutate(subject: Subject, isSignedAgain: boolean, random: Random): Promise<string | undefined> {
  if (!isSignedAgain) return lenient(bentBytes(utf8(subject.text), random));
  try {
    let { tree } = subject;
    // None at all is an attack too: the honest words under somebody else's signature.
    for (let bends = random(3); bends > 0; bends -= 1)
      tree = (random(5) === 0 ? bentInside : bentWell)(tree, pick(subject.donors, random), random);
    const text = utf8Text(encodeCanonical(closed(await subject.sign(tree, random))));
    return text === subject.text ? undefined : text;
  } catch (error) {
    // Bent so far that no message is left to sign: not even the edge could send it.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** A tunnel carries text: what is no UTF-8 never reaches a rule. */
function lenient(bytes: Uint8Array): string | undefined {
  try {
    return utf8Text(bytes);
  } catch {
    return undefined;
  }
}

/** Commands are what it is about: they get half of all mutants. */
function choose(subjects: readonly Subject[], random: Random): Subject {
  return random(2) === 0 ? pick(subjects.slice(0, 7), random) : pick(subjects.slice(7), random);
}

export async function runCampaign(mutants: number, seed: number): Promise<Tally> {
  const subjects = await makeSubjects();
  const random = randomOf(seed);
  const rules: Record<string, number> = {};
  const forged: string[] = [];
  let signedAgain = 0;
  for (let made = 0; made < mutants;) {
    const subject = choose(subjects, random);
    const isSignedAgain = random(5) !== 0;
    const text = await mutate(subject, isSignedAgain, random);
    if (text === undefined || text === subject.text) continue;
    const { rule, forged: isForged } = await subject.judge(text, random);
    rules[rule] = (rules[rule] ?? 0) + 1;
    // An honest message that was only wrapped or ordered anew attacks nothing.
    if (rule === HONEST) continue;
    made += 1;
    if (isSignedAgain) signedAgain += 1;
    if (isForged && forged.length < 10)
      forged.push(`mutant ${String(made)} of seed ${String(seed)}, ${subject.name}: ${text}`);
  }
  return { mutants, signedAgain, rules, forged };
}
