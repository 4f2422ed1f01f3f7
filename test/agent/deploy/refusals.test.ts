/** Everything that stops a deployment: named, with the next step, and before anything is written where that can be. */
import { chmodSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, it, expect } from "vitest";
import { AGENTS, DASHBOARD, Rig, testBundle } from "./rig.ts";

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => {
  rig.remove();
  expect(rig.fake.strange).toEqual([]);
});

/** Code and sentence; nothing was written. */
async function refusal(args: readonly string[] = []): Promise<{ readonly code: string; readonly message: string }> {
  const { err, writes } = await rig.deploy(["--json", ...args]);
  expect(writes).toEqual([]);
  return JSON.parse(err) as { code: string; message: string };
}

describe("a token", () => {
  const permissions = [
    "D1",
    "Workers Scripts",
    "Access: Service Tokens",
    "Access: Apps and Policies",
    "Access: Organizations, Identity Providers, and Groups",
    "Zone",
    "Workers Routes",
    "SSL and Certificates",
    "Zone WAF",
    "Zone Settings",
    "Bot Management",
  ];
  it.each(permissions)("without the permission %s is told its name", async (name) => {
    rig.fake.lacking.add(name);
    const { code, message } = await refusal(["--plan"]);
    expect(code).toBe("token_permission");
    expect(message).toContain(`"${name}`);
  });

  it("that has ended is refused", async () => {
    rig.write("token", "another-token-0123456789\n");
    expect((await refusal()).code).toBe("token_permission");
  });

  it("is not read from a file that others may open", async () => {
    chmodSync(path.join(rig.folder, "token"), 0o644);
    const { code, message } = await refusal();
    expect(code).toBe("token_exposed");
    expect(message).toContain("chmod 600");
  });

  it("is not read from a file that is absent, holds something else, or is not named", async () => {
    rig.save({ tokenFile: "absent" });
    expect((await refusal()).code).toBe("token_unusable");
    rig.save({ tokenFile: "token" });
    rig.write("token", "two words");
    const { code, message } = await refusal();
    expect(code).toBe("token_unusable");
    expect(message).not.toContain("two words");
    const { tokenFile: _none, ...rest } = rig.config;
    writeFileSync(rig.configPath, JSON.stringify(rest));
    expect((await refusal()).code).toBe("token_unusable");
  });

  it("of the deployment is not given to the Worker", async () => {
    rig.write("certificate-token", rig.fake.token);
    expect((await refusal()).code).toBe("token_unusable");
  });
});

describe("a configuration", () => {
  it.each([
    ["an unknown field", { colour: "red" }],
    ["a name of another zone", { dashboard: "clawhold.example.org" }],
    ["one name for both", { agents: DASHBOARD }],
    ["nobody who may pass Access", { people: {} }],
    ["an account that is none", { account: "x" }],
    ["a version that is not known", { v: 2 }],
    ["a name with a path", { dashboard: "a.example.com/x" }],
  ])("with %s is refused", async (_, change) => {
    rig.save(change);
    expect((await refusal()).code).toBe("config_unusable");
  });

  it("that is absent or no JSON is refused", async () => {
    expect((await refusal(["--config", "/nowhere/config.json"])).code).toBe("config_unusable");
    writeFileSync(rig.configPath, "{");
    expect((await refusal()).code).toBe("config_unusable");
  });
});

