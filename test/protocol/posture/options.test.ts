/** What a person may choose of a fix becomes rules and settings that root's programs read: nothing but the plain words passes. */
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { fixOptionsSchema, profileOptionsSchema } from "../../../protocol/posture/options.ts";

const isTaken = (options: unknown): boolean => v.is(fixOptionsSchema, options);

describe("options of a fix", () => {
  it("are taken as they are written", () => {
    expect(
      isTaken({
        sshPort: 24_022,
        sshUsers: ["owner"],
        admins: ["203.0.113.67", "2001:db8::/48"],
        sshFrom: "admins",
        openings: [{ port: 443, protocol: "tcp", reason: "the shop" }],
        egress: [{ to: "198.51.100.0/24", port: 443, reason: "provider" }],
        zones: [{ interface: "eth1.100", role: "dmz" }],
        httpLog: "/var/log/nginx/access.log",
      }),
    ).toBe(true);
    expect(isTaken({})).toBe(true);
    expect(v.is(profileOptionsSchema, { profile: "standard", movePort: false, options: {} })).toBe(true);
  });

  it.each([
    ["an unknown word", { sshPorts: 24_022 }],
    ["a port that only root opens", { sshPort: 443 }],
    ["a port that the kernel lends out", { sshPort: 40_000 }],
    ["an option in a user's name", { sshUsers: ["-oProxyCommand"] }],
    ["two users in one name", { sshUsers: ["owner root"] }],
    ["a pattern for everybody", { sshUsers: ["*"] }],
    ["no user at all", { sshUsers: [] }],
    ["a network with bits beyond its length", { admins: ["203.0.113.67/24"] }],
    ["a host name as address", { admins: ["admin.example.com"] }],
    ["a rule in a reason", { openings: [{ port: 443, protocol: "tcp", reason: 'x" accept #' }] }],
    ["a line end in a reason", { openings: [{ port: 443, protocol: "tcp", reason: "x\ny" }] }],
    ["a rule in an interface's name", { zones: [{ interface: 'eth0" }', role: "dmz" }] }],
    ["a file outside of the logs", { httpLog: "/etc/shadow" }],
    ["a line end in a file's name", { httpLog: "/var/log/a\nb" }],
  ])("with %s are refused", (_what, options) => {
    expect(isTaken(options)).toBe(false);
  });
});
