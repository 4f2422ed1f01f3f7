import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../protocol/bytes.ts";
import { parseClientData } from "../../protocol/client-data.ts";
import { MAX_CLIENT_DATA_BYTES } from "../../protocol/limits.ts";
import { groupOf, itJudges } from "./rules/describe.ts";
import { parserCases } from "./rules/parser-cases.ts";

const known = { type: "webauthn.get", challenge: "c", origin: "https://a.example" };

describe("client data", () => {
  itJudges(groupOf(parserCases, "client data"));

  it("is read at the limit and refused over it", () => {
    const sized = (bytes: number): Uint8Array => utf8(JSON.stringify(known).padEnd(bytes, " "));
    expect(parseClientData(sized(MAX_CLIENT_DATA_BYTES))).toMatchObject(known);
    expect(parseClientData(sized(MAX_CLIENT_DATA_BYTES + 1))).toBeUndefined();
  });

  it("reads what any JSON writer wrote around our members, and refuses any member twice", () => {
    const extra = fc.dictionary(
      fc
        .string({ maxLength: 6 })
        .filter((name) => !["type", "challenge", "origin", "crossOrigin", "topOrigin", "__proto__"].includes(name)),
      fc.jsonValue({ maxDepth: 3 }),
      { maxKeys: 4 },
    );
    fc.assert(
      fc.property(extra, fc.constantFrom(0, 1), (members, indent) => {
        const object = { ...known, ...members };
        expect(parseClientData(utf8(JSON.stringify(object, undefined, indent)))).toMatchObject(known);
        for (const name of Object.keys(object)) {
          const twice = `${JSON.stringify(object).slice(0, -1)},${JSON.stringify(name)}:0}`;
          expect(parseClientData(utf8(twice))).toBeUndefined();
        }
      }),
      { numRuns: 200 },
    );
  });
});
