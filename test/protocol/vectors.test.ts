import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  expectedOutside,
  expectedTeamVerdicts,
  judgeOutside,
  judgeTeamVectors,
  type OutsideVectors,
  type TeamVectors,
} from "../vectors/team-verdicts.ts";
import { expectedVerdicts, judgeVectors, type Vectors } from "../vectors/verdicts.ts";

const vectors = JSON.parse(readFileSync(new URL("../vectors/verdicts.json", import.meta.url), "utf8")) as Vectors;

const read = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../vectors/${name}`, import.meta.url), "utf8")) as T;
const team = read<TeamVectors>("verdicts-2.json");
const outside = {
  rfc8032: read<OutsideVectors["rfc8032"]>("rfc8032.json"),
  rfc8785: read<OutsideVectors["rfc8785"]>("rfc8785.json"),
};

describe("recorded verdicts in Node (test/browser has workerd and Chromium)", () => {
  it("come out as recorded", async () => {
    expect(await judgeVectors(vectors)).toEqual(expectedVerdicts(vectors));
  });

  it("of a team come out as recorded", async () => {
    expect(await judgeTeamVectors(team)).toEqual(expectedTeamVerdicts(team));
  });

  it("from outside come out as their documents say", async () => {
    expect(await judgeOutside(outside)).toEqual(expectedOutside(outside));
  });
});
