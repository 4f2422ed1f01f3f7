import { describe, expect, it } from "vitest";
import { REDACTED } from "../../../../../agent/host/gateway/config-edit.ts";
import { holdsSecret, leavesOf, visibleSecrets } from "../../../../../agent/host/gateway/readings/config-leaves.ts";

const tree = {
  gateway: {
    bind: "loopback",
    port: 18_789,
    auth: { mode: "token", token: "${OPENCLAW_GATEWAY_TOKEN}" },
    remote: { url: "wss://ann:plum@gateway.example", token: REDACTED },
  },
  env: { vars: { PLACE: "harbour" }, TOP: "harbour" },
  skills: { entries: { weather: { env: { CITY: "harbour" }, enabled: true } } },
  mcp: { servers: { files: { command: "node", args: ["--at", "harbour"], headers: { "x-one": "harbour" } } } },
  logging: { redactPatterns: ["harbour-\\d+"], level: "info" },
  hooks: { path: "/hooks", maxTokens: 5 },
  channels: { telegram: { allowFrom: ["101"], webhookSecret: "harbour" } },
  agents: { defaults: { model: { primary: "anthropic/claude-sonnet-4-5-20250929" }, contextTokens: 5 }, list: [] },
};

describe("leavesOf", () => {
  const leaves = leavesOf(tree, 1_000);
  const secret = leaves.filter(({ isSecret }) => isSecret).map(({ path }) => path.join("."));

  it("hides every place that a gateway itself leaves in sight", () => {
    expect(secret.toSorted()).toEqual([
      "channels.telegram.webhookSecret",
      "env.TOP",
      "env.vars.PLACE",
      "gateway.remote.token",
      "gateway.remote.url",
      "logging.redactPatterns.0",
      "mcp.servers.files.args.0",
      "mcp.servers.files.args.1",
      "mcp.servers.files.headers.x-one",
      "skills.entries.weather.env.CITY",
    ]);
  });

  it("shows the rest, empty lists and references too", () => {
    const shown = new Map(leaves.filter(({ isSecret }) => !isSecret).map(({ path, value }) => [path.join("."), value]));
    expect(shown.get("gateway.auth.token")).toBe("${OPENCLAW_GATEWAY_TOKEN}");
    expect(shown.get("agents.list")).toEqual([]);
    expect(shown.get("agents.defaults.model.primary")).toBe("anthropic/claude-sonnet-4-5-20250929");
    expect(shown.get("channels.telegram.allowFrom.0")).toBe("101");
  });

  it("hides what looks random under any name", () => {
    expect(leavesOf({ note: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b" }, 9)).toMatchObject([{ isSecret: true }]);
  });

  it("ends at its limit", () =>
    expect(leavesOf({ many: Array.from({ length: 500 }, () => 1) }, 100)).toHaveLength(100));
});

describe("what else is asked of a configuration", () => {
  it("finds a secret inside a part of it", () => {
    expect(holdsSecret(["mcp", "servers"], { files: { args: ["x"] } })).toBe(true);
    expect(holdsSecret(["gateway", "bind"], "lan")).toBe(false);
    expect(holdsSecret(["gateway"], undefined)).toBe(false);
  });

  it("lists the secrets that are there to be seen, not the placeholders", () => {
    expect(visibleSecrets(tree)).toContain("wss://ann:plum@gateway.example");
    expect(visibleSecrets(tree)).not.toContain(REDACTED);
  });
});
