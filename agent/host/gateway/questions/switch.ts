/** Whether Clawhold answers a gateway's questions on this host: off until somebody switched it on, and kept over restarts. */
import { join } from "node:path";
import * as v from "valibot";
import { writeFileAtomically } from "../../../shared/atomic-file.ts";
import { readPrivateFile } from "../../private-file.ts";

const schema = v.strictObject({ v: v.literal(1), on: v.boolean() });

export class QuestionSwitch {
  readonly #path: string;
  #isOn: boolean;

  /** A damaged file reads as off: then the gateway refuses by itself, which harms nobody. */
  constructor(directory: string) {
    this.#path = join(directory, "questions.json");
    this.#isOn = readOn(this.#path);
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  set(on: boolean): void {
    writeFileAtomically(this.#path, JSON.stringify({ v: 1, on }));
    this.#isOn = on;
  }
}

function readOn(path: string): boolean {
  const text = readPrivateFile(path);
  if (text === undefined) return false;
  try {
    const read = v.safeParse(schema, JSON.parse(text));
    return read.success && read.output.on;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
