/** What counts as the owner's sign-in: lines of sshd's as Debian 12 and 13 write them, asked for by root's stamp alone. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { seenSignIn } from "../../../../agent/host/remedies/sign-in.ts";
import { ok, StandIn } from "./stand-in.ts";

let host: StandIn;
let journal = "";

beforeEach(() => {
  host = new StandIn();
  host.program = ([program]) => (program === "journalctl" ? ok(journal) : undefined);
});
afterEach(() => host.remove());

const came = (address: string, port: number, peer = 51_234): string =>
  `Connection from ${address} port ${String(peer)} on 203.0.113.10 port ${String(port)} rdomain ""`;
const accepted = (address: string, peer = 51_234): string =>
  `Accepted publickey for owner from ${address} port ${String(peer)} ssh2: ED25519 SHA256:x`;

it.each([
  ["a sign-in on the new port", [came("203.0.113.67", 24_022), accepted("203.0.113.67")], true],
  ["one on the old port", [came("203.0.113.67", 22), accepted("203.0.113.67")], false],
  ["one on a port that only begins like it", [came("203.0.113.67", 2_402), accepted("203.0.113.67")], false],
  ["a visit without a sign-in", [came("203.0.113.67", 24_022)], false],
  ["a sign-in and somebody else's visit", [came("203.0.113.66", 24_022), accepted("203.0.113.67")], false],
  ["the same address by another connection", [came("203.0.113.67", 24_022, 1), accepted("203.0.113.67", 2)], false],
  ["one from the machine itself", [came("127.0.0.1", 24_022), accepted("127.0.0.1")], false],
  ["one from another of its loopback addresses", [came("127.0.0.2", 24_022), accepted("127.0.0.2")], false],
  ["one from its link-local address", [came("fe80::1%eth0", 24_022), accepted("fe80::1%eth0")], false],
  [
    "one by its loopback address in IPv6's words",
    [came("::ffff:127.0.0.1", 24_022), accepted("::ffff:127.0.0.1")],
    false,
  ],
  [
    "a failed one",
    [came("203.0.113.67", 24_022), "Failed password for owner from 203.0.113.67 port 51234 ssh2"],
    false,
  ],
])("%s", async (_what, lines, proves) => {
  journal = lines.join("\n");
  expect(await seenSignIn(host.hands, 1_800_000_000, { port: 24_022 })).toBe(proves);
});

it("from a listed network alone, where SSH is for those", async () => {
  journal = accepted("203.0.113.67");
  expect(await seenSignIn(host.hands, 1, { from: ["203.0.113.64/30"] })).toBe(true);
  expect(await seenSignIn(host.hands, 1, { from: ["203.0.113.68/30"] })).toBe(false);
});

it("is asked for since the change, of what the journal stamped as root's", async () => {
  await seenSignIn(host.hands, 1_800_000_000, {});
  const asked = host.asked.find((line) => line.startsWith("journalctl")) ?? "";
  expect(asked).toContain("--since @1800000000");
  expect(asked).toContain("_UID=0");
});
