/**
 * Ten ways in which what is declared is not what is true. Each is made on a real server, shown to deceive the usual evidence, and
 * must be caught by our scan.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import type { CheckId } from "../../protocol/posture.ts";
import { GATEWAY_UNIT, gatewayShown, startGateway } from "./gateway.ts";
import { defaultRelease, Machine } from "./machine.ts";
import { Mender } from "./mender.ts";
import { ADDRESS, Network, SILENT_RESOLVER } from "./network.ts";
import { Outside } from "./outside.ts";
import { OWNER } from "./root-file-system.ts";
import { Scanner } from "./scan.ts";

const PASSWORDS_OFF = "PasswordAuthentication no\nKbdInteractiveAuthentication no\n";

let network: Network;
let attacker: Outside;
let machine: Machine;
let scanner: Scanner;
const closers: Closers = [];

/** One server at a time. */
async function open(gateway: boolean): Promise<void> {
  network = new Network();
  closers.push(() => network.close());
  attacker = new Outside(network, "attacker");
  machine = await Machine.started({ network, ...(gateway ? { shown: await gatewayShown() } : {}) });
  closers.push(() => machine.remove());
  scanner = await Scanner.on(machine);
}

const systemctl = (...words: readonly string[]): Promise<string> => machine.must(["/usr/bin/systemctl", ...words]);
/** A reload answers before it is done, and systemd refuses the sixth start in ten seconds unless it is made to forget. */
async function restartSsh(): Promise<void> {
  await systemctl("reset-failed", "ssh");
  await systemctl("restart", "ssh");
}
const stateOf = async (unit: string): Promise<string> =>
  (await machine.run(["/usr/bin/systemctl", "is-active", unit])).stdout.trim();

/** Our verdict. Whatever a deceived check would say, it would say `pass`. */
async function caught(check: CheckId, says: RegExp): Promise<void> {
  const quick = await scanner.finding(check);
  const finding = quick.reason === "not_run" ? await scanner.finding(check, "slow") : quick;
  expect(finding, JSON.stringify(finding)).toMatchObject({ state: "fail" });
  expect(finding.shortfalls.join("\n")).toMatch(says);
}

