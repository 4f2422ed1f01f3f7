import { describe, expect, it } from "vitest";
import type { StreamView } from "../../../../web/state/streams.ts";
import { asideWords, wordsOf } from "../../../../web/pages/streams/wording.ts";

const NOW = 1_800_000_000;
const live: StreamView = {
  stream: "s-1",
  label: "SIEM",
  to: "siem.example.com",
  format: "ocsf",
  filter: {},
  since: NOW,
  state: "live",
  cursor: 18_414,
  head: 18_414,
  behind: 0,
  attempts: 0,
  setAside: [],
};

describe("how a stream is doing", () => {
  it("is said in one word and one honest sentence", () => {
    expect(wordsOf(live, NOW)).toMatchObject({ shape: "ok", word: "Live" });
    expect(wordsOf({ ...live, behind: 3 }, NOW)).toMatchObject({
      word: "Catching up",
      sentence: "3 entries not looked at yet.",
    });
    const waiting = { ...live, state: "waiting", fault: "status", attempts: 7, retryAt: NOW + 240, behind: 1 } as const;
    expect(wordsOf(waiting, NOW)).toEqual({
      shape: "warn",
      word: "Not taking",
      sentence:
        "After 7 attempts, it answered with an error. Tried again in 4\u202fmin; order is kept, nothing is lost. 1 entry not looked at yet.",
    });
    expect(wordsOf({ ...live, state: "paused", fault: "gone" }, NOW).sentence).toContain("it says that it is gone");
  });

  it("names what was set aside", () => {
    const aside = { first: 10_001, last: 10_012, fault: "status", at: NOW } as const;
    expect(asideWords([aside])).toBe("12 entries set aside (#10,001 to #10,012): it answered with an error.");
    expect(asideWords([aside, { ...aside, first: 20_000, last: 20_000 }])).toContain(
      "13 entries set aside (in several",
    );
    expect(asideWords([])).toBe("");
  });
});
