import { describe, expect, it } from "vitest";
import { retentionPresets } from "../../../../protocol/contracts/ledger.ts";
import { daysOf, isDue, policyWords } from "../../../../web/pages/keeping/wording.ts";
import { progressWords } from "../../../../web/pages/keeping/copy-form.tsx";

const DAY = 86_400;

describe("how long the log is kept", () => {
  it("is typed in whole days, within what the edge takes, or not at all", () => {
    expect(daysOf(" 365 ")).toBe(365);
    expect(daysOf("")).toBe("all");
    expect(daysOf("90")).toBe(90);
    expect(daysOf("36500")).toBe(36_500);
    for (const wrong of ["89", "36501", "1.5", "-90", "0365", "a year"]) expect(daysOf(wrong)).toBeUndefined();
  });

  it("is said with the rule that asks for it", () => {
    expect(policyWords(undefined)).toBe("Everything is kept, for ever.");
    expect(policyWords(retentionPresets.hipaa)).toBe("Entries are kept for 2,192 days (HIPAA).");
    expect(policyWords(retentionPresets.pci)).toBe("Entries are kept for 365 days (PCI DSS).");
  });

  it("counts from the newest entry of a segment", () => {
    expect(isDue({ newest: 0 }, 365, 365 * DAY)).toBe(false);
    expect(isDue({ newest: 0 }, 365, 365 * DAY + 1)).toBe(true);
    expect(isDue({ newest: 0 }, undefined, 1e12)).toBe(false);
  });
});

describe("a copy on its way", () => {
  it("says what has arrived, and what became of it", () => {
    expect(progressWords({ kind: "fetching", bytes: 4_700_000, entries: 18_414 })).toBe(
      "5\u202fMB here, of up to 18,414 entries.",
    );
    const saved = { kind: "saved", name: "a.jsonl", bytes: 1_000 } as const;
    expect(progressWords({ ...saved, format: "jsonl" })).toContain("clawhold verify");
    for (const format of ["csv", "ocsf", "cef", "syslog"] as const)
      expect(progressWords({ ...saved, format })).not.toContain("clawhold verify");
    expect(progressWords(undefined)).toBe("");
  });
});
