import { existsSync, readdirSync } from "node:fs";
import { afterEach, beforeEach, describe, it, expect } from "vitest";
import { DASHBOARD, Rig } from "./rig.ts";

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => {
  rig.remove();
  expect(rig.fake.strange).toEqual([]);
});

describe("npm run destroy", () => {
  it("leaves the account and the zone as they were before", async () => {
    const before = rig.fake.state.shape();
    rig.save({ zoneWide: true });
    await rig.deploy();
    const { code, out } = await rig.destroy();
    expect(code).toBe(0);
    expect(out).toContain("Nothing of clawhold.example.com is left");
    expect(rig.fake.state.shape()).toBe(before);
    expect(readdirSync(rig.folder).toSorted()).toEqual([
      ".clawhold-deploy",
      "certificate-token",
      "clawhold.deploy.json",
      "token",
    ]);
    expect(readdirSync(`${rig.folder}/.clawhold-deploy`)).toEqual([]);
  });

  it("leaves what others have beside it", async () => {
    const { state } = rig.fake;
    state.plan = "pro";
    state.associated = ["other.example.com"];
    state.policies.set("1", { id: "1", name: "theirs", decision: "allow", include: [], reusable: true });
    state.serviceTokens.set("2", { id: "2", name: "theirs" });
    state.rulesets.set("3".repeat(32), {
      id: "3".repeat(32),
      phase: "http_request_firewall_custom",
      rules: [
        {
          id: "4".repeat(32),
          ref: "theirs",
          expression: "(true)",
          action: "block",
          enabled: true,
          version: "1",
          last_updated: "2026-01-01T00:00:00Z",
        },
      ],
    });
    const before = state.shape();
    await rig.deploy();
    await rig.destroy();
    expect(state.shape()).toBe(before);
  });

  it("keeps the agents' name asking for certificates where it did so before the deployment", async () => {
    rig.fake.state.associated = ["clawhold-agents.example.com"];
    await rig.deploy();
    await rig.destroy();
    expect(rig.fake.state.associated).toEqual(["clawhold-agents.example.com"]);
  });

  it("finds nothing to remove the second time", async () => {
    await rig.deploy();
    await rig.destroy();
    const again = await rig.destroy();
    expect(again).toMatchObject({ code: 0, writes: [] });
    expect(again.out).toContain("Nothing of clawhold.example.com is there");
  });

  it.each([
    ["another name is given", ["--yes-destroy", "clawhold"], undefined],
    ["another name is typed", [], "yes"],
    ["there is nobody to ask", [], undefined],
  ])("removes nothing when %s", async (_, args, typed) => {
    await rig.deploy();
    const before = rig.fake.state.shape();
    const refused = await rig.destroy(args, typed === undefined ? {} : { typed });
    expect(refused).toMatchObject({ code: 1, writes: [] });
    expect(refused.err).toContain("nothing was removed. Type it when asked, or give it with --yes-destroy");
    expect(rig.fake.state.shape()).toBe(before);
    expect(existsSync(`${rig.folder}/.clawhold-deploy`)).toBe(true);
  });

  it("removes it when the name is typed", async () => {
    await rig.deploy();
    expect(await rig.destroy([], { typed: `${DASHBOARD}\n` })).toMatchObject({ code: 0 });
    expect(rig.fake.state.scripts.size).toBe(0);
  });

  it("shows with --plan what it would remove, and removes nothing", async () => {
    await rig.deploy();
    const { code, out, writes } = await rig.destroy(["--plan"]);
    expect([code, writes]).toEqual([0, []]);
    expect(out).toContain("remove");
    expect(out).toContain("D1 database");
    expect(existsSync(`${rig.folder}/.clawhold-deploy`)).toBe(true);
  });

  it("refuses to remove a Worker of the same name that it did not make, and everything else with it", async () => {
    await rig.deploy();
    const made = rig.fake.state.scripts.get("clawhold");
    if (made !== undefined) rig.fake.state.scripts.set("clawhold", { ...made, tags: ["theirs"] });
    const before = rig.fake.state.shape();
    const refused = await rig.destroy();
    expect(refused).toMatchObject({ code: 1, writes: [] });
    expect(refused.err).toContain("did not make");
    expect(rig.fake.state.shape()).toBe(before);
  });

  it("goes on after it was cut off anywhere", async () => {
    const before = rig.fake.state.shape();
    await rig.deploy();
    for (let cut = 0; cut < 20 && rig.fake.state.shape() !== before; cut += 1) {
      // The first write takes effect and its answer is lost.
      await rig.destroy(undefined, {
        fetch: async (input, init) => {
          const at = rig.fake.calls.length;
          const answer = await rig.fake.fetch(input as string, init);
          if (rig.fake.calls[at]?.write === true) throw new TypeError("fetch failed");
          return answer;
        },
      });
    }
    expect(rig.fake.state.shape()).toBe(before);
  });
});
