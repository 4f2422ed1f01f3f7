/**
 * Reads JSON with comments and trailing commas, as Tailscale keeps a tailnet's policy, and knows where everything stands
 * in the text: an edit changes the characters that are ours and no others, so that people's comments and order survive.
 * Refuses what is malformed; repairs nothing.
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Half open, in UTF-16 units of the text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** An element of an array or a member of an object. */
export interface Item extends Span {
  /** Members only. */
  readonly key: string | undefined;
  readonly value: Node;
  /** Comments between the item before and this one. */
  readonly comments: readonly Span[];
  /** Behind the comma that follows, if one does. */
  readonly afterComma: number | undefined;
}

export interface Node extends Span {
  readonly json: Json;
  /** Of arrays and objects. */
  readonly items: readonly Item[];
}

export class HujsonError extends Error {
  override readonly name = "HujsonError";
}

/** A policy is a few hundred lines; Tailscale's own limit is of this order. */
export const MAX_POLICY_CHARACTERS = 1_000_000;
const MAX_DEPTH = 64;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// eslint-disable-next-line no-control-regex -- JSON forbids exactly these unescaped
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORDS = { true: true, false: false, null: null } as const;

/** @throws {HujsonError} naming line and column. */
export function parseHujson(text: string): Node {
  if (text.length > MAX_POLICY_CHARACTERS) throw new HujsonError("the text is too long");
  const reader = new Reader(text);
  reader.skip();
  const node = reader.value(0);
  reader.skip();
  if (reader.at < text.length) throw reader.wrong("more after the end");
  return node;
}

class Reader {
  readonly #text: string;
  at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): Node {
    if (depth > MAX_DEPTH) throw this.wrong("nested too deeply");
    const start = this.at;
    switch (this.#text[start]) {
      case "{":
        return this.#object(depth);
      case "[":
        return this.#array(depth);
      case '"':
        return this.#leaf(start, JSON.parse(this.#match(STRING, "a string")) as string);
      default:
        return this.#leaf(start, this.#wordOrNumber());
    }
  }

  /** White space and comments; the comments. */
  skip(): readonly Span[] {
    const comments: Span[] = [];
    for (;;) {
      while (/[ \t\r\n]/.test(this.#text[this.at] ?? "")) this.at += 1;
      const start = this.at;
      if (this.#text.startsWith("//", start)) {
        const end = this.#text.indexOf("\n", start);
        this.at = end < 0 ? this.#text.length : end;
      } else if (this.#text.startsWith("/*", start)) {
        const end = this.#text.indexOf("*/", start + 2);
        if (end < 0) throw this.wrong("a comment without an end");
        this.at = end + 2;
      } else return comments;
      comments.push({ start, end: this.at });
    }
  }

  wrong(what: string): HujsonError {
    const before = this.#text.slice(0, this.at).split("\n");
    return new HujsonError(`line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}: ${what}`);
  }

  #leaf(start: number, json: Json): Node {
    return { start, end: this.at, json, items: [] };
  }

  #wordOrNumber(): Json {
    for (const [word, json] of Object.entries(WORDS)) {
      if (!this.#text.startsWith(word, this.at)) continue;
      this.at += word.length;
      return json;
    }
    return Number(this.#match(NUMBER, "a value"));
  }

  #match(pattern: RegExp, what: string): string {
    pattern.lastIndex = this.at;
    const [found] = pattern.exec(this.#text) ?? [];
    if (found === undefined) throw this.wrong(`expected ${what}`);
    this.at += found.length;
    return found;
  }

  #array(depth: number): Node {
    const start = this.at;
    const items = this.#items("]", () => ({ key: undefined, value: this.value(depth + 1) }));
    return { start, end: this.at, json: items.map(({ value }) => value.json), items };
  }

  #object(depth: number): Node {
    const start = this.at;
    const keys = new Set<string>();
    const items = this.#items("}", () => {
      const key = JSON.parse(this.#match(STRING, "a name in quotes")) as string;
      if (keys.has(key)) throw this.wrong(`${JSON.stringify(key)} stands there twice`);
      keys.add(key);
      this.skip();
      this.#expect(":");
      this.skip();
      return { key, value: this.value(depth + 1) };
    });
    const json = Object.fromEntries(items.map(({ key = "", value }) => [key, value.json]));
    return { start, end: this.at, json, items };
  }

  #items(close: string, read: () => Pick<Item, "key" | "value">): Item[] {
    const items: Item[] = [];
    this.at += 1;
    for (;;) {
      const comments = this.skip();
      if (this.#text[this.at] === close) break;
      const start = this.at;
      const item = read();
      const end = this.at;
      const isFollowed = this.#comma();
      items.push({ ...item, start, end, comments, afterComma: isFollowed ? this.at : undefined });
      if (isFollowed) continue;
      this.skip();
      if (this.#text[this.at] !== close) throw this.wrong(`expected a comma or ${close}`);
      break;
    }
    this.at += 1;
    return items;
  }

  /** Comments may stand before it; where none comes, they stay unread. */
  #comma(): boolean {
    const before = this.at;
    this.skip();
    if (this.#text[this.at] === ",") {
      this.at += 1;
      return true;
    }
    this.at = before;
    return false;
  }

  #expect(character: string): void {
    if (this.#text[this.at] !== character) throw this.wrong(`expected ${character}`);
    this.at += 1;
  }
}
