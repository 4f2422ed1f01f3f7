/**
 * What SARIF 2.1.0 (OASIS, with errata 01) asks of the objects that an audit writes, read from the standard's text: required properties,
 * closed words, and no property that the standard does not know, which its own schema refuses too. Only what we write is here.
 */
import * as v from "valibot";

const text = v.pipe(v.string(), v.minLength(1));
/** 3.8: anything may be in it, and tags are distinct strings. */
const properties = v.looseObject({
  tags: v.optional(v.pipe(v.array(text), v.check<string[], "a tag twice">(areDistinct, "a tag twice"))),
});
/** 3.11 and 3.12: text may not be left out. */
const message = v.strictObject({ text });
const multiformatMessage = v.strictObject({ text, markdown: v.optional(text) });
/** 3.27.10 and 3.50. */
const level = v.picklist(["none", "note", "warning", "error"]);

/** 3.49. */
const rule = v.strictObject({
  id: text,
  name: text,
  shortDescription: multiformatMessage,
  fullDescription: multiformatMessage,
  help: multiformatMessage,
  defaultConfiguration: v.strictObject({ level }),
  properties,
});

/** 3.28 to 3.33: a place is a thing by name, or a file by a URI that is valid by RFC 3986. */
const location = v.strictObject({
  physicalLocation: v.optional(
    v.strictObject({
      artifactLocation: v.strictObject({ uri: v.pipe(text, v.regex(/^[!#$&-;=?-Z_a-z~%]+$/), v.url()) }),
    }),
  ),
  logicalLocations: v.array(v.strictObject({ name: text, kind: text })),
});

/** 3.35. */
const suppression = v.strictObject({
  kind: v.picklist(["inSource", "external"]),
  status: v.picklist(["accepted", "underReview", "rejected"]),
  justification: text,
});

/** 3.27; whatever is not a failure has no level. */
const result = v.pipe(
  v.strictObject({
    ruleId: text,
    ruleIndex: v.pipe(v.number(), v.integer(), v.minValue(0)),
    kind: v.picklist(["notApplicable", "pass", "fail", "review", "open", "informational"]),
    level,
    message,
    locations: v.pipe(v.array(location), v.minLength(1)),
    partialFingerprints: v.record(v.pipe(text, v.regex(/\/v\d+$/)), text),
    suppressions: v.optional(v.array(suppression)),
    properties,
  }),
  v.check(({ kind, level: said }) => kind === "fail" || said === "none", "a level without a failure"),
);

/** 3.14, 3.17 to 3.20. */
const run = v.pipe(
  v.strictObject({
    tool: v.strictObject({
      driver: v.strictObject({
        name: text,
        semanticVersion: v.pipe(text, v.regex(/^\d+\.\d+\.\d+/)),
        rules: v.pipe(
          v.array(rule),
          v.check((rules) => areDistinct(rules.map(({ id }) => id)), "a rule twice"),
        ),
      }),
    }),
    automationDetails: v.strictObject({ id: text }),
    invocations: v.array(
      v.strictObject({ executionSuccessful: v.boolean(), endTimeUtc: v.pipe(v.string(), v.isoTimestamp()) }),
    ),
    columnKind: v.picklist(["utf16CodeUnits", "unicodeCodePoints"]),
    results: v.array(result),
    properties,
  }),
  v.check(
    ({ tool, results }) => results.every(({ ruleId, ruleIndex }) => tool.driver.rules[ruleIndex]?.id === ruleId),
    "a result that points at another rule (3.27.6)",
  ),
);

/** 3.13. */
export const sarifSchema = v.strictObject({
  $schema: v.literal("https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"),
  version: v.literal("2.1.0"),
  runs: v.array(run),
});

function areDistinct(all: readonly string[]): boolean {
  return new Set(all).size === all.length;
}