describe("on a server with SSH, a firewall and bans", () => {
  beforeAll(() => open(false));
  afterAll(() => closeAll(closers));

  describe("SSH", () => {
    beforeEach(async () => {
      const main = await machine.read("/etc/ssh/sshd_config");
      await machine.write("/etc/ssh/sshd_config", `${main}\n${PASSWORDS_OFF}`);
      await restartSsh();
      expect(await attacker.sshMethods({ user: OWNER })).toEqual(["publickey"]);
    });
    afterEach(async () => {
      await machine.delete("/etc/ssh/sshd_config.d/50-cloud-init.conf");
      const main = await machine.read("/etc/ssh/sshd_config");
      await machine.write("/etc/ssh/sshd_config", main.slice(0, main.lastIndexOf(`\n${PASSWORDS_OFF}`)));
      await restartSsh();
    });

    it("T1: a drop-in comes before the line that a person wrote", async () => {
      await machine.write("/etc/ssh/sshd_config.d/50-cloud-init.conf", "PasswordAuthentication yes\n");
      await restartSsh();
      expect(await machine.read("/etc/ssh/sshd_config")).toMatch(/^PasswordAuthentication no$/m);
      expect(await attacker.sshMethods({ user: OWNER })).toContain("password");
      await caught("ssh.password-auth", /password/i);
    });

    it("T2: a Match block opens for an address what is closed for all", async () => {
      const block = "Match Address 203.0.113.0/24\n  PasswordAuthentication yes\n";
      await machine.write("/etc/ssh/sshd_config.d/50-cloud-init.conf", `${PASSWORDS_OFF}${block}`);
      await restartSsh();
      const asked = ["/usr/sbin/sshd", "-T", "-C", "user=doesnotexist,host=none,addr=none"];
      expect(await machine.must(asked)).toContain("passwordauthentication no");
      expect(await attacker.sshMethods({ user: OWNER })).toContain("password");
      await caught("ssh.password-auth", /password/i);
    });
  });

  describe("firewall", () => {
    beforeAll(async () => {
      await machine.must(["/usr/sbin/ufw", "allow", "22/tcp"]);
      await machine.must(["/usr/sbin/ufw", "--force", "enable"]);
      expect(await attacker.ports([22, 9999])).toEqual({ 22: "open", 9999: "filtered" });
    });
    afterAll(() => machine.must(["/usr/sbin/ufw", "--force", "disable"]));

    it("T4: a forwarded port is open without a listener, as containers have it", async () => {
      await forwardLikeAContainer();
      expect(await attacker.port(8080)).toBe("open");
      expect(await machine.must(["/usr/bin/ss", "-Hltn"])).not.toContain(":8080");
      expect(await machine.must(["/usr/sbin/ufw", "status"])).toMatch(/^Status: active/);
      await caught("net.forwarded-ports", /8080/);
      await machine.must(["/usr/sbin/nft", "delete", "table", "ip", "containers"]);
    });

    it("T3: ufw says active over rules that are gone", async () => {
      for (const table of ["/usr/sbin/iptables", "/usr/sbin/ip6tables"]) {
        await machine.must([table, "-P", "INPUT", "ACCEPT"]);
        await machine.must([table, "-F"]);
      }
      expect(await machine.must(["/usr/sbin/ufw", "status"])).toMatch(/^Status: active/);
      expect(await stateOf("ufw")).toBe("active");
      expect(await attacker.port(9999)).toBe("closed");
      await caught("fw.default-deny", /open|accept|policy|filter/i);
    });
  });

  describe("bans", () => {
    beforeAll(async () => {
      // From Debian 13 on sshd shuts out by itself, and then a blind fail2ban opens nothing.
      if (machine.release === "bookworm") return;
      await machine.write("/etc/ssh/sshd_config.d/50-no-penalties.conf", "PerSourcePenalties no\n");
      await restartSsh();
    });

    it("T5: a daemon that is up, with a jail, and blind behind a resolver that does not answer", async () => {
      await machine.write("/etc/resolv.conf", `nameserver ${SILENT_RESOLVER}\n`);
      await systemctl("restart", "fail2ban");
      const status = async (...jail: readonly string[]): Promise<string> =>
        (await machine.run(["/usr/bin/fail2ban-client", "status", ...jail])).stdout;
      await expect.poll(() => status()).toMatch(/Jail list:\s+sshd/);
      expect(await stateOf("fail2ban")).toBe("active");
      await attacker.sshPassword({ user: OWNER }, "guessed");
      expect(await status("sshd")).toMatch(/Total failed:\s+0/);
      await caught("ban.sshd.live", /not seen by fail2ban/);
      await machine.write("/etc/resolv.conf", "# none\n");
      await systemctl("kill", "--signal=KILL", "fail2ban"); // it would not notice before its question is given up
    });

    // Debian 13 reads the journal.
    it.runIf(defaultRelease() === "bookworm")(
      "T6: the package is there, its jail is on by default, and no log exists for it",
      async () => {
        await machine.must(["/usr/bin/apt-get", "remove", "-y", "-qq", "rsyslog"]);
        await machine.delete("/var/log/auth.log");
        await machine.run(["/usr/bin/systemctl", "restart", "fail2ban"]);
        await expect.poll(() => stateOf("fail2ban")).toBe("failed");
        expect(await machine.must(["/usr/bin/dpkg-query", "-W", "fail2ban"])).toMatch(/fail2ban/);
        await caught("ban.sshd.live", /failed to start/);
      },
    );
  });
});

