import { describe, expect, it } from "vitest";
import { networkLists } from "../../../../protocol/contracts/networks.ts";
import { banSentence, settingDone } from "../../../../web/pages/activity/alert-words.ts";
import { listWords, readNetwork } from "../../../../web/pages/networks/wording.ts";

describe("a typed network", () => {
  it("is taken as it is written shortest", () => {
    expect(readNetwork(" 192.0.2.0/24 ")).toEqual({ network: "192.0.2.0/24" });
    expect(readNetwork("2001:db8::/32")).toEqual({ network: "2001:db8::/32" });
  });

  it.each([
    ["192.0.2.7/24", "192.0.2.0/24"],
    ["192.0.2.7/32", "192.0.2.7"],
    ["2001:DB8:0:0::1/64", "2001:db8::/64"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
  ])("%s is not corrected by itself, but %s is named", (typed, meant) => {
    const read = readNetwork(typed);
    expect(read).toEqual({ fault: `Networks are written shortest. Did you mean ${meant}?` });
    expect(readNetwork(meant)).toEqual({ network: meant });
  });

  it.each(["", "the office", "192.0.2.0/33", "192.0.2.0/x", "192.0.2.0/24/24"])("%j is told what one is", (typed) => {
    expect(readNetwork(typed)).toEqual({ fault: expect.stringContaining("192.0.2.0/24") });
  });
});

describe("the words", () => {
  it("are there for every list, with what an empty one means", () => {
    for (const list of networkLists)
      for (const text of [listWords[list].what, listWords[list].empty]) expect(text).toMatch(/^[A-Z].*\.$/);
  });

  it("of the log say how long a ban lasts", () => {
    const why = "it failed to prove anything too often";
    expect(banSentence(undefined)).toBe(`An address was banned: ${why}`);
    expect(banSentence({ seconds: 60, times: 1 })).toBe(`An address was banned for 1 minute: ${why}`);
    expect(banSentence({ seconds: 86_400, times: 5 })).toBe(
      `An address was banned for 24 hours: ${why}, time 5 in a row`,
    );
    expect(settingDone("networkAdd")).toContain("added a network");
  });
});
