/**
 * Cuts a stream of bytes into lines without ever holding more than one chunk and one line. Whoever sends the bytes may be
 * hostile: a line that does not end is refused, not collected.
 */
import { MAX_LEDGER_LINE } from "../../protocol/ledger-file.ts";

/** Longer than any line that a reader takes. */
export class LineTooLong extends Error {
  override readonly name = "LineTooLong";
}

const LINE_END = 0x0a;
/** A line is ASCII but for labels and names, which take at most four bytes a character. */
const MAX_LINE_BYTES = MAX_LEDGER_LINE * 4;

export class LineCutter {
  #rest: Buffer[] = [];
  #restBytes = 0;

  /** The lines that end in this chunk, without their ends; valid until the next call. @throws {LineTooLong} */
  *push(chunk: Buffer): Iterable<Buffer> {
    let start = 0;
    for (let end = chunk.indexOf(LINE_END); end >= 0; end = chunk.indexOf(LINE_END, start)) {
      const line = chunk.subarray(start, end);
      start = end + 1;
      if (this.#restBytes + line.length > MAX_LINE_BYTES) throw new LineTooLong();
      yield this.#restBytes === 0 ? line : this.#joined(line);
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** Bytes after the last line end: a file that ends in the middle of a line. */
  get isInside(): boolean {
    return this.#restBytes > 0;
  }

  #joined(line: Buffer): Buffer {
    const whole = Buffer.concat([...this.#rest, line]);
    this.#rest = [];
    this.#restBytes = 0;
    return whole;
  }

  /** Copies: the reader fills the same chunk again. */
  #keep(bytes: Buffer): void {
    this.#restBytes += bytes.length;
    if (this.#restBytes > MAX_LINE_BYTES) throw new LineTooLong();
    this.#rest.push(Buffer.from(bytes));
  }
}
