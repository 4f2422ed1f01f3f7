/**
 * Reads the few keys that tell where a gateway listens and how it wants to be spoken to, out of a JSON5 file that
 * people edit by hand. Written here because one small parser is easier to trust than one more package; it accepts
 * JSON plus comments, trailing commas, single quotes, bare keys and leading or trailing dots in numbers.
 * It returns nothing else of the file: it holds the user's secrets.
 */

/** Real files are a few KB; includes and secrets live elsewhere. */
export const MAX_CONFIGURATION_CHARACTERS = 1_048_576;
const MAX_CONFIGURATION_DEPTH = 64;

export class ConfigurationSyntaxError extends Error {
  override readonly name = "ConfigurationSyntaxError";
  readonly at: number;

  /** Says where, never what: the text around the place may be a secret. */
  constructor(at: number) {
    super(`The configuration does not parse at character ${String(at)}.`);
    this.at = at;
  }
}

export type Json5 = string | number | boolean | undefined | readonly Json5[] | { readonly [key: string]: Json5 };

/** Parses JSON5 as described above. `null` reads as undefined. Throws `ConfigurationSyntaxError`. */
export function parseConfiguration(text: string): Json5 {
  if (text.length > MAX_CONFIGURATION_CHARACTERS) throw new ConfigurationSyntaxError(MAX_CONFIGURATION_CHARACTERS);
  const parser = new Parser(text.startsWith("\uFEFF") ? text.slice(1) : text);
  return parser.document();
}

const escapes: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v", "0": "\0" };
const words: Readonly<Record<string, Json5>> = {
  true: true,
  false: false,
  null: undefined,
  Infinity: Infinity,
  NaN: NaN,
};
const BARE = /[\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}$_]+/uy;
const NUMBER = /[+-]?(?:0[xX][0-9A-Fa-f]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/y;
const GAP = /(?:\s|\/\/[^\n\r]*|\/\*[^]*?\*\/)+/y;

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): Json5 {
    const value = this.#value();
    this.#gap();
    if (this.#at !== this.#text.length) throw this.#error();
    return value;
  }

  #error(): ConfigurationSyntaxError {
    return new ConfigurationSyntaxError(this.#at);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #gap(): void {
    this.#match(GAP);
  }

  #take(character: string): boolean {
    this.#gap();
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #value(): Json5 {
    this.#depth += 1;
    if (this.#depth > MAX_CONFIGURATION_DEPTH) throw this.#error();
    const value = this.#anyValue();
    this.#depth -= 1;
    return value;
  }

  #anyValue(): Json5 {
    if (this.#take("{")) return this.#object();
    if (this.#take("[")) return this.#array();
    const quote = this.#text[this.#at];
    if (quote === '"' || quote === "'") return this.#string(quote);
    const number = this.#match(NUMBER);
    if (number !== undefined) return readNumber(number);
    const word = this.#match(BARE);
    if (word !== undefined && Object.hasOwn(words, word)) return words[word];
    throw this.#error();
  }

  #object(): Json5 {
    const found: Record<string, Json5> = Object.create(null) as Record<string, Json5>;
    while (!this.#take("}")) {
      const quote = this.#text[this.#at];
      const key = quote === '"' || quote === "'" ? this.#string(quote) : this.#match(BARE);
      if (key === undefined || !this.#take(":")) throw this.#error();
      found[key] = this.#value();
      if (!this.#take(",") && !this.#sees("}")) throw this.#error();
    }
    return found;
  }

  #array(): Json5 {
    const found: Json5[] = [];
    while (!this.#take("]")) {
      found.push(this.#value());
      if (!this.#take(",") && !this.#sees("]")) throw this.#error();
    }
    return found;
  }

  #sees(character: string): boolean {
    this.#gap();
    return this.#text[this.#at] === character;
  }

  #string(quote: string): string {
    this.#at += 1;
    let found = "";
    for (;;) {
      const character = this.#text[this.#at];
      if (character === undefined || character === "\n" || character === "\r") throw this.#error();
      this.#at += 1;
      if (character === quote) return found;
      found += character === "\\" ? this.#escape() : character;
    }
  }

  #escape(): string {
    const character = this.#text[this.#at];
    if (character === undefined) throw this.#error();
    this.#at += 1;
    if (character === "u") return this.#codeUnit(4);
    if (character === "x") return this.#codeUnit(2);
    if (character === "\r" && this.#text[this.#at] === "\n") this.#at += 1;
    if (character === "\n" || character === "\r") return "";
    return escapes[character] ?? character;
  }

  #codeUnit(length: number): string {
    const digits = this.#text.slice(this.#at, this.#at + length);
    if (digits.length !== length || !/^[0-9A-Fa-f]+$/.test(digits)) throw this.#error();
    this.#at += length;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }
}

function readNumber(text: string): number {
  const isNegative = text.startsWith("-");
  const size = Number(text.replace(/^[+-]/, ""));
  return isNegative ? -size : size;
}
