import { describe, expect, it } from "vitest";
import { automationCases } from "./rules/automation-cases.ts";
import { product } from "./rules/cases.ts";
import { itJudges } from "./rules/describe.ts";
import { proposalCases } from "./rules/proposal-cases.ts";
import { canBreakTogether, proposalRules } from "./rules/proposal-rules.ts";
import { sessionEndCases } from "./rules/session-end-cases.ts";
import { twoEdgeVerdict, twoHostVerdict, type TeamChange } from "./rules/team-commands.ts";

describe("commands of two people, and successor keys", () => {
  itJudges(proposalCases);
});

describe("commands of a machine", () => {
  itJudges(automationCases);
});

describe("the order of the rules for two people", () => {
  it.each(proposalRules.map((rule, i) => [`${rule.code} (${rule.place})`, rule, proposalRules.slice(i + 1)] as const))(
    "%s comes before everything listed after it",
    async (_, earlier, laterRules) => {
      for (const later of laterRules.filter((rule) => canBreakTogether(earlier, rule))) {
        const change: TeamChange = (draft, team) => {
          later.break(draft, team);
          earlier.break(draft, team);
        };
        expect(await twoHostVerdict(product, change), `with ${later.code} (${later.place})`).toBe(earlier.code);
        if (earlier.edge && later.edge) {
          expect(await twoEdgeVerdict(product, change), `at the edge, with ${later.code}`).toBe(earlier.code);
        }
      }
    },
  );
});

describe("the end of a session", () => {
  itJudges(sessionEndCases);
});
