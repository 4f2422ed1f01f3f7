/**
 * The change from one client certificate to the next, cut short at every write: whatever is on disk then must open a tunnel
 * at an edge that keeps its own rule (the one in use and the newest are good; the first use of the newest ends the other).
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeAuthority, type KeyPair } from "../../../../agent/edge/certificates.ts";
import { TlsPairs, type TlsPair } from "../../../../agent/host/link/tls-pairs.ts";
import { openHostState, type HostState, type TlsFile } from "../../../../agent/host/state.ts";
import { issueClient } from "../../edge/fixtures/client-certificates.ts";

type Pem = Pick<TlsFile, "key" | "certificate"> & { readonly fingerprint: string };

/** As durable-objects/certificates/issue.ts has it. */
class EdgeRule {
  #used: string;
  #newest: string | undefined;
  constructor(used: string) {
    this.#used = used;
  }
  issue(fingerprint: string): void {
    this.#newest = fingerprint;
  }
  takes({ fingerprint }: TlsPair): boolean {
    if (fingerprint !== this.#used && fingerprint !== this.#newest) return false;
    if (fingerprint === this.#newest) this.#used = fingerprint;
    return true;
  }
}

class Crash extends Error {}

let authority: KeyPair;
let pems: Pem[];
let directory: string;
let state: HostState;

beforeAll(async () => {
  authority = await makeAuthority("agents", new Date());
  pems = await Promise.all(
    [0, 1, 2].map(async () => {
      const { key, cert, fingerprint } = await issueClient(authority);
      return { key: `${key}\n`, certificate: `${cert}\n`, fingerprint };
    }),
  );
});
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "clawhold-pairs-"));
  state = openHostState(directory);
  state.saveTls(tlsOf(0));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const pem = (n: number): Pem => pems[n] ?? expect.fail("no such pair");
const tlsOf = (n: number): TlsFile => ({ v: 1, key: pem(n).key, certificate: pem(n).certificate });
const silent = (): void => undefined;

/** Dials until a tunnel stands; the number of attempts. `isDown`: attempts at which nobody answers. */
function dial(pairs: TlsPairs, edge: EdgeRule, isDown: (attempt: number) => boolean = () => false): number {
  for (let attempt = 1; attempt <= 9; attempt += 1) {
    const pair = pairs.next();
    if (isDown(attempt)) pairs.failed(pair, false);
    else if (edge.takes(pair)) {
      pairs.welcomed(pair);
      return attempt;
    } else pairs.failed(pair, true);
  }
  return expect.fail("locked out");
}

/** The state, dying at its n-th write: before it, or just after it. */
function dyingAt(n: number, isAfter: boolean): HostState {
  let writes = 0;
  const dying =
    <T>(write: (value: T) => void) =>
    (value: T): void => {
      writes += 1;
      if (writes === n && !isAfter) throw new Crash();
      write(value);
      if (writes === n) throw new Crash();
    };
  return {
    ...state,
    saveTls: dying((tls: TlsFile) => state.saveTls(tls)),
    saveNextTls: dying((tls: TlsFile | undefined) => state.saveNextTls(tls)),
  };
}