const obstacles: readonly (readonly [what: string, put: () => void, code: string])[] = [
  [
    "is not shown to the token",
    () => rig.save({ zone: "other.com", dashboard: "a.other.com", agents: "b.other.com" }),
    "zone_unknown",
  ],
  ["is not active", () => void (rig.fake.state.zoneStatus = "pending"), "zone_inactive"],
  ["has no Zero Trust organization", () => void (rig.fake.state.authDomain = undefined), "team_missing"],
  ["fights bots everywhere", () => void (rig.fake.state.bots = { fight_mode: true }), "bots_fight"],
  [
    "has a route over one of the names",
    () => void (rig.fake.state.routes = [{ id: "1", pattern: "*.example.com/*" }]),
    "routes_overlap",
  ],
  [
    "has a route of that very name",
    () => void (rig.fake.state.routes = [{ id: "1", pattern: `https://${AGENTS}/x` }]),
    "routes_overlap",
  ],
  ["has no room for rules", () => fillRules(), "rules_full"],
  ["has another Worker at the name", () => takeName(), "hostname_taken"],
  ["has a Worker of that name already", () => takeWorker(), "worker_taken"],
];

describe("an account or a zone", () => {
  it.each(obstacles)("that %s is refused before anything is written", async (_, put, code) => {
    put();
    expect((await refusal()).code).toBe(code);
  });

  it("with a route elsewhere is fine", async () => {
    rig.fake.state.routes = [{ id: "1", pattern: "www.example.com/*" }];
    expect((await rig.deploy(["--plan"])).code).toBe(0);
  });

  it("that has DNS records of the name is refused when it says so, and the next run goes on", async () => {
    rig.fake.state.dns.add(AGENTS);
    const { err } = await rig.deploy(["--json"]);
    expect(JSON.parse(err)).toMatchObject({ code: "hostname_taken" });
    rig.fake.state.dns.clear();
    expect((await rig.deploy()).writes).toEqual(["domainAttach", "databaseQuery"]);
  });

  it("whose only rate limiting rule is somebody else's keeps it, and the plan says so", async () => {
    rig.fake.state.rulesets.set("1".repeat(32), {
      id: "1".repeat(32),
      phase: "http_ratelimit",
      rules: [rule("theirs")],
    });
    const { code, out } = await rig.deploy();
    expect(code).toBe(0);
    expect(out).toContain("No rate limiting rule is made");
    expect(rig.fake.state.rulesets.get("1".repeat(32))?.rules).toEqual([rule("theirs")]);
  });

  it("without room says so with Cloudflare's words", async () => {
    rig.fake.faults.set(0, "500-before");
    const fault = await refusal();
    expect(fault.code).toBe("cloudflare_fault");
    expect(fault.message).toContain("Internal error");
    const { err } = await rig.deploy(["--json"], {
      fetch: () =>
        Promise.resolve(
          Response.json(
            { success: false, errors: [{ code: 7406, message: "exceeded the limit of databases" }], result: null },
            { status: 400 },
          ),
        ),
    });
    expect(JSON.parse(err)).toMatchObject({ code: "quota" });
  });

  it("that fails is asked again, and told again nothing", async () => {
    rig.fake.faults.set(0, "500-before");
    expect((await rig.deploy(["--plan"], { readRetries: 1 })).code).toBe(0);
    rig.fake.onCall = (count) => {
      if (rig.fake.calls[count]?.operation === "policyCreate") rig.fake.faults.set(count, "500-after");
    };
    expect((await rig.deploy([], { readRetries: 1 })).code).not.toBe(0);
    expect(rig.fake.state.policies.size).toBe(1);
  });

  it("that does not answer is told from one that refuses", async () => {
    rig.fake.faults.set(0, "cut-before");
    expect(await rig.deploy()).toMatchObject({ code: 3 });
    rig.fake.faults.set(1, "409");
    expect((await refusal()).code).toBe("refused");
  });
});

describe("a Worker", () => {
  it("that lost a key which hosts trust is not given another", async () => {
    await rig.deploy();
    const made = rig.fake.state.scripts.get("clawhold");
    if (made === undefined) throw new TypeError("no Worker");
    const { DISPATCH_KEY: _lost, ...secrets } = made.secrets;
    rig.fake.state.scripts.set("clawhold", { ...made, secrets });
    const { code, message } = await refusal();
    expect(code).toBe("secret_lost");
    expect(message).toContain("DISPATCH_KEY");
    expect(rig.fake.state.scripts.get("clawhold")?.secrets).toEqual(secrets);
  });

  it("that is newer than this version is not replaced by it", async () => {
    const { objects } = testBundle;
    const newer = {
      ...testBundle,
      objects: { ...objects, migrations: [...objects.migrations, { tag: "v3", classes: ["More"] }] },
    };
    await rig.deploy([], { bundle: newer });
    const { err } = await rig.deploy(["--json"]);
    expect(JSON.parse(err)).toMatchObject({ code: "bundle_unusable" });
  });
});

