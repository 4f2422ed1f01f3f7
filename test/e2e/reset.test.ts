/**
 * Trust on the machine itself, over the real edge: a revocation that comes in a file; and the drill, in which a host is told
 * to forget whom it obeys, the edge records its last word, the machine joins anew, is admitted anew, and obeys again. The
 * crash cases are in test/agent/host/reset.test.ts.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hostWords } from "../../protocol/words.ts";
import { clawhold, RunningHost } from "./faults/program.ts";
import { SecondHost } from "./faults/second-host.ts";
import { check, invite, sql, startTown, type Town } from "./faults/town.ts";
import { temporaryDirectory, Up } from "./installation.ts";
import { ProblemError, receiptOf } from "./operator.ts";

const PORT = 24_980;
let town: Town;
const attic = temporaryDirectory("reset");

beforeAll(async () => {
  town = await startTown({ port: PORT });
});
afterAll(async () => {
  await town?.stop();
  attic.remove();
});

/** A check that waits until the host has what the edge has just taken. */
async function checked(host: string): Promise<string | undefined> {
  for (let tries = 0; ; tries += 1) {
    try {
      return receiptOf(await check(town.operator, host))?.verdict;
    } catch (error) {
      if (!(error instanceof ProblemError) || error.code !== "trust_behind" || tries > 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function entriesOf(action: string): Promise<string> {
  return JSON.stringify(await sql(town.dataDir, `SELECT body FROM ledger WHERE subject LIKE '${action}:%'`));
}

describe("a revocation that the edge does not bring", () => {
  it("is carried from one host to another in a file, and counts there at once", async () => {
    const cellar = temporaryDirectory("carried");
    const host = await SecondHost.join(town, "cellar", { directory: cellar.path });
    const agent = host.start();
    await town.operator.admitFirstHost(host.id);
    await agent.event((said) => said.event === "admitted");
    const person = { id: "p-bob", name: town.operator.state?.workspace ?? "", roles: ["operator"] };
    await town.operator.declare({ kind: "person.add", body: person });
    expect(await checked(host.id)).toBe("executed");
    await host.stop();
    await town.operator.declare({ kind: "person.revoke", body: { person: "p-bob" } });
    expect(await checked(town.host)).toBe("executed"); // this one has it
    expect((await clawhold(["trust", "show", "--data", cellar.path])).out).toMatch(/gateway\.restart@1 +p-\S+, p-bob/);

    const carried = path.join(cellar.path, "carried.jsonl");
    expect((await clawhold(["trust", "export", "--data", town.dataDir, "--out", carried])).code).toBe(0);
    const taken = await clawhold(["trust", "import", carried, "--data", cellar.path]);
    expect(taken.out).toBe("1 revocation taken:\n  person p-bob revoked\n");
    expect(taken.code).toBe(0);
    expect((await clawhold(["trust", "show", "--data", cellar.path])).out).not.toContain("p-bob");

    // The edge agrees with what the host holds by now: commands work without a fetch.
    const next = host.start();
    await next.event((said) => said.event === "tunnel" && said["state"] === "connected");
    expect(await checked(host.id)).toBe("executed");
    await host.leave();
    cellar.remove();
  });
});

describe("a host that nobody trusts any more", () => {
  it("is reset while its agent runs, joins anew, and obeys again; the past stays told", async () => {
    const workspace = town.operator.state?.workspace ?? "";
    const host = await SecondHost.join(town, "attic", { directory: attic.path });
    const agent = host.start();
    await agent.event((said) => said.event === "tunnel" && said["state"] === "connected");
    await town.operator.admitFirstHost(host.id);
    await agent.event((said) => said.event === "admitted");
    expect(receiptOf(await check(town.operator, host.id))?.verdict).toBe("executed");

    const shown = await clawhold(["trust", "show", "--data", attic.path]);
    expect(shown.code).toBe(0);
    expect(shown.out).toMatch(/host\.check@1 +p-/);
    const carried = path.join(attic.path, "log.jsonl");
    expect((await clawhold(["trust", "export", "--data", attic.path, "--out", carried])).code).toBe(0);
    expect((await clawhold(["trust", "import", carried, "--data", attic.path])).out).toContain("Nothing was taken");

    const reset = await clawhold(["trust", "reset", `--workspace=${workspace}`, "--data", attic.path]);
    expect(reset.err).toBe("");
    expect(reset.out).toContain("The edge has recorded it, with the last word of the old key.");
    expect(reset.code).toBe(0);
    await agent.event((said) => said.event === "error" && said["code"] === "host_reset");
    await host.stop();
    expect(await entriesOf("host.reset")).toContain(host.id);
    const kept = readdirSync(path.join(attic.path, "host", "warden")).filter((name) => name.startsWith("journal"));
    expect(kept).toEqual([`journal-${host.id}.jsonl`]);

    const unasked = await clawhold(["join", "--data", attic.path, "--gateway", "none"], { input: await invite(town) });
    expect(unasked.code).toBe(4);
    expect(unasked.err).toContain("a person types here");
    const joined = await clawhold(
      ["join", "--json", "--data", attic.path, "--gateway", "none", `--workspace=${workspace}`],
      { input: await invite(town) },
    );
    expect(joined.code, joined.err).toBe(0);
    const { host: id, words } = JSON.parse(joined.out) as { host: string; words: readonly string[] };
    expect(id).not.toBe(host.id);

    const again = new RunningHost(attic.path);
    try {
      await again.event((said) => said.event === "tunnel" && said["state"] === "connected");
      await town.operator.admitFirstHost(id);
      await again.event((said) => said.event === "admitted");
      const admitted = town.operator.state?.hosts.get(id);
      expect(hostWords({ hostKey: admitted?.hostKey ?? "", workspace })).toEqual(words);
      expect(receiptOf(await check(town.operator, id))).toMatchObject({ verdict: "executed", number: 1 });
      await expect(town.operator.build("host.check@1", host.id)).rejects.toThrow(/offline|no_answer|host/);
    } finally {
      await again.stop();
    }
  });

  it("may be the one beside the edge: clawhold up then waits for a person", async () => {
    const workspace = town.operator.state?.workspace ?? "";
    const reset = await clawhold(["trust", "reset", `--workspace=${workspace}`, "--data", town.dataDir]);
    expect(reset.out).toContain("The edge has recorded it");
    expect(reset.code).toBe(0);
    expect(await entriesOf("host.reset")).toContain(town.host);
    expect(existsSync(path.join(town.dataDir, "host", "host.json"))).toBe(false);
    await town.up.event((said) => said.event === "error" && said["code"] === "host_reset");
    await town.up.stop();
    const up = new Up(town.options);
    expect(await up.exited).toBe(4);
    expect(up.events.at(-1)).toMatchObject({ event: "error", code: "workspace_untyped" });
    const mark = JSON.parse(readFileSync(path.join(town.dataDir, "host", "warden", "reset.json"), "utf8")) as unknown;
    expect(mark).toMatchObject({ isDone: true, isTold: true, workspace });
  });
});
