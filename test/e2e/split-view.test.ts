/**
 * Split view: whoever holds the edge shows three of six machines one past and the other three another, each consistent in
 * itself and signed with the log's own key. Neither is ever called witnessed, and the first machine that sees both says so.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { AlertKind, AlertRow } from "../../protocol/alerts.ts";
import { witnessStanding, type WitnessStanding } from "../../protocol/checkpoint.ts";
import { WITNESS_SILENT_SECONDS } from "../../protocol/limits.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { TrustPage } from "../../protocol/trust/statements.ts";
import { verifyChunks } from "../../agent/verify/read.ts";
import { copyOf, Fork, now, vouched, type Side } from "./split-view/fork.ts";
import { Machine } from "./split-view/machine.ts";

const NAMES = ["one", "two", "three", "four", "five", "six"].map((name) => `split ${name}`);

let fork: Fork;
const machines: Machine[] = [];
/** A seventh, on the machine of the edge: it goes along with whatever that shows, and does not count. */
let beside: Machine;
let trust: TrustState;
/** How long the one past was that all six had seen. */
let common: number;

beforeAll(async () => {
  fork = await Fork.found();
  const at = { workspace: fork.town.workspace, edgeCa: fork.a.running.edgeCaCertificate };
  for (const name of NAMES) {
    const machine = await Machine.join(fork.a.edge, name, at);
    machines.push(machine);
    await fork.admit(machine);
  }
  beside = await Machine.join(fork.a.edge, "split beside", { ...at, colocated: true });
  await fork.admit(beside);
  trust = await fork.town.trust();
});

afterAll(async () => {
  await Promise.all([...machines, beside].map((machine) => machine.leave()));
  await fork?.stop();
});

afterEach(({ task }) => {
  if (task.result?.state !== "fail") return;
  for (const { id, log } of machines) console.log(id, log.slice(-12).join("\n"));
});

const half = (side: "a" | "b"): readonly Machine[] => (side === "a" ? machines.slice(0, 3) : machines.slice(3));
const eventually = { timeout: 90_000, interval: 500 } as const;

async function standing(side: Side): Promise<WitnessStanding & { readonly head: number }> {
  const { newest, cosigned } = await vouched(side, trust);
  const hosts = [...trust.hosts.values()].map(({ host, colocated }) => ({ id: host, colocated }));
  const judged = witnessStanding(hosts, cosigned, { now: now(), silentSeconds: WITNESS_SILENT_SECONDS });
  return { ...judged, head: newest.size };
}

/** All of them have cosigned the newest, which is longer than that. */
async function allCosigned(side: Side, of: readonly Machine[], beyond = 0): Promise<number> {
  let all = 0;
  await expect
    .poll(async () => {
      const { head } = await standing(side);
      const isCosigned = head > beyond && of.every((machine) => machine.seen()?.cosigned === head);
      if (isCosigned) all = head;
      return isCosigned;
    }, eventually)
    .toBe(true);
  return all;
}

describe("one past", () => {
  it("is witnessed by six of six", async () => {
    for (const machine of [...machines, beside]) machine.start(fork.a.running.agentEndpoint);
    common = await allCosigned(fork.a, [...machines, beside]);
    const judged = await standing(fork.a);
    expect(judged).toMatchObject({ needed: 4, silent: [] });
    expect(judged.witnessedSize).toBeGreaterThanOrEqual(common); // the log goes on meanwhile
    const { checkpoints, witnesses } = await fork.checkpoints();
    expect(checkpoints.length).toBeGreaterThan(0);
    expect(witnesses.map(({ host }) => host).toSorted()).toEqual([...machines, beside].map(({ id }) => id).toSorted());
    expect((await beside.says(["audit", "show"])).out).toContain("does not count as a witness");
  });
});

