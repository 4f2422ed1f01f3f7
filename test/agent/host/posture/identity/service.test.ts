/** The service of a moment in which a scan tries what a gateway could do, and the words that programs answer with. */
import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { namesWithout } from "../../../../../agent/host/posture/collectors/identity/accounts.ts";
import { roleOf } from "../../../../../agent/host/posture/collectors/identity/agents.ts";
import { parseScore } from "../../../../../agent/host/posture/collectors/identity/score.ts";
import { parseSudo } from "../../../../../agent/host/posture/collectors/identity/sudo.ts";
import { confinementOf } from "../../../../../agent/host/posture/collectors/identity/within.ts";
import { decodeSpec, encodeSpec, parseAnswer, tryInside } from "../../../../../agent/host/posture/inside.ts";
import type { Recorded } from "../recorded-machine.ts";
import { CAT, denied, factsOf, without } from "./gateway-machine.ts";

it("what starts services is looked at again only when something moved", async () => {
  let started = 0;
  const programs: Recorded["programs"] = {
    "systemd-run": (argv) => {
      started += 1;
      return argv.includes("inside") ? denied : JSON.stringify({ outcome: "denied" });
    },
  };
  const kept = await factsOf({ programs });
  const before = started;
  expect(before).toBeGreaterThan(0);
  await factsOf({ programs, kept });
  expect(started).toBe(before);
  await factsOf({ programs, kept, show: without("InvocationID", "another") });
  expect(started).toBeGreaterThan(before);
});

describe("the same service of a moment", () => {
  it("has the confinement of the files in their order, and nothing that starts or hands over", () => {
    const text = `${CAT}# a comment
[Service]
Environment=SECRET=1
LoadCredential=key:/etc/key
ExecStartPre=/bin/rm -rf /
RuntimeDirectory=openclaw
StateDirectory=openclaw more:x
SystemCallFilter=@system-service \\
  ~@privileged
BindPaths=%h
[Install]
User=root
`;
    expect(confinementOf(text, { user: "openclaw", home: "/home/openclaw" })).toEqual([
      "ProtectSystem=strict",
      "ReadWritePaths=-/run/openclaw",
      "ReadWritePaths=-/var/lib/openclaw",
      "ReadWritePaths=-/var/lib/more",
      "SystemCallFilter=@system-service  ~@privileged",
      "BindPaths=/home/openclaw",
    ]);
  });
  it("is never root's where the gateway is not: anybody's task of cron's is in a service without a user", async () => {
    let argv: readonly string[] = [];
    const programs: Recorded["programs"] = {
      "systemctl cat": "[Service]\nExecStart=/usr/sbin/cron -f\nSupplementaryGroups=adm\n",
      "systemd-run": (asked) => {
        if (asked.includes("inside")) argv = asked;
        return asked.includes("inside") ? denied : JSON.stringify({ outcome: "denied" });
      },
    };
    await factsOf({ programs });
    expect(argv.filter((word) => /^--property=(?:User|Group)=/.test(word))).toEqual([
      "--property=User=999",
      "--property=Group=997",
    ]);
  });
  it.skipIf(process.geteuid?.() !== 0)("starts nothing as root in a directory that is not root's", async () => {
    const answer = await tryInside({ uid: 0, homes: [], state: tmpdir() });
    expect(answer["exec-state"]).toBe("untried");
  });
  it("is told where to look, and believed only in our own words", () => {
    const spec = { uid: 999, homes: ["/home/owner"], state: "/home/openclaw/.openclaw" };
    expect(decodeSpec(encodeSpec(spec))).toEqual(spec);
    expect(decodeSpec("e30")).toBeUndefined();
    expect(decodeSpec("%%%")).toBeUndefined();
    expect(parseAnswer(denied)).toMatchObject({ shadow: "denied" });
    expect(parseAnswer('{"shadow":"denied"}')).toBeUndefined();
    expect(parseAnswer("oops")).toBeUndefined();
  });
});

describe("words of programs", () => {
  it.each([
    ["User www-data is not allowed to run sudo on host.\n", []],
    [
      "Matching Defaults entries for owner on host:\n    env_reset\n\nUser owner may run the following commands on host:\n    (ALL : ALL) ALL\n    (ALL) NOPASSWD: ALL\n",
      ["(ALL : ALL) ALL", "(ALL) NOPASSWD: ALL"],
    ],
    ["sudo: unknown user x\n", undefined],
  ])("sudo: %j", (text, expected) => {
    expect(parseSudo(text)).toEqual(expected);
  });
  it("a score of either version", () => {
    expect(parseScore("→ Overall exposure level for ssh.service: 9.6 UNSAFE 😨\n")).toBe(96);
    expect(parseScore("Failed to get unit\n")).toBeUndefined();
  });
  it("no hash leaves the shadow file", () => {
    expect(namesWithout("root:*:1:\nopen::1:\nclosed:$y$j9T$x:1:\n")).toEqual(["open"]);
  });
  it.each([
    [["node", "/opt/clawhold/current/agent.cjs", "host", "warden"], "warden"],
    [["node", "/usr/local/bin/clawhold", "host", "run"], "run"],
    [["node", "/srv/app.js", "host", "run"], undefined],
    [["node", "/opt/clawhold/current/agent.cjs", "audit"], undefined],
  ])("%j", (words, role) => {
    expect(roleOf(words)).toBe(role);
  });
});
