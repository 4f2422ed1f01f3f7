/** How a rule says no, inside the verification only: the lists of rules turn it into a value. */
import { MalformedError } from "../canonical.ts";
import type { RefusalCode } from "../refusals.ts";

export class Refused extends Error {
  readonly code: RefusalCode;
  constructor(code: RefusalCode) {
    super(code);
    this.code = code;
  }
}

export function decodeAs<T>(code: RefusalCode, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof MalformedError || error instanceof RangeError) throw new Refused(code);
    throw error;
  }
}
