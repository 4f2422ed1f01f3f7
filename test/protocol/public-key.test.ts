import { describe } from "vitest";
import { itJudges } from "./rules/describe.ts";
import { keyCases } from "./rules/key-cases.ts";

describe("public keys", () => {
  itJudges(keyCases);
});