describe("what Cloudflare shows afterwards", () => {
  it("is read back, and must be what was sent", async () => {
    const { state } = rig.fake;
    rig.fake.onCall = (count) => {
      if (rig.fake.calls[count]?.operation === "associationsSet") state.associated = [];
    };
    const { err, code } = await rig.deploy(["--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(err)).toMatchObject({ code: "verify_failed" });
    expect(err).toContain(AGENTS);
  });
});

describe("a record", () => {
  it("that is damaged or somebody else's to write is not believed", async () => {
    await rig.deploy();
    const [mark = ""] = readdirSync(path.join(rig.folder, ".clawhold-deploy"));
    const file = path.join(rig.folder, ".clawhold-deploy", mark, "record.json");
    writeFileSync(file, "{");
    expect((await refusal()).code).toBe("record_damaged");
    writeFileSync(file, JSON.stringify({ v: 1, mark: "other", settings: {}, phases: [], secrets: [] }));
    expect((await refusal()).code).toBe("record_damaged");
  });
});

describe("what is typed", () => {
  it.each([[["--colour"]], [["--yes-destroy", "x"]], [["word"]]])("%j is not known", async (args) => {
    const { code, err, writes } = await rig.deploy(args);
    expect([code, writes]).toEqual([2, []]);
    expect(err).toContain("--help");
  });

  it.each([
    ["--plan", { npm_config_parseable: "true", npm_config_long: "true", npm_config_all: "true" }],
    ["--new-link", { npm_config_new_link: "true" }],
    ["--config", { npm_config_config: "true" }],
    ["--yes-destroy", { npm_config_yes_destroy: "true" }],
  ])("%s without the -- that npm wants does nothing, and says how", async (option, environment) => {
    const deployed = await rig.deploy([], { environment });
    expect([deployed.code, deployed.out, deployed.writes]).toEqual([2, "", []]);
    expect(deployed.err).toContain(`npm run deploy -- ${option}`);
    expect((await rig.destroy([], { environment })).code).toBe(2);
  });

  it("--help says what there is", async () => {
    expect((await rig.deploy(["--help"])).out).toContain("--plan");
  });
});

function rule(ref: string): Record<string, unknown> {
  return {
    id: "4".repeat(32),
    ref,
    expression: "(true)",
    action: "block",
    enabled: true,
    version: "1",
    last_updated: "2026-01-01T00:00:00Z",
  };
}

function fillRules(): void {
  const rules = ["a", "b"].map((ref) => ({ ...rule(ref), id: ref.repeat(32) }));
  rig.fake.state.rulesets.set("2".repeat(32), { id: "2".repeat(32), phase: "http_request_firewall_custom", rules });
}

function takeName(): void {
  const id = "3".repeat(32);
  const { zone } = rig.fake.state;
  rig.fake.state.domains.set(id, {
    id,
    hostname: DASHBOARD,
    service: "theirs",
    zone_id: zone,
    zone_name: "example.com",
    environment: "production",
    cert_id: id,
  });
}

function takeWorker(): void {
  rig.fake.state.scripts.set("clawhold", {
    name: "clawhold",
    modules: {},
    bindings: [],
    secrets: {},
    tags: [],
    migrationTag: undefined,
    classes: [],
    compatibilityDate: "",
    assets: {},
    assetsConfig: {},
    workersDev: true,
    previews: true,
  });
}
