/** Each check of gateways over facts: what passes, what fails, and how it is said. */
import { describe, expect, it } from "vitest";
import type { FactSet } from "../../../../../agent/host/posture/facts.ts";
import {
  ALICE,
  both,
  door,
  fact,
  good,
  judgements,
  row,
  runs,
  settings,
  verdict,
  written,
  type Check,
} from "./gateway-facts.ts";

describe("a gateway that is as it should be", () => {
  it.each(Object.keys(judgements) as Check[])("passes %s", (check) => {
    expect(verdict(check, good())).toMatchObject({ state: "pass", shortfalls: [] });
  });
});

describe("a gateway that is not", () => {
  it.each<[Check, string, FactSet]>([
    [
      "gw.bind.loopback",
      "listens on 0.0.0.0 port 18789",
      {
        "gateway.listeners": fact("gateway.listeners", [
          { gateway: ALICE, address: "0.0.0.0", port: 18_789, loopback: false },
        ]),
      },
    ],
    [
      "gw.bind.loopback",
      "gateway.bind is lan",
      both((tree) => ({ ...tree, gateway: { ...tree.gateway, bind: "lan" } })),
    ],
    [
      "gw.port.external",
      "203.0.113.10 port 18789 answers",
      {
        "gateway.reached": fact("gateway.reached", [
          { gateway: ALICE, address: "203.0.113.10", port: 18_789, outcome: "open" },
        ]),
      },
    ],
    [
      "gw.proxy.public",
      "0.0.0.0 port 80 (desk.example) passes on",
      {
        "gateway.doors": fact("gateway.doors", {
          doors: [{ ...door, leadsTo: 18_789, name: "desk.example" }],
          inodes: [],
        }),
      },
    ],
    [
      "gw.proxy.public",
      "cloudflared (process 9) carries",
      { "gateway.carriers": fact("gateway.carriers", [{ program: "cloudflared", port: 18_789, source: "process 9" }]) },
    ],
    [
      "gw.auth.mode",
      "gateway.auth.mode is none",
      both((tree) => ({ ...tree, gateway: { ...tree.gateway, auth: { mode: "none" } } })),
    ],
    [
      "gw.auth.mode",
      "is weak: 64 characters, worth about 40 bits",
      { "gateway.settings": fact("gateway.settings", [written(settings(), 40)]) },
    ],
    [
      "gw.auth.mode",
      "no token is set",
      { "gateway.settings": fact("gateway.settings", [written(settings(), 0, "absent")]) },
    ],
    [
      "gw.auth.mode",
      "a WebSocket without a secret was let in",
      { "gateway.refusals": fact("gateway.refusals", [{ gateway: ALICE, socket: "let_in", http: "refused" }]) },
    ],
    [
      "gw.auth.mode",
      "an HTTP request without a secret was let in",
      { "gateway.refusals": fact("gateway.refusals", [{ gateway: ALICE, socket: "refused", http: "let_in" }]) },
    ],
    [
      "gw.auth.mode",
      "was not seen to refuse",
      { "gateway.refusals": fact("gateway.refusals", [{ gateway: ALICE, socket: "unclear", http: "unclear" }]) },
    ],
    [
      "gw.auth.mode",
      "allowLoopback lets any program",
      both((tree) => ({
        ...tree,
        gateway: {
          ...tree.gateway,
          trustedProxies: ["127.0.0.1"],
          auth: {
            mode: "trusted-proxy",
            trustedProxy: { userHeader: "x-user", allowUsers: ["a@example.com"], allowLoopback: true },
          },
        },
      })),
    ],
    [
      "gw.auth.ratelimit",
      "maxAttempts is 100000",
      both((tree) => ({
        ...tree,
        gateway: { ...tree.gateway, auth: { mode: "token", rateLimit: { maxAttempts: 100_000 } } },
      })),
    ],
    [
      "gw.auth.ratelimit",
      "lockoutMs is 1000",
      both((tree) => ({
        ...tree,
        gateway: { ...tree.gateway, auth: { mode: "token", rateLimit: { lockoutMs: 1_000 } } },
      })),
    ],
    [
      "gw.auth.ratelimit",
      "answered after 3 ms",
      {
        "gateway.guessing": fact("gateway.guessing", [
          { gateway: ALICE, answered: [3, 4], isRefused: true, isLocked: false },
        ]),
      },
    ],
    [
      "gw.auth.ratelimit",
      "a wrong secret was let in",
      {
        "gateway.guessing": fact("gateway.guessing", [
          { gateway: ALICE, answered: [], isRefused: false, isLocked: false },
        ]),
      },
    ],
    [
      "gw.auth.ratelimit",
      "callers through a proxy come from loopback",
      { "gateway.doors": fact("gateway.doors", { doors: [{ ...door, leadsTo: 18_789 }], inodes: [] }) },
    ],
    [
      "gw.controlui.origins",
      "allowedOrigins holds a *",
      both((tree) => ({ ...tree, gateway: { ...tree.gateway, controlUi: { allowedOrigins: ["https://*.example"] } } })),
    ],
    [
      "gw.controlui.origins",
      "HostHeaderOriginFallback is on",
      both((tree) => ({
        ...tree,
        gateway: { ...tree.gateway, controlUi: { dangerouslyAllowHostHeaderOriginFallback: true } },
      })),
    ],
    [
      "gw.controlui.origins",
      "without a device of their own",
      both((tree) => ({ ...tree, gateway: { ...tree.gateway, controlUi: { dangerouslyDisableDeviceAuth: true } } })),
    ],
    ["gw.controlui.origins", "names no page", both((tree) => ({ ...tree, gateway: { ...tree.gateway, bind: "lan" } }))],
    [
      "gw.pairing.manual",
      "autoApproveLocal lets devices in",
      both((tree) => ({ ...tree, gateway: { ...tree.gateway, nodes: { pairing: { sshVerify: false } } } })),
    ],
    [
      "gw.channels.closed",
      "channels.telegram.dmPolicy lets everybody",
      both((tree) => ({ ...tree, channels: { telegram: { dmPolicy: "open" } } })),
    ],
    [
      "gw.channels.closed",
      "channels.telegram.allowFrom lets everybody",
      both((tree) => ({ ...tree, channels: { telegram: { dmPolicy: "allowlist", allowFrom: ["tg:*"] } } })),
    ],
    [
      "gw.channels.closed",
      "tools.elevated.allowFrom.telegram",
      both((tree) => ({ ...tree, tools: { ...tree.tools, elevated: { allowFrom: { telegram: ["*"] } } } })),
    ],
    [
      "gw.exec.asks",
      "tools.exec.mode neither limits",
      {
        "gateway.applied": fact("gateway.applied", [
          runs(
            settings((tree) => ({ ...tree, tools: {} })),
            { execIsTight: false },
          ),
        ]),
      },
    ],
    [
      "gw.version.advisories",
      "2026.6.8 has CVE-1 (critical): bad; fixed in 2026.6.9",
      {
        "gateway.version": fact("gateway.version", [
          {
            gateway: ALICE,
            version: "2026.6.8",
            path: "/p",
            affecting: [{ id: "CVE-1", severity: "critical", fixed: "2026.6.9", title: "bad" }],
          },
        ]),
      },
    ],
    [
      "gw.version.advisories",
      "is refused (signature); built in counts",
      {
        "advisories.known": fact("advisories.known", {
          asOf: "2026-08-07",
          count: 1,
          revision: 1,
          source: "built in",
          refused: "signature",
        }),
      },
    ],
    [
      "gw.rootdir.exposed",
      "0.0.0.0 port 80 hands out /.env",
      { "gateway.doors": fact("gateway.doors", { doors: [{ ...door, exposes: ["/.env"] }], inodes: [] }) },
    ],
    ["gw.mdns.off", "mdns.mode is minimal", both((tree) => ({ ...tree, discovery: {} }))],
    ["gw.mdns.off", "UDP 5353", { "gateway.mdns": fact("gateway.mdns", [{ gateway: ALICE, sockets: 2 }]) }],
    [
      "gw.tailscale.mode",
      "funnel shows the gateway to the internet on port 443",
      { "gateway.tailscale": fact("gateway.tailscale", { served: [], funnelled: [443] }) },
    ],
    [
      "gw.tailscale.mode",
      "gateway.tailscale.mode is funnel",
      both((tree) => ({ ...tree, gateway: { ...tree.gateway, tailscale: { mode: "funnel" } } })),
    ],
    [
      "gw.hooks.signed",
      "a web hook took a call without its token",
      { "gateway.hooks": fact("gateway.hooks", [{ gateway: ALICE, verdict: "let_in" }]) },
    ],
    [
      "gw.hooks.signed",
      "hooks.token has 4 characters",
      both((tree) => ({ ...tree, hooks: { enabled: true, token: "hook" } })),
    ],
    [
      "gw.hooks.signed",
      "hooks.token is the gateway's own secret",
      both((tree) => ({
        ...tree,
        gateway: { ...tree.gateway, auth: { mode: "token", token: "t".repeat(40) } },
        hooks: { enabled: true, token: "t".repeat(40) },
      })),
    ],
    [
      "gw.plugins.pinned",
      "plugin spy is on, and plugins.allow does not name it",
      {
        "gateway.applied": fact("gateway.applied", [
          runs(settings(), { plugins: [{ id: "spy", isOn: true, isPinned: true }] }),
        ]),
      },
    ],
    [
      "gw.plugins.pinned",
      "plugin weather was installed without an exact version",
      {
        "gateway.applied": fact("gateway.applied", [
          runs(settings(), { plugins: [{ id: "weather", isOn: true, isPinned: false }] }),
        ]),
      },
    ],
    [
      "gw.audit.native",
      "fs.config.perms_writable (critical)",
      {
        "gateway.native": fact("gateway.native", [
          { gateway: ALICE, critical: ["fs.config.perms_writable"], warnings: [], suppressed: 0 },
        ]),
      },
    ],
    [
      "gw.audit.native",
      "hides 2 findings",
      { "gateway.native": fact("gateway.native", [{ gateway: ALICE, critical: [], warnings: [], suppressed: 2 }]) },
    ],
    [
      "cfg.immutable",
      "can put another file in its place",
      { "gateway.writable": fact("gateway.writable", [{ gateway: ALICE, path: "/p", how: ["directory"] }]) },
    ],
    [
      "cfg.versioned",
      "none that was written down",
      { "gateway.versions": fact("gateway.versions", [{ gateway: ALICE, state: "changed" }]) },
    ],
    [
      "cfg.versioned",
      "by somebody whom nobody knows",
      { "gateway.versions": fact("gateway.versions", [{ gateway: ALICE, state: "outside" }]) },
    ],
    [
      "gw.state.perms",
      "/home/alice/.openclaw (mode 0755) can be read by others",
      {
        "secrets.files": fact("secrets.files", [
          { gateway: ALICE, looked: 1, loose: [{ path: row.directory, mode: "0755", why: "read" }] },
        ]),
      },
    ],
    [
      "key.plaintext",
      "/root/.bash_history holds a key (OpenAI): a shell's history",
      {
        "secrets.plaintext": fact("secrets.plaintext", {
          looked: 1,
          unseen: 0,
          places: [{ path: "/root/.bash_history", kind: "history", providers: ["OpenAI"], isOpen: false }],
        }),
      },
    ],
    [
      "enc.at-rest",
      "/dev/vda, under the gateway's files, is not encrypted",
      { "secrets.disk": fact("secrets.disk", [{ gateway: ALICE, device: "/dev/vda", isEncrypted: false }]) },
    ],
  ])("fails %s: %s", (check, says, change) => {
    const found = verdict(check, { ...good(), ...change });
    expect(found.state).toBe("fail");
    expect(found.shortfalls.join("\n")).toContain(says);
  });
});
