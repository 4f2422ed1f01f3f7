import { describe, expect, it } from "vitest";
import { refusalCodes } from "../../protocol/refusals.ts";
import { verifyEnvelope, verifySubmission } from "../../protocol/verify.ts";
import { honestCommand } from "../fixtures/command.ts";
import { product } from "./rules/cases.ts";
import { itJudges } from "./rules/describe.ts";
import { envelopeCases, edgeVerdict, hostVerdict, sharedWorld } from "./rules/envelope-cases.ts";
import { prepareCases } from "./rules/prepare-cases.ts";
import { readCases, readRules, readVerdict } from "./rules/read-cases.ts";
import { sealedCases } from "./rules/sealed-cases.ts";
import { canBreakBoth, envelopeRules, reachedElsewhere, ruleName } from "./rules/envelope-rules.ts";

describe("each rule", () => {
  itJudges(envelopeCases);

  it("has a case for every refusal code that an envelope can reach", () => {
    const reached = new Set<string>(
      envelopeCases.filter((one) => one.name.startsWith("host: ")).map((one) => one.expected),
    );
    const elsewhere = new Set(Object.keys(reachedElsewhere));
    expect(refusalCodes.filter((code) => !reached.has(code) && !elsewhere.has(code))).toEqual([]);
    expect(refusalCodes.filter((code) => reached.has(code) && elsewhere.has(code))).toEqual([]);
  });
});

describe("a request for a challenge", () => {
  itJudges(prepareCases);
});

describe("a command with a sealed text", () => {
  itJudges(sealedCases);
});

describe("a question to a host", () => {
  itJudges(readCases);

  it.each(readRules.map((rule, i) => [rule.expected, rule, readRules.slice(i + 1)] as const))(
    "%s comes before everything listed after it",
    async (_, earlier, laterRules) => {
      // Broken last, so that what both of them touch is as the earlier one wants it.
      for (const later of laterRules) {
        const verdict = await readVerdict(product, "verifyRead", (draft, world) => {
          later.break(draft, world);
          earlier.break(draft, world);
        });
        expect(verdict, `with ${later.expected}`).toBe(earlier.expected);
      }
    },
  );
});

describe("the order of the rules", () => {
  // Pairs of one code say nothing, so they are skipped by construction (the verdict would be equal either way).
  it.each(envelopeRules.map((rule, i) => [ruleName(rule), rule, envelopeRules.slice(i + 1)] as const))(
    "%s comes before everything listed after it",
    async (_, earlier, laterRules) => {
      for (const later of laterRules.filter((rule) => canBreakBoth(earlier, rule))) {
        const change: Parameters<typeof hostVerdict>[1] = (draft, world) => {
          later.break(draft, world);
          earlier.break(draft, world);
        };
        expect(await hostVerdict(product, change), `with ${ruleName(later)}`).toBe(earlier.code);
        if (earlier.edge && later.edge) {
          expect(await edgeVerdict(product, change), `at the edge, with ${ruleName(later)}`).toBe(earlier.code);
        }
      }
    },
  );
});

describe("what a verdict carries", () => {
  it("names the command that may act", async () => {
    const world = await sharedWorld();
    const { bytes, view, digest } = await honestCommand(world);
    const result = await verifyEnvelope(bytes, view);
    if (result.kind !== "verified") throw new Error(result.kind);
    expect(result.command).toMatchObject({
      digest,
      operation: "gateway.restart@1",
      author: { kind: "person", id: "p-ada" },
    });
    expect(result.command.target.host).toBe(world.host);
  });

  it("names the known intent by its digest", async () => {
    const { bytes, view, digest } = await honestCommand(await sharedWorld(), (draft) => {
      draft.view = { known: (asked) => (asked.length === 43 ? asked : undefined) };
    });
    expect(await verifyEnvelope(bytes, view)).toEqual({ kind: "known", digest });
  });

  it("says at the edge whose command it is", async () => {
    const world = await sharedWorld();
    const { submission, view, digest } = await honestCommand(world);
    expect(await verifySubmission(submission, view)).toMatchObject({
      kind: "accepted",
      digest,
      author: { kind: "person", id: "p-ada" },
    });
  });

  it.each(envelopeRules.map((rule) => [ruleName(rule), rule] as const))(
    "%s: says whether the session was proven, and names the intent once it was read",
    async (_, rule) => {
      const world = await sharedWorld();
      const { bytes, view, digest } = await honestCommand(world, (draft) => rule.break(draft, world));
      const result = await verifyEnvelope(bytes, view);
      const position = envelopeRules.indexOf(rule);
      const sessionProven = position > envelopeRules.findLastIndex(({ code }) => code === "session_key");
      const intentRead = position >= envelopeRules.findIndex(({ code }) => code === "workspace");
      expect(result).toEqual({
        kind: "refused",
        code: rule.code,
        sessionVerified: sessionProven,
        digest: intentRead ? digest : undefined,
      });
    },
  );

  it("does not swallow a programmer's mistake", async () => {
    const { bytes, view } = await honestCommand(await sharedWorld());
    const broken = {
      ...view,
      known: (): undefined => {
        throw new TypeError("journal not open");
      },
    };
    await expect(verifyEnvelope(bytes, broken)).rejects.toThrow("journal not open");
  });
});
