import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, toHex } from "../../protocol/bytes.ts";
import { ecdsaDerToRaw } from "../../protocol/der.ts";
import { rawToDer } from "../fixtures/der.ts";
import { groupOf, itJudges } from "./rules/describe.ts";
import { parserCases } from "./rules/parser-cases.ts";

const scalar = fc.uint8Array({ minLength: 32, maxLength: 32 }).filter((bytes) => bytes.some((byte) => byte !== 0));

describe("ECDSA signatures in DER", () => {
  itJudges(groupOf(parserCases, "der"));

  it("reads every pair of positive numbers back", () => {
    fc.assert(
      fc.property(scalar, scalar, (r, s) => {
        const raw = concatBytes(r, s);
        expect(toHex(ecdsaDerToRaw(rawToDer(raw)) ?? new Uint8Array())).toBe(toHex(raw));
      }),
    );
  });

  it("accepts one encoding of a signature: whatever it accepts is what the encoder writes", () => {
    fc.assert(
      fc.property(fc.tuple(scalar, scalar), fc.tuple(fc.nat(71), fc.nat(255)), ([r, s], [at, byte]) => {
        const der = rawToDer(concatBytes(r, s));
        der[at % der.length] = byte;
        const raw = ecdsaDerToRaw(der);
        if (raw !== undefined) expect(toHex(rawToDer(raw))).toBe(toHex(der));
      }),
      { numRuns: 2_000 },
    );
  });
});
