import { describe, expect, it } from "vitest";
import type { HostView, LedgerEntry } from "../../../web/state/backend.ts";
import { restartAskedAt, RESTART_SECONDS } from "../../../web/state/restart-asked.ts";
import { host, NOW, stopped } from "../fixtures/hosts.ts";
import { askedEntries, entries } from "../fixtures/ledger.ts";

const down = stopped("vps-1");
const asked = askedEntries[0]?.at ?? Number.NaN;

/** The ledger with its newest entry changed. */
function withNewest(ledger: readonly LedgerEntry[], change: Partial<LedgerEntry>): readonly LedgerEntry[] {
  return ledger.map((entry, place) => (place === 0 ? { ...entry, ...change } : entry));
}

describe("a restart that is under way, for a page that was loaded in the middle of it", () => {
  it("is the command that its host has not answered yet", () => {
    expect(restartAskedAt(down, askedEntries, NOW)).toBe(asked);
    expect(restartAskedAt(host("vps-1", { state: "starting" }), askedEntries, NOW)).toBe(asked);
  });

  it("is none when the gateway answers, or says nothing", () => {
    expect(restartAskedAt(host("vps-1"), askedEntries, NOW)).toBeUndefined();
    expect(restartAskedAt(host("vps-1", { state: "config_invalid" }), askedEntries, NOW)).toBeUndefined();
    const { telemetry: _none, ...mute } = down;
    expect(restartAskedAt(mute, askedEntries, NOW)).toBeUndefined();
  });

  it("is no other host's, no other operation, and no other action", () => {
    expect(restartAskedAt(stopped("vps-2"), askedEntries, NOW)).toBeUndefined();
    const other = withNewest(askedEntries, { detail: { operation: "gateway.stop@1" } });
    expect(restartAskedAt(down, other, NOW)).toBeUndefined();
    expect(restartAskedAt(down, withNewest(askedEntries, { action: "command.refused" }), NOW)).toBeUndefined();
    expect(restartAskedAt(down, [], NOW)).toBeUndefined();
  });

  it("is over after two minutes", () => {
    expect(restartAskedAt(down, askedEntries, asked + RESTART_SECONDS)).toBe(asked);
    expect(restartAskedAt(down, askedEntries, asked + RESTART_SECONDS + 1)).toBeUndefined();
  });

  it("is not believed from an entry that did not verify", () => {
    for (const seal of [{ state: "failed", reason: "edited" }, { state: "unverified" }] as const)
      expect(restartAskedAt(down, withNewest(askedEntries, { seal }), NOW)).toBeUndefined();
  });

  it("is over with its receipt, once the gateway was heard of after it", () => {
    const heard = (telemetryAt: number): HostView => ({ ...down, telemetryAt });
    expect(restartAskedAt(heard(NOW), entries, NOW)).toBeUndefined();
    expect(restartAskedAt(heard(NOW - 10), entries, NOW)).toBe(asked);
    const failed = withNewest(entries, { detail: { operation: "gateway.restart@1", verdict: "failed" } });
    expect(restartAskedAt(heard(NOW - 10), failed, NOW)).toBeUndefined();
  });
});
