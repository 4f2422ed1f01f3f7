import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, it, expect } from "vitest";
import { digest } from "../../fixtures/cloudflare/state.ts";
import { AGENTS, DASHBOARD, NOW, Rig, testBundle } from "./rig.ts";

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => {
  rig.remove();
  expect(rig.fake.strange).toEqual([]);
});

function script(): NonNullable<ReturnType<typeof rig.fake.state.scripts.get>> {
  const found = rig.fake.state.scripts.get("clawhold");
  if (found === undefined) throw new TypeError("no Worker");
  return found;
}

/** The mark of the test account, zone and name. */
function folder(): string {
  const [, mark = ""] = /clawhold-([0-9a-f]{10})/.exec(JSON.stringify(rig.fake.state.snapshot())) ?? [];
  return path.join(rig.folder, ".clawhold-deploy", mark);
}

describe("npm run deploy", () => {
  it("says with --plan what it will do, and does none of it", async () => {
    const before = rig.fake.state.shape();
    const { code, out, writes } = await rig.deploy(["--plan"]);
    expect(code).toBe(0);
    expect(writes).toEqual([]);
    expect(rig.fake.state.shape()).toBe(before);
    for (const word of [
      "D1 database",
      "migration 0001",
      "Access application",
      "Worker clawhold",
      AGENTS,
      "rules tls",
      "setup link",
    ])
      expect(out).toContain(word);
  });

  it("tells the plan before the first write, and then does exactly it", async () => {
    const plan = await rig.deploy(["--plan", "--json"]);
    const ran = await rig.deploy(["--json"]);
    expect(ran.code).toBe(0);
    const events = ran.out.split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
    const [first, ...rest] = events;
    expect(first).toEqual(JSON.parse(plan.out));
    const done = rest.filter(({ event }) => event === "done").map(({ event: _event, ...change }) => change);
    expect(done).toEqual(first?.["changes"]);
    expect(rest.map(({ event }) => event).filter((event) => event !== "done")).toEqual(["verified", "setup-link"]);
  });

  it("writes nothing the second time", async () => {
    await rig.deploy();
    const before = rig.fake.state.shape();
    const again = await rig.deploy();
    expect(again.writes).toEqual([]);
    expect(again.out).toContain("nothing to do");
    expect(rig.fake.state.shape()).toBe(before);
  });

  it("gives the Worker all that it binds, and no name at workers.dev", async () => {
    await rig.deploy();
    const { bindings, secrets, workersDev, previews, assetsConfig, migrationTag, classes } = script();
    const text = (name: string): unknown => bindings.find((one) => one["name"] === name)?.["text"];
    const [app] = rig.fake.state.apps.values();
    expect(text("AGENT_ENDPOINT")).toBe(`wss://${AGENTS}:443`);
    expect(text("ACCESS_TEAM_DOMAIN")).toBe("team.cloudflareaccess.com");
    expect(text("ACCESS_AUDIENCE")).toBe(app?.["aud"]);
    expect(text("CLIENT_CERTIFICATE_ZONES")).toBe(JSON.stringify([rig.fake.state.zone]));
    expect(Object.keys(secrets).toSorted()).toEqual([
      "CLIENT_CERTIFICATE_TOKEN",
      "DISPATCH_KEY",
      "LEDGER_KEY",
      "SETTINGS_KEY",
    ]);
    expect(text("SIGNER_ORIGIN")).toBeUndefined();
    expect([workersDev, previews]).toEqual([false, false]);
    expect(assetsConfig).toMatchObject({ run_worker_first: true, html_handling: "none", not_found_handling: "none" });
    expect([migrationTag, classes]).toEqual(["v2", ["Ledger", "Host"]]);
  });

  it("puts Access before the dashboard and client certificates before the agents, and both before the names", async () => {
    await rig.deploy();
    const { apps, policies, associated, domains } = rig.fake.state;
    expect([...apps.values()].map(({ domain }) => domain)).toEqual([DASHBOARD]);
    const [people, signers] = [...policies.values()];
    expect(people).toMatchObject({
      decision: "allow",
      include: [{ email: { email: "owner@example.com" } }, { email_domain: { domain: "example.com" } }],
    });
    expect(signers).toMatchObject({ decision: "non_identity" });
    expect(associated).toEqual([AGENTS]);
    expect([...domains.values()].map(({ hostname }) => hostname)).toEqual([DASHBOARD, AGENTS]);
    const order = rig.fake.writes();
    expect(order.indexOf("domainAttach")).toBeGreaterThan(order.lastIndexOf("entrypointSet"));
    expect(order.indexOf("domainAttach")).toBeGreaterThan(order.indexOf("associationsSet"));
    expect(order.indexOf("domainAttach")).toBeGreaterThan(order.indexOf("appCreate"));
  });

  it("keeps names of others among those that ask for certificates", async () => {
    rig.fake.state.associated = ["other.example.com"];
    await rig.deploy();
    expect(rig.fake.state.associated).toEqual(["other.example.com", AGENTS]);
  });

  it("makes secrets once, shows none, and keeps none but the service token", async () => {
    const first = await rig.deploy();
    const { secrets } = script();
    await rig.deploy([], { bundle: { ...testBundle, worker: Buffer.from("export default { v: 2 }") } });
    expect(script().secrets).toEqual(secrets);
    const tokenFile = path.join(folder(), "signer-token.json");
    const { clientSecret } = JSON.parse(readFileSync(tokenFile, "utf8")) as { clientSecret: string };
    expect(statSync(tokenFile).mode & 0o777).toBe(0o600);
    expect([...rig.fake.state.tokenSecrets.values()]).toEqual([digest(clientSecret)]);
    expect(first.out).not.toContain(clientSecret);
    expect(first.out).not.toContain(rig.fake.token);
    const record = readFileSync(path.join(folder(), "record.json"), "utf8");
    expect(record).not.toContain("certificate-token-1");
    expect(record).not.toContain(clientSecret);
  });

  it("offers a link whose public half alone is in the database", async () => {
    const { out } = await rig.deploy(["--json"]);
    const { url, ends } = JSON.parse(out.split("\n").at(-1) ?? "") as { url: string; ends: number };
    expect(url).toMatch(/^http:\/\/clawhold\.localhost:4470\/setup#seed=[\w-]{43}$/);
    const [{ db } = { db: undefined }] = rig.fake.state.databases.values();
    const row = db?.prepare("SELECT setup_key, expires FROM setup").get();
    expect(row).toMatchObject({ expires: ends });
    expect(url).not.toContain(String(row?.["setup_key"]));
    expect(ends).toBe(NOW + 900);
  });

  it("offers no second link while one is good, another when asked, and a new one after its end", async () => {
    const first = await rig.deploy();
    expect(first.out).toContain("/setup#seed=");
    expect((await rig.deploy()).out).toContain("is good until");
    expect((await rig.deploy(["--new-link"])).writes).toEqual(["databaseQuery"]);
    const later = await rig.deploy([], { now: NOW + 901 });
    expect(later.out).toContain("/setup#seed=");
    expect(later.writes).toEqual(["databaseQuery"]);
  });

  it("offers no link where there is a workspace, not even when asked", async () => {
    await rig.deploy();
    const [{ db } = { db: undefined }] = rig.fake.state.databases.values();
    db?.exec("DELETE FROM setup; INSERT INTO workspaces (workspace, created_at) VALUES ('w', 1)");
    const { out, writes } = await rig.deploy(["--new-link"], { now: NOW + 901 });
    expect(writes).toEqual([]);
    expect(out).toContain("Ready. Sign in with: clawhold ui --edge https://clawhold.example.com");
  });

  it("writes no setup key beside a workspace that was founded a moment ago", async () => {
    await rig.deploy();
    const [{ db } = { db: undefined }] = rig.fake.state.databases.values();
    db?.exec("DELETE FROM setup");
    let isFounded = false;
    await rig.deploy([], {
      fetch: async (input, init) => {
        // Between the last look and the write.
        if (!isFounded && typeof init?.body === "string" && init.body.includes("INSERT INTO setup")) {
          isFounded = true;
          db?.exec("INSERT INTO workspaces (workspace, created_at) VALUES ('w', 1)");
        }
        return rig.fake.fetch(input as string, init);
      },
    });
    expect(isFounded).toBe(true);
    expect(db?.prepare("SELECT count(*) AS n FROM setup").get()).toEqual({ n: 0 });
    expect(db?.prepare("SELECT count(*) AS n FROM workspaces").get()).toEqual({ n: 1 });
  });

  it("brings new code, new objects and new migrations to what is there", async () => {
    await rig.deploy();
    const { migrations, objects } = testBundle;
    const newer = {
      ...testBundle,
      migrations: [...migrations, { name: "9999_more.sql", sql: "CREATE TABLE more (id INTEGER);" }],
      objects: {
        bindings: [...objects.bindings, { name: "MORE", className: "More" }],
        migrations: [...objects.migrations, { tag: "v3", classes: ["More"] }],
      },
    };
    const { code, out } = await rig.deploy([], { bundle: newer });
    expect(code).toBe(0);
    expect(out).toContain("migration 9999_more.sql");
    expect(out).toContain("code, pages or their headers, binding MORE");
    expect(script()).toMatchObject({ migrationTag: "v3", classes: ["Ledger", "Host", "More"] });
    expect((await rig.deploy([], { bundle: newer })).writes).toEqual([]);
  });

  it("hands over another token for certificates when the file holds another", async () => {
    await rig.deploy();
    const before = script().secrets["CLIENT_CERTIFICATE_TOKEN"];
    rig.write("certificate-token", "certificate-token-2\n");
    const { writes } = await rig.deploy();
    expect(writes).toEqual(["secretSet"]);
    expect(script().secrets["CLIENT_CERTIFICATE_TOKEN"]).not.toBe(before);
  });

  it("changes settings of the whole zone only when told that nothing else is served there", async () => {
    await rig.deploy();
    expect(rig.fake.state.settings.get("min_tls_version")).toBe("1.0");
    rig.save({ zoneWide: true });
    await rig.deploy();
    expect(Object.fromEntries(rig.fake.state.settings)).toEqual({
      tls_1_3: "on",
      min_tls_version: "1.3",
      ssl: "strict",
      always_use_https: "on",
    });
  });
});
