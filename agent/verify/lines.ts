/**
 * Cuts a stream of bytes into lines without ever holding more than one chunk and one line, and without making anything for
 * a line that lies inside a chunk. Whoever sends the bytes may be hostile: a line that does not end is refused, not
 * collected.
 */
import { MAX_LEDGER_LINE } from "../../protocol/ledger-file.ts";

/** Longer than any line that a reader takes. */
export class LineTooLong extends Error {
  override readonly name = "LineTooLong";
}

const LINE_END = 0x0a;
/** A line is ASCII but for labels and names, which take at most four bytes a character. */
const MAX_LINE_BYTES = MAX_LEDGER_LINE * 4;
const NO_BYTES = Buffer.alloc(0);

export class LineCutter {
  #chunk: Buffer = NO_BYTES;
  #next = 0;
  /** The line's beginning, from chunks before. */
  #rest: Buffer[] = [];
  #restBytes = 0;
  #bytes: Buffer = NO_BYTES;
  #start = 0;
  #end = 0;

  /** The chunk that comes now; all lines of the one before must have been taken. */
  push(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#next = 0;
  }

  /** Goes to the next line that ends in this chunk; false: there is none. @throws {LineTooLong} */
  advance(): boolean {
    const chunk = this.#chunk;
    const end = chunk.indexOf(LINE_END, this.#next);
    if (end < 0) {
      if (this.#next < chunk.length) this.#keep(chunk.subarray(this.#next));
      this.#next = chunk.length;
      return false;
    }
    const length = end - this.#next;
    if (this.#restBytes + length > MAX_LINE_BYTES) throw new LineTooLong();
    [this.#bytes, this.#start, this.#end] = [chunk, this.#next, end];
    if (this.#restBytes > 0) this.#join(chunk.subarray(this.#next, end));
    this.#next = end + 1;
    return true;
  }

  /** Holds the line, from `start` up to `end`, until the next call. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  get start(): number {
    return this.#start;
  }

  /** Where its end stands, which is not part of it. */
  get end(): number {
    return this.#end;
  }

  /** The line by itself. */
  line(): Buffer {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  /** Bytes after the last line end: a file that ends in the middle of a line. */
  get isInside(): boolean {
    return this.#restBytes > 0;
  }

  #join(last: Buffer): void {
    this.#bytes = Buffer.concat([...this.#rest, last]);
    [this.#start, this.#end] = [0, this.#bytes.length];
    this.#rest = [];
    this.#restBytes = 0;
  }

  /** Copies: the reader fills the same chunk again. */
  #keep(bytes: Buffer): void {
    this.#restBytes += bytes.length;
    if (this.#restBytes > MAX_LINE_BYTES) throw new LineTooLong();
    this.#rest.push(Buffer.from(bytes));
  }
}
