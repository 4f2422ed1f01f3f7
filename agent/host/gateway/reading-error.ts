/** Why a reading cannot be given, as a code of the protocol. */
import type { ReadRefusal } from "../../../protocol/reading.ts";

export class ReadingError extends Error {
  override readonly name = "ReadingError";
  readonly code: ReadRefusal;
  constructor(code: ReadRefusal) {
    super(code);
    this.code = code;
  }
}
