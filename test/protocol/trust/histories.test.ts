/**
 * What a host makes of the same statements in any order. CLAWHOLD_HISTORIES: how many random histories, CLAWHOLD_SEED: from
 * which seed on.
 */
import { describe, expect, it } from "vitest";
import { applyOrFork } from "../../../protocol/trust/fork.ts";
import { heldRevocations, type ChainState, type TrustState } from "../../../protocol/trust/state.ts";
import { randomOf } from "../campaign.ts";
import { hear, summaryOf } from "./courses.ts";
import { randomHistory, shuffled, type History, type SaidRevocation } from "./histories.ts";

const HISTORIES = Number(process.env["CLAWHOLD_HISTORIES"] ?? "150");
const SEED = Number(process.env["CLAWHOLD_SEED"] ?? "20261120");
const ORDERS = 5;

function placesOf(head: ChainState): readonly ChainState[] {
  const places: ChainState[] = [];
  for (let place: ChainState | undefined = head; place !== undefined; place = place.previous) places.push(place);
  return places;
}

function names({ body, person }: SaidRevocation, approver: ChainState["approvers"][number]): boolean {
  if ("credential" in body) return approver.credential === body.credential;
  if ("grant" in body) return approver.grant === body.grant;
  return approver.person === person;
}

/** Statements that this state obeys although a revocation, said at an older head and held here, names who approved them. */
function wronglyObeyed({ revocations }: History, state: TrustState): readonly string[] {
  if (state.frozen !== undefined) return [];
  // What came too late accuses nobody.
  const held = new Map([...state.revocations, ...(state.disputed ?? [])]);
  const places = placesOf(state.chain);
  return revocations
    .filter(({ digest }) => held.has(digest))
    .flatMap((one) =>
      places.filter(
        ({ n, knew, approvers }) =>
          n > one.prev &&
          !knew.has(one.digest) &&
          approvers.some((who) => names(one, who)) &&
          !wasKept(places, n, one.digest),
      ),
    )
    .map(({ n }) => `place ${n}`);
}

/** People said of this statement, or of one before it, that it stays, knowing the revocation. */
function wasKept(places: readonly ChainState[], n: number, revocation: string): boolean {
  const [head] = places;
  return places.some((place) => {
    const resolvedAt = place.n <= n ? (head?.kept.get(place.hash) ?? 0) : 0;
    return resolvedAt > n && places.some((later) => later.n === resolvedAt && later.knew.has(revocation));
  });
}

/** Revocations that nobody speaks against: their author is named by no revocation. */
function undisputed({ revocations }: History): readonly SaidRevocation[] {
  return revocations.filter((one) => revocations.every((other) => other.person !== one.by));
}

/** A host hears one order; after each statement it obeys nobody whom it must not. */
async function follow(history: History, order: History["said"]): Promise<TrustState> {
  let state = history.start;
  const accepted = new Set<string>();
  for (const signed of [...order, ...order]) {
    const result = await applyOrFork(state, signed);
    if (!result.ok || result.state === state) continue;
    ({ state } = result);
    expect(wronglyObeyed(history, state)).toEqual([]);
    for (const digest of heldRevocations(state).keys()) accepted.add(digest);
    // Once heard, it stays: nobody talks it away.
    for (const { digest } of undisputed(history))
      if (accepted.has(digest)) expect(state.revocations.has(digest)).toBe(true);
  }
  return hear(state, order);
}

describe("random histories", () => {
  it(`give one state in every order (${HISTORIES} from seed ${SEED})`, { timeout: 3_600_000 }, async () => {
    const seen = { frozen: 0, thawed: 0, disputed: 0, revocations: 0, statements: 0 };
    for (let i = 0; i < HISTORIES; i++) {
      const history = await randomHistory(SEED + i);
      const random = randomOf(SEED + i);
      const first = await follow(history, history.said);
      for (let order = 1; order < ORDERS; order++) {
        const other = await follow(history, shuffled(history.said, random));
        expect({ seed: SEED + i, ...summaryOf(other) }).toEqual({ seed: SEED + i, ...summaryOf(first) });
        expect([...other.credentials.keys()]).toEqual([...first.credentials.keys()]);
      }
      seen[first.frozen === undefined ? "thawed" : "frozen"] += 1;
      seen.disputed += first.disputed?.size ?? 0;
      seen.revocations += first.revocations.size;
      seen.statements += first.chain.n - history.start.chain.n;
    }
    console.log(seen);
    // Otherwise the histories are too tame to say anything.
    expect(Math.min(seen.frozen, seen.thawed)).toBeGreaterThan(HISTORIES / 10);
    expect(seen.revocations).toBeGreaterThan(HISTORIES / 2);
  });
});
