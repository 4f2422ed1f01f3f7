import { describe, expect, it } from "vitest";
import {
  cosignersWords,
  explanationOf,
  sentenceOf,
  unprovenWords,
} from "../../../../web/pages/activity/witness-card.tsx";
import type { WitnessHost, WitnessView } from "../../../../web/state/ledger.ts";

const host = (recent: boolean, colocated = false): WitnessHost => ({ host: "h", label: "h", colocated, recent });
const view: WitnessView = {
  signed: { size: 9, root: "r", at: 1 },
  eligible: 5,
  needed: 3,
  size: 9,
  hosts: [host(true), host(true), host(true), host(false), host(false), host(true, true)],
};

describe("who witnesses the log", () => {
  it("is counted without the host beside the edge, with how many are needed", () => {
    expect(sentenceOf(view)).toBe("Seen by 3 of 5 hosts in the last day; 3 are needed.");
    expect(explanationOf(view)).not.toContain("not cosigned yet");
    expect(explanationOf({ ...view, size: 0 })).toContain("That many have not cosigned yet.");
  });

  it("is nobody where every host is beside the edge: what to do is said", () => {
    const alone = { ...view, eligible: 0, needed: 0, size: 0, hosts: [host(true, true)] };
    expect(sentenceOf(alone)).toBe("No host away from the edge.");
    expect(explanationOf(alone)).toContain("nothing here is ever witnessed. Add a host on another machine.");
  });

  it("is said of each checkpoint", () => {
    expect(cosignersWords({ by: ["vps-1", "vps-2"], notBy: ["vps-3"] })).toBe(
      "Cosigned by vps-1 and vps-2; not by vps-3.",
    );
    expect(cosignersWords({ by: ["vps-1"], notBy: [] })).toBe("Cosigned by vps-1.");
    expect(cosignersWords({ by: [], notBy: ["vps-3"] })).toBe("Cosigned by no host.");
    expect(unprovenWords(1)).toContain("it is not shown");
    expect(unprovenWords(2)).toContain("they are not shown");
  });

  it("is nobody before anything is signed", () => {
    const { signed: _, ...unsigned } = view;
    expect(sentenceOf(unsigned)).toBe("Nothing is signed yet.");
  });
});
