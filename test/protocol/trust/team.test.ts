import { describe } from "vitest";
import { itJudges } from "../rules/describe.ts";
import { accusedCases } from "../rules/accused-cases.ts";
import { forkCases } from "../rules/fork-cases.ts";
import { keyStatementCases } from "../rules/key-statement-cases.ts";
import { revocationCases } from "../rules/revocation-cases.ts";
import { statementCases } from "../rules/statement-cases.ts";

describe("statements of a team", () => {
  itJudges(statementCases);
  itJudges(keyStatementCases);
});

describe("revocations", () => {
  itJudges(revocationCases);
});

describe("two histories", () => {
  itJudges(forkCases);
  itJudges(accusedCases);
});
