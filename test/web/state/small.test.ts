import { describe, expect, it, vi } from "vitest";
import { bannersOf } from "../../../web/state/banners.ts";
import type { Ending, PersonView } from "../../../web/state/people.ts";
import { matchKeys } from "../../../web/state/keys.ts";
import { addSample, pathOf } from "../../../web/state/samples.ts";
import { fleet, host, newcomer } from "../fixtures/hosts.ts";

describe("samples", () => {
  it("takes one per report and keeps the newest sixty", () => {
    const one = addSample([], { at: 1, value: 5 });
    expect(addSample(one, { at: 1, value: 9 })).toBe(one);
    const many = Array.from({ length: 80 }).reduce<ReturnType<typeof addSample>>(
      (samples, _, at) => addSample(samples, { at, value: at }),
      [],
    );
    expect(many).toHaveLength(60);
    expect(many.at(-1)).toEqual({ at: 79, value: 79 });
  });

  it("draws gaps as gaps", () => {
    const path = pathOf([{ at: 1, value: 4 }, { at: 2 }, { at: 3, value: 4 }], { width: 100, height: 10 });
    expect(path.match(/M/g)).toHaveLength(2);
    expect(path).not.toContain("L");
    expect(path).not.toContain("NaN");
  });
});

describe("keys", () => {
  const shortcuts = [
    { keys: "R", does: "restart", run: vi.fn() },
    { keys: "G F", does: "fleet", run: vi.fn() },
  ];
  const press = (key: string, atMs: number) => ({ key, atMs });

  it("knows single keys and sequences", () => {
    expect(matchKeys(shortcuts, press("r", 0), undefined)?.keys).toBe("R");
    expect(matchKeys(shortcuts, press("f", 500), press("g", 0))?.keys).toBe("G F");
  });

  it("forgets a first key after a while, and knows no second alone", () => {
    expect(matchKeys(shortcuts, press("f", 5_000), press("g", 0))).toBeUndefined();
    expect(matchKeys(shortcuts, press("f", 0), undefined)).toBeUndefined();
  });
});

describe("banners", () => {
  const seen = (eligible: number, cosigned: number, size: number) => ({ eligible, cosigned, needed: 4, size });
  const ledger = { size: 3, verified: 3, from: 1, checking: false, witness: seen(0, 0, 0) } as const;
  const kinds = (facts: Parameters<typeof bannersOf>[0]) => bannersOf(facts).map(({ kind }) => kind);

  it("says everything that is true of a first run, in the fixed order", () => {
    const [passkey] = [
      { id: "a", rpId: "x", originClass: "signer", addedAt: 0, synced: false, current: true },
    ] as const;
    expect(kinds({ hosts: [newcomer], originClass: "daily", ledger, passkeys: [passkey] })).toEqual([
      "one-user",
      "never-witnessed",
      "one-passkey",
      "from-edge",
      "demo",
    ]);
  });

  it("says what the loss of the only passkey costs this very person", () => {
    const [passkey] = [
      { id: "a", rpId: "x", originClass: "signer", addedAt: 0, synced: false, current: true },
    ] as const;
    const facts = { hosts: [], originClass: "signer", ledger, passkeys: [passkey] } as const;
    expect(bannersOf({ ...facts, onlyAdministrator: true })).toEqual([
      { kind: "one-passkey", onlyAdministrator: true },
    ]);
    expect(bannersOf(facts)).toEqual([{ kind: "one-passkey", onlyAdministrator: false }]);
  });

  it("stays never witnessed while no host vouches, however many could", () => {
    const facts = { hosts: fleet.slice(1), originClass: "signer" } as const;
    expect(bannersOf({ ...facts, ledger })).toEqual([{ kind: "never-witnessed", eligible: 0 }]);
    // Three of seven cosigned: that is not more than half.
    expect(bannersOf({ ...facts, ledger: { ...ledger, witness: seen(7, 3, 0) } })).toEqual([
      { kind: "never-witnessed", eligible: 7 },
    ]);
    expect(bannersOf({ ...facts, ledger: { ...ledger, verified: 0 } })).toEqual([]); // nobody looked yet
  });

  it("puts a ledger that does not add up before all else", () => {
    const failure = { index: 2, reason: "x", of: "entry" } as const;
    const hosts = [{ ...host("a"), trustBehind: true }];
    const witness = seen(1, 1, 3);
    expect(kinds({ hosts, originClass: "signer", ledger: { ...ledger, failure, witness } })).toEqual([
      "ledger-broken",
      "not-confirmed",
    ]);
  });

  it("announces grants that end, and says when some ended", () => {
    const witness = seen(7, 6, 3);
    const ending = (kind: Ending) => [{ name: "Ada", ending: kind }] as unknown as readonly PersonView[];
    const facts = { hosts: fleet.slice(1), originClass: "signer", ledger: { ...ledger, witness } } as const;
    expect(bannersOf({ ...facts, ending: ending("soon") })).toEqual([
      { kind: "grants-ending", people: ["Ada"], isOver: false },
    ]);
    expect(bannersOf({ ...facts, ending: ending("over") })).toMatchObject([{ isOver: true }]);
  });

  it("says nothing when nothing is to be said", () => {
    const witness = seen(7, 6, 3);
    expect(kinds({ hosts: fleet.slice(1), originClass: "signer", ledger: { ...ledger, witness } })).toEqual([]);
  });
});