describe("two pasts", () => {
  let b: Side;

  beforeAll(async () => {
    await Promise.all([...machines, beside].map((machine) => machine.stop()));
    b = await fork.split();
    // What the stopping itself appended may be signed by now; the machines hold at most what is in both.
    common = Math.max((await standing(fork.a)).head, (await standing(b)).head);
    for (const machine of [...half("a"), beside]) machine.start(fork.a.running.agentEndpoint);
    for (const machine of half("b")) machine.start(b.running.agentEndpoint);
  });

  it("are each cosigned by the half that is shown it, because each goes on from what it had seen", async () => {
    await allCosigned(fork.a, [...half("a"), beside], common);
    await allCosigned(b, half("b"), common);
    const seen = machines.map((machine) => machine.seen());
    expect(seen.flatMap((one) => one?.conflicts ?? [])).toEqual([]);
    expect(seen[0]?.root).not.toBe(seen[3]?.root);
  });

  it("are neither witnessed: three of six are not more than half, and the one beside the edge is none of them", async () => {
    for (const side of [fork.a, b]) {
      const judged = await standing(side);
      expect(judged).toMatchObject({ needed: 4 });
      expect(judged.head).toBeGreaterThan(common);
      expect(judged.witnessedSize).toBeLessThanOrEqual(common); // what all still share, and no entry of either half
    }
  });

  it("are neither called witnessed by somebody who verifies a copy of them, offline", async () => {
    const { page } = (await fork.page.must("trust")) as unknown as { readonly page: TrustPage };
    for (const side of [fork.a, b]) {
      const { seenBy, last, checkpoint } = await verifyChunks([await copyOf(side, page)], {
        workspace: fork.town.workspace,
      });
      expect(checkpoint?.size).toBe(last);
      expect(seenBy).toMatchObject({ needed: 4 });
      expect(seenBy?.besideEdge).toEqual([beside.id]);
      const beyond = seenBy?.cosigned.filter(({ host, size }) => size > common && host !== beside.id);
      expect(beyond).toHaveLength(3);
      expect(seenBy?.witnessedSize).toBeLessThanOrEqual(common);
      expect(last).toBeGreaterThan(common);
    }
  });

  it("meet in the first machine that sees both: it refuses, keeps both, and goes on vouching for what it saw", async () => {
    const [moved] = half("b");
    if (moved === undefined) throw new TypeError("six machines");
    await moved.stop();
    const before = moved.seen(); // nothing is cosigned any more
    moved.start(fork.a.running.agentEndpoint);
    await expect.poll(() => moved.seen()?.conflicts.length, eventually).toBe(1);
    expect(["smaller", "different", "inconsistent"]).toContain(moved.seen()?.conflicts[0]);
    expect(moved.seen()).toMatchObject({ size: before?.size, root: before?.root });
    const shown = await moved.says(["audit", "show"]);
    expect(shown.exit).toBe(4);
    expect(shown.out).toContain(before?.root);
    const { seen } = JSON.parse((await moved.says(["audit", "show", "--json"])).out) as {
      readonly seen: { readonly conflicts: readonly { readonly held: object; readonly shown: object }[] };
    };
    expect(seen.conflicts[0]).toMatchObject({ held: { size: before?.size, root: before?.root } });
  });

  const alertsOf = async (wanted: AlertKind, machine: Machine | undefined): Promise<readonly AlertRow[]> =>
    ((await fork.page.must("alerts"))["alerts"] as readonly AlertRow[]).filter(
      ({ kind, host }) => kind === wanted && host === machine?.id,
    );

  it("raise an alert that names both", async () => {
    const [moved] = half("b");
    const held = moved?.seen();
    await expect.poll(async () => (await alertsOf("witness.refused", moved)).length, eventually).toBe(1);
    const [alert] = await alertsOf("witness.refused", moved);
    expect(alert).toMatchObject({ state: "open", detail: { held: { size: held?.size, root: held?.root } } });
    expect(alert?.detail.shown?.root).not.toBe(held?.root);
    expect(alert?.detail.shown?.size).toBeGreaterThan(0);
    const judged = await standing(fork.a);
    expect(judged.witnessedSize).toBeLessThanOrEqual(common);
  });

  it("become one only by the word of a machine's owner, which everybody sees", async () => {
    const [moved] = half("b");
    if (moved === undefined) throw new TypeError("six machines");
    const said = await moved.says(["audit", "reset", `--workspace=${fork.town.workspace}`]);
    expect(said).toMatchObject({ exit: 0, out: expect.stringContaining("is told now") });
    await expect.poll(async () => (await alertsOf("witness.reset", moved)).length, eventually).toBe(1);
    await expect.poll(async () => (await standing(fork.a)).witnessedSize, eventually).toBeGreaterThan(common);
    await expect.poll(async () => (await alertsOf("witness.refused", moved))[0]?.state, eventually).toBe("resolved");
    const entries = await fork.a.edge.sql([
      { sql: "SELECT body ->> 'action' AS action FROM ledger WHERE body ->> 'action' LIKE 'witness.%' ORDER BY idx" },
    ]);
    expect(entries[0]?.map(({ action }) => action)).toEqual(["witness.refused", "witness.reset"]);
  });
});
