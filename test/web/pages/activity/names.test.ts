import { describe, expect, it } from "vitest";
import { nameOf, withWaitingNames } from "../../../../web/pages/activity/names.ts";
import type { LedgerEntry } from "../../../../web/state/backend.ts";
import { fleet, waiting } from "../../fixtures/hosts.ts";
import { entries, joinedEntries } from "../../fixtures/ledger.ts";

const [joined] = joinedEntries;
if (joined === undefined) throw new TypeError("fixture without entries");

function namesIn(entry: LedgerEntry): readonly string[] {
  return [nameOf(entry.actor), nameOf(entry.target)];
}

describe("a host that waits", () => {
  it("is called by its label, and never without its id and the word that it is not admitted", () => {
    const name = "vps-13 (h-vps-13, not admitted)";
    expect(namesIn(withWaitingNames(joined, [...fleet, waiting]))).toEqual([name, name]);
  });

  it("is called by its id while its label is not known", () => {
    expect(namesIn(withWaitingNames(joined, fleet))).toEqual(["h-vps-13", "h-vps-13"]);
    const nameless = { ...waiting, label: waiting.id };
    expect(namesIn(withWaitingNames(joined, [nameless]))).toEqual(["h-vps-13", "h-vps-13"]);
  });

  it("takes no name from the trust log, and lends none to a host that was removed", () => {
    const named = entries.map((entry) => withWaitingNames(entry, [{ ...waiting, id: "h-vps-1", label: "other" }]));
    expect(named).toEqual(entries);
    const removed = { ...waiting, admission: "removed" } as const;
    expect(namesIn(withWaitingNames(joined, [removed]))).toEqual(["h-vps-13", "h-vps-13"]);
  });
});
