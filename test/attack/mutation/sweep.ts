/** Every byte of every honest frame, one bit flipped, once: random mutants are many, these leave no place out. */
import { utf8, utf8Text } from "../../../protocol/bytes.ts";
import { randomOf } from "../../protocol/campaign.ts";
import { makeSubjects } from "./honest.ts";
import { HONEST } from "./subjects.ts";

export interface Sweep {
  readonly flipped: number;
  /** Flips that were obeyed. */
  readonly forged: readonly string[];
}

export interface Share {
  readonly index: number;
  readonly of: number;
  readonly seed: number;
}

/** The share of the bytes that one processor takes. */
export async function sweep({ index, of, seed }: Share): Promise<Sweep> {
  const random = randomOf(seed);
  const frames = new Map((await makeSubjects()).map((subject) => [subject.text, subject]));
  const forged: string[] = [];
  let flipped = 0;
  for (const [text, subject] of frames) {
    const bytes = utf8(text);
    for (let place = index; place < bytes.length; place += of) {
      // Seven bits: the eighth makes what is no UTF-8, and a tunnel carries text.
      const mutant = utf8Text(bytes.with(place, (bytes[place] ?? 0) ^ (1 << random(7))));
      const { rule, forged: isForged } = await subject.judge(mutant, random);
      flipped += 1;
      // The number of a delivery is nobody's word: the honest command behind another one stays honest.
      if (isForged && rule !== HONEST) forged.push(`byte ${String(place)} of ${subject.name}`);
    }
  }
  return { flipped, forged };
}
