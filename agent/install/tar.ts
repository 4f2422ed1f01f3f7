/**
 * Writes the archive of a release: plain ustar, every file root's, of one time and one mode, in the order of its name. The same
 * files give the same bytes on every machine, so whoever builds it again can compare the SHA-256. Reads nothing.
 */
import { utf8 } from "../../protocol/bytes.ts";

export interface TarEntry {
  /** Without a directory. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

const BLOCK = 512;
/** POSIX.1-1988: what fits the header's own field. */
const MAX_NAME_BYTES = 100;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

export function writeTar(entries: readonly TarEntry[]): Uint8Array {
  const sorted = entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const parts = sorted.flatMap(({ name, bytes }) => [header(name, bytes.length), bytes, padding(bytes.length)]);
  // Two empty blocks end it.
  return Buffer.concat([...parts, new Uint8Array(2 * BLOCK)]);
}

function padding(size: number): Uint8Array {
  return new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);
}

function header(name: string, size: number): Uint8Array {
  if (!NAME.test(name) || utf8(name).length > MAX_NAME_BYTES) throw new TypeError(`not a name of a release: ${name}`);
  const block = new Uint8Array(BLOCK);
  const put = (text: string, at: number): void => block.set(utf8(text), at);
  put(name, 0);
  put(octal(0o644, 7), 100);
  put(octal(0, 7), 108); // owner
  put(octal(0, 7), 116); // group
  put(octal(size, 11), 124);
  put(octal(0, 11), 136); // time
  put("        ", 148); // the checksum counts as spaces
  put("0", 156); // a regular file
  put("ustar\x0000", 257);
  put("root", 265);
  put("root", 297);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${octal(sum, 6)}\0 `, 148);
  return block;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}