/** A network namespace behind the server, a rule that leads there, and an accepted way through: what Docker writes. */
async function forwardLikeAContainer(): Promise<void> {
  const ip = (...words: readonly string[]): Promise<string> => machine.must(["/usr/sbin/ip", ...words]);
  await ip("netns", "add", "box");
  await ip("link", "add", "docker0", "type", "veth", "peer", "name", "eth0", "netns", "box");
  await ip("address", "add", "172.17.0.1/24", "dev", "docker0");
  await ip("link", "set", "docker0", "up");
  await ip("-n", "box", "address", "add", "172.17.0.2/24", "dev", "eth0");
  await ip("-n", "box", "link", "set", "eth0", "up");
  await ip("-n", "box", "route", "add", "default", "via", "172.17.0.1");
  const listen = ["/usr/sbin/ip", "netns", "exec", "box", "/usr/bin/nc", "-lk", "80"];
  await machine.must(["/usr/bin/systemd-run", "--quiet", "--collect", ...listen]);
  await machine.must(["/usr/sbin/sysctl", "-q", "-w", "net.ipv4.ip_forward=1"]);
  await machine.must(["/usr/sbin/iptables", "-I", "FORWARD", "-o", "docker0", "-j", "ACCEPT"]);
  await machine.must(["/usr/sbin/iptables", "-I", "FORWARD", "-i", "docker0", "-j", "ACCEPT"]);
  const rule = "type nat hook prerouting priority dstnat; tcp dport 8080 dnat to 172.17.0.2:80;";
  await machine.must(["/usr/sbin/nft", `table ip containers { chain prerouting { ${rule} }; }`]);
}

describe("on a server with a gateway in a unit that looks hardened", () => {
  beforeAll(() => open(true));
  afterAll(() => closeAll(closers));

  it("T7: SocketBindDeny= is accepted, scored and without effect on Debian 12", async () => {
    await startGateway(machine, { directives: ["SocketBindDeny=any", "SocketBindAllow=tcp:18789"] });
    const bind = ["/usr/bin/systemd-run", "--wait", "--collect", "--quiet", "-p", "SocketBindDeny=any"];
    const binds = (await machine.run([...bind, "/usr/bin/timeout", "1", "/usr/bin/nc", "-l", "9999"])).code === 124;
    expect(binds).toBe(machine.release === "bookworm");
    if (binds) await caught("unit.directive-supported", /SocketBindDeny/);
  });

  it("T10: IPAddressDeny= is without effect where systemd may not use bpf()", async () => {
    await startGateway(machine, { directives: [`IPAddressDeny=${ADDRESS.admin}`] });
    await machine.halt();
    await machine.boot({ bpf: false });
    const ping = ["/usr/bin/ping", "-c1", "-W1", ADDRESS.admin];
    const confined = ["/usr/bin/systemd-run", "--wait", "--collect", "--quiet", "-p", `IPAddressDeny=${ADDRESS.admin}`];
    expect((await machine.run([...confined, ...ping])).code).toBe(0);
    await caught("unit.directive-supported", /IPAddressDeny/);
    await machine.halt();
    await machine.boot();
  });

  it("T8: a unit of excellent score that cannot start", async () => {
    await machine.write(`/etc/systemd/system/${GATEWAY_UNIT}.d/zz-hard.conf`, "[Service]\nNoExecPaths=/nowhere\n");
    await systemctl("daemon-reload");
    await machine.run(["/usr/bin/systemctl", "restart", GATEWAY_UNIT]);
    // systemd calls a service active for the moment between its fork and the failure.
    await expect.poll(() => stateOf(GATEWAY_UNIT)).not.toBe("active");
    const analysed = await machine.run(["/usr/bin/systemd-analyze", "security", "--json=short", GATEWAY_UNIT]);
    expect(analysed.code).toBe(0);
    await caught("unit.starts", /./);
  });

  it("T9: a timer without AccuracySec may be a minute late, so a way back is never armed with one", async () => {
    await machine.must(["/usr/bin/systemd-run", "--quiet", "--unit=careless", "--on-active=600", "/bin/true"]);
    const accuracyOf = async (timer: string): Promise<string> =>
      (await systemctl("show", timer, "--property=AccuracyUSec", "--value")).trim();
    expect(await accuracyOf("careless.timer")).toBe("1min");
    const mender = await Mender.on(machine);
    const answer = await mender.apply({ kind: "check", check: "ssh.port.nonstandard", options: {} });
    expect(answer).toMatchObject({ kind: "fix", fix: { state: "armed" } });
    const fix = answer.kind === "fix" ? answer.fix.fix : "";
    expect(await accuracyOf(`clawhold-window-${fix}.timer`)).toBe("1s");
    expect(await mender.rollback(fix)).toMatchObject({ kind: "fix", fix: { state: "undone" } });
  });
});
