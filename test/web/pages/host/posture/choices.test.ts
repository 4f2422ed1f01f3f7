/** What is typed about a fix: one schema judges it, and what is wrong stands beside the field that it is in. */
import { describe, expect, it } from "vitest";
import { checks, type CheckId } from "../../../../../protocol/posture.ts";
import { choiceFields, choicesOf, chosenFrom } from "../../../../../web/pages/host/posture/choices.ts";

describe("what is typed", () => {
  it("becomes the host's own options", () => {
    const chosen = chosenFrom({
      sshPort: " 22022 ",
      sshUsers: "owner\n\n deploy \n",
      admins: "203.0.113.7\n2001:db8::/48",
      sshFrom: "admins",
      openings: "443/tcp website\n8443/tcp from 10.0.0.0/8 on internal dash board\n51820/udp vpn",
      egress: "160.79.104.0/23 443 model provider",
      zones: "eth0 dmz\neth1 management",
      httpLog: "/var/log/nginx/access.log",
    });
    expect(chosen).toEqual({
      kind: "options",
      options: {
        sshPort: 22_022,
        sshUsers: ["owner", "deploy"],
        admins: ["203.0.113.7", "2001:db8::/48"],
        sshFrom: "admins",
        openings: [
          { port: 443, protocol: "tcp", reason: "website" },
          { port: 8_443, protocol: "tcp", from: "10.0.0.0/8", role: "internal", reason: "dash board" },
          { port: 51_820, protocol: "udp", reason: "vpn" },
        ],
        egress: [{ to: "160.79.104.0/23", port: 443, reason: "model provider" }],
        zones: [
          { interface: "eth0", role: "dmz" },
          { interface: "eth1", role: "management" },
        ],
        httpLog: "/var/log/nginx/access.log",
      },
    });
  });

  it("is nothing where nothing stands", () => {
    expect(chosenFrom({})).toEqual({ kind: "nothing" });
    expect(chosenFrom({ sshUsers: " \n ", sshPort: " " })).toEqual({ kind: "nothing" });
  });

  it.each([
    ["sshPort", "80", undefined],
    ["sshPort", "22.5", undefined],
    ["sshUsers", "owner\nRoot", 2],
    ["sshUsers", Array.from({ length: 17 }, (_, index) => `u${String(index)}`).join("\n"), undefined],
    ["admins", "203.0.113.7\nsomewhere", 2],
    ["sshFrom", "nowhere", undefined],
    ["openings", "443 website", 1],
    ["openings", "443/sctp website", 1],
    ["openings", '443/tcp "quoted"', 1],
    ["egress", "160.79.104.0/23 443", 1],
    ["zones", "eth0 dmz\neth1 lan", 2],
    ["zones", "eth0 dmz twice", 1],
    ["httpLog", "/etc/shadow", undefined],
  ] as const)("in %s is refused as %j, with the line where there are several", (choice, text, line) => {
    const chosen = chosenFrom({ [choice]: text });
    const sentence = chosen.kind === "wrong" ? chosen.wrong[choice] : undefined;
    expect(sentence).toBe(`${line === undefined ? "" : `Line ${String(line)}: `}${choiceFields[choice].wrong}`);
  });

  it("is told for every field at once", () => {
    const chosen = chosenFrom({ sshPort: "1", admins: "x", sshFrom: "admins" });
    expect(chosen.kind === "wrong" && Object.keys(chosen.wrong).toSorted()).toEqual(["admins", "sshPort"]);
  });
});

it("each choice is asked for by a fix that there is", () => {
  const asked = Object.entries(choicesOf);
  expect(new Set(asked.flatMap(([, choices]) => choices))).toEqual(new Set(Object.keys(choiceFields)));
  for (const [check] of asked) expect(checks[check as CheckId].fix).not.toBe("none");
});
