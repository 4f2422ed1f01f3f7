import { describe, expect, it } from "vitest";
import { bindToLoopback, planLockdown } from "../../../../agent/host/gateway/lockdown.ts";

const tight = {
  gateway: { terminal: { enabled: false }, nodes: { pairing: { autoApproveLocal: false, sshVerify: false } } },
  tools: { exec: { mode: "ask" } },
};
const tightRules = { security: "allowlist", ask: "on-miss", askFallback: "deny" };
const lines = (tree: object, exec?: object): readonly string[] =>
  planLockdown(tree, exec).changes.map(({ what, path, from, to }) => `${what} ${path}: ${from} -> ${to}`);

describe("a lockdown", () => {
  it("changes nothing that is tight", () => {
    const { after, changes } = planLockdown(tight, tightRules);
    expect(changes).toEqual([]);
    expect(after).toEqual(tight);
  });

  it("tightens what is loose by default", () => {
    expect(lines({}, {})).toEqual([
      "terminal gateway.terminal.enabled: not set -> false",
      "auto_pairing gateway.nodes.pairing.autoApproveLocal: not set -> false",
      "auto_pairing gateway.nodes.pairing.sshVerify: not set -> false",
      "exec tools.exec.mode: not set -> ask",
      "exec_file defaults: full, ask off, else deny -> allowlist, ask on-miss, else deny",
    ]);
  });

  it.each([
    [{ gateway: { bind: "lan" } }, "bind gateway.bind: lan -> loopback"],
    [{ gateway: { tailscale: { mode: "funnel" } } }, "bind gateway.tailscale.mode: funnel -> off"],
    [
      { gateway: { nodes: { pairing: { autoApproveCidrs: ["10.0.0.0/8"] } } } },
      'auto_pairing gateway.nodes.pairing.autoApproveCidrs: ["10.0.0.0/8"] -> not set',
    ],
    [
      { agents: { entries: { main: { tools: { exec: { mode: "full" } } } } } },
      "exec agents.entries.main.tools.exec.mode: full -> ask",
    ],
    [{ channels: { telegram: { dmPolicy: "open" } } }, "channel channels.telegram.dmPolicy: open -> pairing"],
    [
      { channels: { telegram: { dmPolicy: "open", allowFrom: ["*", "7"] } } },
      'channel channels.telegram.allowFrom: ["*","7"] -> ["7"]',
    ],
    [{ channels: { discord: { dm: { policy: "open" } } } }, "channel channels.discord.dm.policy: open -> pairing"],
    [{ channels: { defaults: { groupPolicy: "open" } } }, "channel channels.defaults.groupPolicy: open -> allowlist"],
    [
      { channels: { slack: { accounts: { work: { dmPolicy: "open" } } } } },
      "channel channels.slack.accounts.work.dmPolicy: open -> pairing",
    ],
    [
      { channels: { telegram: { dmPolicy: "pairing", allowFrom: ["*", 7] } } },
      'channel channels.telegram.allowFrom: ["*",7] -> [7]',
    ],
    [{ channels: { telegram: { allowFrom: ["tg:*"] } } }, 'channel channels.telegram.allowFrom: ["tg:*"] -> []'],
    [
      { channels: { telegram: { dmPolicy: "open", allowFrom: ["tg:*", "7"] } } },
      'channel channels.telegram.allowFrom: ["tg:*","7"] -> ["7"]',
    ],
    [
      { channels: { discord: { dm: { policy: "allowlist", allowFrom: ["*"] } } } },
      "channel channels.discord.dm.policy: allowlist -> pairing",
    ],
    [
      { channels: { slack: { allowFrom: ["*"], accounts: { work: { dmPolicy: "allowlist" } } } } },
      "channel channels.slack.accounts.work.dmPolicy: allowlist -> pairing",
    ],
    [
      { channels: { slack: { dmPolicy: "disabled", allowFrom: ["*"], accounts: { work: { dmPolicy: "pairing" } } } } },
      'channel channels.slack.allowFrom: ["*"] -> []',
    ],
  ])("%j", (tree, line) => {
    expect(lines(tree)).toContain(line);
    expect(lines(planLockdown(tree, undefined).after as object)).toEqual([]);
  });

  it("leaves a list of people, and a channel that lets nobody in, as they are", () => {
    const telegram = { dmPolicy: "allowlist", allowFrom: ["7"] };
    const slack = { dmPolicy: "disabled", allowFrom: ["*"] };
    expect(lines({ ...tight, channels: { telegram, slack } }, tightRules)).toEqual([]);
  });

  it.each([
    [
      { security: "allowlist", ask: "on-miss", askFallback: "full" },
      "allowlist, ask on-miss, else full -> allowlist, ask on-miss, else deny",
    ],
    [
      { security: "full", ask: "always", askFallback: "full" },
      "full, ask always, else full -> full, ask always, else deny",
    ],
    [{ security: "deny", askFallback: "allowlist" }, "deny, ask off, else allowlist -> deny, ask off, else deny"],
  ])("closes the door of rules %j that nobody's answer opens", (rules, line) => {
    expect(lines(tight, rules)).toEqual([`exec_file defaults: ${line}`]);
    expect(lines(tight, planLockdown(tight, rules).exec)).toEqual([]);
  });

  it.each([
    ["security", { security: "full" }, "full, ask on-miss, else deny -> allowlist, ask on-miss, else deny"],
    ["fallback", { askFallback: "full" }, "allowlist, ask on-miss, else full -> allowlist, ask on-miss, else deny"],
  ])("tightens the %s that one agent has of its own", (_what, own, line) => {
    const rules = { ...tightRules, agents: { main: own, strict: { security: "deny" } } };
    expect(lines(tight, rules)).toEqual([`exec_file agents.main: ${line}`]);
    const { exec } = planLockdown(tight, rules);
    expect(exec).toEqual({ ...tightRules, agents: { main: tightRules } });
    expect(lines(tight, exec)).toEqual([]);
  });

  it("counts what every agent goes by before an agent's own", () => {
    const agents = { "*": { security: "full" }, main: { ask: "off" } };
    expect(lines(tight, { ...tightRules, agents })).toEqual([
      "exec_file agents.*: full, ask on-miss, else deny -> allowlist, ask on-miss, else deny",
    ]);
  });

  it("replaces the older spelling, which the gateway refuses beside the newer", () => {
    const { after } = planLockdown({ ...tight, tools: { exec: { security: "full", ask: "off" } } }, undefined);
    expect(after).toMatchObject({ tools: { exec: { mode: "ask" } } });
    expect(lines(after as object)).toEqual([]);
  });

  it.each([
    { security: "deny" },
    { security: "allowlist" },
    { ask: "always" },
    { mode: "deny" },
    { mode: "allowlist" },
  ])("leaves %j as tight as it is", (exec) => expect(lines({ ...tight, tools: { exec } })).toEqual([]));

  it("names what it would do, so that something else is another name", () => {
    const one = planLockdown({}, {}).subject;
    expect(planLockdown({}, {}).subject).toBe(one);
    expect(planLockdown({ gateway: { bind: "lan" } }, {}).subject).not.toBe(one);
    expect(planLockdown({}, undefined).subject).not.toBe(one);
  });

  it("spells out what a hostile name would hide, and stays within its limits", () => {
    const channels = Object.fromEntries(
      Array.from({ length: 300 }, (_, n) => [`c\u202e${String(n)}`, { dmPolicy: "open" }]),
    );
    const { changes } = planLockdown({ channels }, {});
    expect(changes).toHaveLength(64);
    expect(changes.every(({ path }) => /^[\x20-\x7e]{1,200}$/.test(path))).toBe(true);
  });

  it("has a part that ends exposure alone", () => {
    expect(bindToLoopback({ gateway: { bind: "tailnet", tailscale: { mode: "serve" } }, tools: {} })).toEqual({
      gateway: { bind: "loopback", tailscale: { mode: "off" } },
      tools: {},
    });
  });
});
