import { describe, expect, it } from "vitest";
import { endpoints } from "../../../../protocol/contracts.ts";
import { approvalFault, touchFor } from "../../../../web/pages/activity/alert-words.ts";
import { isSigned, signatureOf } from "../../../../web/pages/activity/signatures.ts";
import type { LedgerEntry } from "../../../../web/state/backend.ts";
import { brokenEntries, entries } from "../../fixtures/ledger.ts";

const found = (action: string, change: Partial<LedgerEntry> = {}) => {
  const entry = entries.find((one) => one.action === action);
  if (entry === undefined) throw new TypeError(`no ${action}`);
  return signatureOf({ ...entry, ...change });
};

describe("the signature log", () => {
  it("lists what carries a signature, and nothing that the edge merely saw", () => {
    const shown = entries.filter(({ action }) => isSigned(action));
    expect(shown.length).toBeGreaterThan(0);
    expect(shown.every((entry) => signatureOf(entry) !== undefined)).toBe(true);
    expect(shown.some(({ action }) => action === "host.disconnected")).toBe(false);
  });

  it("says verified only of what this browser verified", () => {
    expect(found("command.receipt")).toMatchObject({ message: "receipt", verdict: "verified" });
    expect(found("command.receipt", { seal: { state: "unverified" } })?.verdict).toBe("taken");
    expect(found("command.accepted")?.verdict).toBe("taken");
    expect(found("session.started")?.verdict).toBe("taken");
  });

  it("names the rule of what was refused, by the edge and by a host", () => {
    expect(found("command.refused")).toMatchObject({ verdict: "refused", rule: "role" });
    expect(found("session.refused")).toMatchObject({ verdict: "refused", rule: "session.user_verification" });
    const refusal = entries.find(({ detail }) => detail.code === "local_policy");
    expect(refusal === undefined ? undefined : signatureOf(refusal)).toMatchObject({
      message: "receipt",
      verdict: "verified",
      rule: "local_policy",
    });
  });

  it("lists a refused approval, and the sentence has words for the edge's own rules", () => {
    expect(found("session.refused", { action: "approval.refused", detail: { code: "approval_used" } })).toMatchObject({
      message: "approval",
      verdict: "refused",
      rule: "approval_used",
    });
    expect(approvalFault("approval_used")).toBe("it had been used already");
    expect(approvalFault("approval.signature")).toBeUndefined();
  });

  it("says what a refused touch was brought to, for every setting that takes one", () => {
    const taking = Object.entries(endpoints).filter(
      ([, endpoint]) => "request" in endpoint && "entries" in endpoint.request && "action" in endpoint.request.entries,
    );
    expect(taking.length).toBeGreaterThan(5);
    for (const [name] of taking) expect(touchFor(name), name).toMatch(/^ (to|for) /);
    expect([touchFor("of tomorrow"), touchFor(undefined)]).toEqual(["", ""]);
  });

  it("says so where a signature is false", () => {
    const broken = brokenEntries
      .filter(({ seal }) => seal.state === "failed")
      .flatMap((entry) => signatureOf(entry) ?? []);
    expect(broken.every(({ verdict }) => verdict === "false" || verdict === "refused")).toBe(true);
    expect(found("trust.stated", { seal: { state: "failed", reason: "none" } })?.verdict).toBe("false");
  });
});