describe("changing to the next certificate", () => {
  it("keeps the new pair privately beside the old one, dials with it, and lets the old one go when it was welcomed", () => {
    const edge = new EdgeRule(pem(0).fingerprint);
    const pairs = new TlsPairs(state, silent);
    dial(pairs, edge);
    edge.issue(pem(1).fingerprint);
    pairs.keep(pem(1));
    expect(statSync(state.files.nextTls).mode & 0o777).toBe(0o600);
    expect(state.tls()?.certificate).toBe(pem(0).certificate);
    expect(pairs.inUse.fingerprint).toBe(pem(0).fingerprint);
    expect(pairs.next().fingerprint).toBe(pem(1).fingerprint);
    expect(dial(pairs, edge)).toBe(1);
    expect(pairs.inUse.fingerprint).toBe(pem(1).fingerprint);
    expect([state.tls()?.certificate, state.nextTls()]).toEqual([pem(1).certificate, undefined]);
  });

  it("is over when both files hold the same pair", () => {
    state.saveNextTls(tlsOf(0));
    expect(new TlsPairs(state, silent).retry()).toBe(false);
    expect(state.nextTls()).toBeUndefined();
  });

  it("keeps the pinned authority of the edge", () => {
    state.saveTls({ ...tlsOf(0), edgeCa: authority.certificate });
    const pairs = new TlsPairs(state, silent);
    pairs.keep(pem(1));
    expect(pairs.next().tls.edgeCa).toBe(authority.certificate);
  });

  const crashes = [1, 2, 3].flatMap((n) => [[n, "before", false] as const, [n, "after", true] as const]);
  it.each(crashes)("survives a crash at write %i, just %s it", (n, _when, isAfter) => {
    const edge = new EdgeRule(pem(0).fingerprint);
    expect(() => {
      const pairs = new TlsPairs(dyingAt(n, isAfter), silent);
      dial(pairs, edge);
      edge.issue(pem(1).fingerprint);
      pairs.keep(pem(1));
      dial(pairs, edge);
    }).toThrow(Crash);
    const again = new TlsPairs(state, silent);
    expect(dial(again, edge)).toBeLessThanOrEqual(2);
    expect(state.nextTls()).toBeUndefined();
    // And it can go on to the next one.
    edge.issue(pem(2).fingerprint);
    again.keep(pem(2));
    expect(dial(again, edge)).toBe(1);
    expect(state.tls()?.certificate).toBe(pem(2).certificate);
  });

  it("survives an edge that is away when the new pair is dialled first", () => {
    const edge = new EdgeRule(pem(0).fingerprint);
    const pairs = new TlsPairs(state, silent);
    edge.issue(pem(1).fingerprint);
    pairs.keep(pem(1));
    expect(dial(pairs, edge, (attempt) => attempt <= 3)).toBe(4);
    expect(pairs.retry()).toBe(true); // the old one was welcomed: the new one is still there
    expect(dial(pairs, edge)).toBe(1);
    expect(pairs.inUse.fingerprint).toBe(pem(1).fingerprint);
  });

  it("goes back to the old pair when the new one is refused, tries it again, and drops it after the third time", () => {
    const edge = new EdgeRule(pem(0).fingerprint);
    const pairs = new TlsPairs(state, silent);
    pairs.keep(pem(1)); // never issued, for this edge
    for (const isThere of [true, true, false]) {
      expect(dial(pairs, edge)).toBe(2);
      expect(pairs.inUse.fingerprint).toBe(pem(0).fingerprint);
      expect(pairs.retry()).toBe(isThere);
    }
    expect(state.nextTls()).toBeUndefined();
    expect(dial(pairs, edge)).toBe(1);
  });

  it("a pair that an earlier joining left is dropped, and the newest joining opens the tunnel", () => {
    state.saveNextTls(tlsOf(1));
    const pairs = new TlsPairs(state, silent);
    expect(dial(pairs, new EdgeRule(pem(0).fingerprint))).toBe(2);
  });
});

describe("a disk that is full", () => {
  const full = (): never => {
    throw Object.assign(new Error("no space"), { code: "ENOSPC" });
  };

  it("keeps no new pair that is not written down", () => {
    const edge = new EdgeRule(pem(0).fingerprint);
    const pairs = new TlsPairs({ ...state, saveNextTls: full }, silent);
    expect(() => pairs.keep(pem(1))).toThrow("no space");
    expect(pairs.next().fingerprint).toBe(pem(0).fingerprint);
    expect(dial(pairs, edge)).toBe(1);
  });

  it("does not stop a host whose new pair was welcomed, and the pair that works is never overwritten", () => {
    const edge = new EdgeRule(pem(0).fingerprint);
    let isFull = true;
    const said: unknown[] = [];
    const saveTls = (tls: TlsFile): void => (isFull ? full() : state.saveTls(tls));
    const pairs = new TlsPairs({ ...state, saveTls }, (line) => said.push(line["event"]));
    edge.issue(pem(1).fingerprint);
    pairs.keep(pem(1));
    dial(pairs, edge);
    expect(said).toEqual(["certificate_renewed", "certificate_not_written"]);
    expect(pairs.inUse.fingerprint).toBe(pem(1).fingerprint);
    expect(() => pairs.keep(pem(2))).toThrow("no space");
    expect(dial(new TlsPairs(state, silent), edge)).toBe(1); // as after a crash here
    isFull = false;
    dial(pairs, edge);
    expect(state.tls()?.certificate).toBe(pem(1).certificate);
  });
});

it("says what to do on a machine that has not joined", () => {
  rmSync(state.files.tls);
  expect(() => new TlsPairs(state, silent)).toThrow("clawhold join");
});
