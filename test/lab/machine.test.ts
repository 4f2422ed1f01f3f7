/** The lab itself: what other tests take for granted about a server of it. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import { Machine } from "./machine.ts";
import { ADDRESS, ADDRESS6, METADATA, Network, SILENT_RESOLVER, WORLD } from "./network.ts";
import { Outside } from "./outside.ts";
import { OWNER, OWNER_PASSWORD } from "./root-file-system.ts";

const closers: Closers = [];
let network: Network;
let machine: Machine;
let attacker: Outside;
let admin: Outside;

beforeAll(async () => {
  network = new Network();
  closers.push(() => network.close());
  attacker = new Outside(network, "attacker");
  admin = new Outside(network, "admin");
  machine = await Machine.make({ network });
  closers.push(() => machine.remove());
  expect(await machine.boot()).toBe("running");
});

afterAll(() => closeAll(closers));

it("is a server as a provider hands it over: SSH for all, with passwords, and no firewall", async () => {
  expect(await attacker.ports([22, 9999])).toEqual({ 22: "open", 9999: "closed" });
  expect(await attacker.port(22, ADDRESS6.host)).toBe("open");
  expect(await attacker.sshMethods({ user: OWNER })).toEqual(["password", "publickey"]);
  expect(await attacker.banner(22)).toMatch(/^SSH-2\.0-OpenSSH/);
  expect(await attacker.sshPassword({ user: OWNER }, OWNER_PASSWORD)).toMatchObject({ code: 0 });
  expect(await attacker.sshPassword({ user: OWNER }, "guessed")).toMatchObject({ code: 255 });
  const login = await admin.sshLogin({ user: OWNER }, machine.ownerKey, ["id", "-un"]);
  expect(login).toMatchObject({ code: 0, stdout: `${OWNER}\n` });
});

it("has systemd as its first process, all units up, and the pinned Node", async () => {
  expect(await machine.read("/proc/1/comm")).toBe("systemd\n");
  expect(await machine.must(["/usr/bin/systemctl", "--failed", "--plain", "--no-legend"])).toBe("");
  expect(await machine.must(["/usr/local/bin/node", "--version"])).toBe(`${process.version}\n`);
});

it("drops what its rules drop, and reaches the world unless they forbid it", async () => {
  const drop = "table inet t { chain i { type filter hook input priority 0; tcp dport 22 drop; }; }";
  await machine.must(["/usr/sbin/nft", drop]);
  expect(await attacker.port(22)).toBe("filtered");
  await machine.must(["/usr/sbin/nft", "delete", "table", "inet", "t"]);
  for (const address of [WORLD, METADATA]) await machine.must(["/usr/bin/ping", "-c1", "-W2", address]);
  expect(await machine.run(["/usr/bin/ping", "-c1", "-W1", SILENT_RESOLVER])).toMatchObject({ code: 1 });
});

it("enforces what systemd implements by bpf()", async () => {
  const ping = ["/usr/bin/ping", "-c1", "-W1", ADDRESS.admin];
  const confined = async (...properties: readonly string[]): Promise<number> => {
    const unit = ["--wait", "--collect", "--quiet", ...properties.flatMap((property) => ["-p", property])];
    return (await machine.run(["/usr/bin/systemd-run", ...unit, ...ping])).code;
  };
  expect(await confined()).toBe(0);
  expect(await confined(`IPAddressDeny=${ADDRESS.admin}`)).toBe(1);
});

it("keeps its disk over a reboot and over a power cut, and nothing else", async () => {
  for (const again of [() => machine.reboot(), () => cutPower()]) {
    const before = await machine.read("/proc/sys/kernel/random/boot_id");
    await machine.write("/etc/kept", before);
    await machine.write("/run/lost", before);
    await machine.must(["/usr/sbin/nft", "add", "table", "inet", "lost"]);
    expect(await again()).toBe("running");
    expect(await machine.read("/etc/kept")).toBe(before);
    expect(await machine.run(["/usr/bin/test", "-e", "/run/lost"])).toMatchObject({ code: 1 });
    expect(await machine.must(["/usr/sbin/nft", "list", "tables"])).not.toContain("lost");
    expect(await admin.sshLogin({ user: OWNER }, machine.ownerKey)).toMatchObject({ code: 0, stderr: "" });
  }
});

it("shows what was changed on its disk while it is off", async () => {
  await machine.write("/etc/changed", "now\n");
  await machine.halt();
  expect(machine.isOn).toBe(false);
  expect(readFileSync(path.join(machine.changes, "etc/changed"), "utf8")).toBe("now\n");
  expect(await machine.boot()).toBe("running");
});

async function cutPower(): Promise<string> {
  await machine.kill();
  expect(await attacker.port(22)).toBe("filtered");
  return machine.boot();
}
