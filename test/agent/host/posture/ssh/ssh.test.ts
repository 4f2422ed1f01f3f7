/** From what real machines answered to the verdict: each check of SSH, passing, failing, unverified, and fooled by nothing. */
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { approve } from "../../../../../agent/host/posture/baseline.ts";
import { sshJudgements } from "../../../../../agent/host/posture/checks/ssh.ts";
import { sshCollector } from "../../../../../agent/host/posture/collectors/ssh.ts";
import { parseHello, type Hear } from "../../../../../agent/host/posture/collectors/ssh/hello.ts";
import { isListenerTitle, listensOf, optionsOf } from "../../../../../agent/host/posture/collectors/ssh/daemon.ts";
import { readerOf, type FactSet } from "../../../../../agent/host/posture/facts.ts";
import { judge } from "../../../../../agent/host/posture/judge.ts";
import type { Finding } from "../../../../../protocol/posture/report.ts";
import type { sshChecks } from "../../../../../protocol/posture/ssh.ts";
import { NOW, ran, recordedMachine, type Recorded } from "../recorded-machine.ts";

const recorded = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");
const debian12 = recorded("sshd-t-debian12.txt");
const debian13 = recorded("sshd-t-debian13.txt");
const hello = parseHello(Buffer.from(recorded("hello-debian12.txt").trim(), "base64"));
const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDY0wIFi0xWiI4BvHFAbAVwo/v7Le3DbiWSq+ZXEx3aG owner";
const RSA_1024 =
  "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDIZtWq5vS0zYN8mWq8zJm0a0Fn5cQp7c9wF0b0c2c3l0m3YyC5kz9mK4aN1n7V3k1H0Jm3p5t6x7y8z9A0B1C2D3E4F5G6H7I8J9K0L1M2N3O4P5Q6R7S8T9U0V1W2X3Y4Z5a6b7c8d9e0f1g2h3i4j5k6l7m8n9o0p1q2r3s4t5u6v7w8x9y0w== old";
const PASSWD = "root:x:0:0::/root:/bin/bash\nowner:x:1000:1000::/home/owner:/bin/bash\n";

/** What a hardened Debian 12 answers. */
function hardened(text: string, changes: Readonly<Record<string, string>> = {}): string {
  const values: Readonly<Record<string, string>> = {
    passwordauthentication: "no",
    permitrootlogin: "no",
    maxauthtries: "3",
    logingracetime: "30",
    persourcemaxstartups: "10",
    x11forwarding: "no",
    allowagentforwarding: "no",
    port: "2222",
    ...changes,
  };
  const lines = text.split("\n").filter((line) => !Object.hasOwn(values, line.split(" ")[0] ?? ""));
  const set = Object.entries({ allowusers: "owner", ...values }).filter(([, value]) => value !== "");
  return [...lines, ...set.map(([name, value]) => `${name} ${value}`)].join("\n");
}

const offering = (...methods: readonly string[]): NonNullable<Recorded["programs"]> => ({
  ssh: ran("", 255, `debug1: Authentications that can continue: ${methods.join(",")}\n`),
});
const modern: Hear = () => {
  if (typeof hello === "string") throw new TypeError("the recording is broken");
  return Promise.resolve({ kind: "offer", offer: { ...hello, macs: ["hmac-sha2-256-etm@openssh.com"] } });
};

interface Plan extends Recorded {
  readonly sshd?: string | ((argv: readonly string[]) => string);
  readonly port?: number;
  readonly title?: string;
  readonly hear?: Hear;
  readonly directory?: string;
  readonly kept?: FactSet;
}

function machineOf({ sshd = hardened(debian12), port = 2_222, title, programs, files, links, ...rest }: Plan) {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return recordedMachine({
    ...rest,
    programs: {
      getent: ([, database]) => (database === "passwd" ? PASSWD : "root:x:0:\nowner:x:1000:\n"),
      "sshd -T": typeof sshd === "string" ? sshd : sshd,
      ip: '[{"ifname":"eth0","flags":["UP"],"addr_info":[{"local":"203.0.113.10","scope":"global"}]}]',
      ...offering("publickey"),
      ...programs,
    },
    files: {
      "/proc/54/comm": "sshd\n",
      "/proc/54/cmdline": title ?? "sshd: /usr/sbin/sshd -D [listener] 0 of 10-60 startups\0",
      "/proc/54/status": "Name:\tsshd\nPPid:\t1\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n",
      "/proc/54/net/tcp": `  sl  local\n   0: 00000000:${hex} 00000000:0000 0A 0:0 0:0 0 0 0 777 1\n`,
      "/etc/ssh/sshd_config": "Include /etc/ssh/sshd_config.d/*.conf\n",
      "/etc/ssh/ssh_host_ed25519_key": { text: "private", mode: 0o600 },
      "/etc/ssh/ssh_host_ed25519_key.pub": KEY,
      "/home/owner/.ssh/authorized_keys": { text: `${KEY}\n`, uid: 1_000, mode: 0o600 },
      ...files,
    },
    links: { "/proc/54/fd/3": "socket:[777]", ...links },
  });
}

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "clawhold-ssh-"));
});
afterAll(() => rm(directory, { recursive: true }));

async function factsOf(plan: Plan = {}): Promise<FactSet> {
  const machine = machineOf(plan);
  const given = await sshCollector(plan.hear ?? modern).collect({
    machine,
    soFar: {},
    directory: plan.directory,
    ...(plan.kept === undefined ? {} : { kept: plan.kept }),
  });
  return { ...plan.kept, ...given };
}

async function finding(check: keyof typeof sshChecks, plan: Plan = {}): Promise<Finding> {
  return judge(check, sshJudgements[check], readerOf(await factsOf(plan)));
}

describe("a hardened server", () => {
  it.each([
    ["ssh.password-auth", "probed"],
    ["ssh.root-login", "effective"],
    ["ssh.kbdint", "probed"],
    ["ssh.port.nonstandard", "probed"],
    ["ssh.auth.limits", "effective"],
    ["ssh.crypto", "probed"],
    ["ssh.forwarding", "effective"],
    ["ssh.allowlist", "effective"],
    ["ssh.hostkeys", "runtime"],
  ] as const)("passes %s, seen as %s", async (check, level) => {
    expect(await finding(check)).toMatchObject({ state: "pass", level, shortfalls: [] });
  });

  it("passes with the penalties of OpenSSH 10 in place of a limit for each source", async () => {
    expect(
      (await finding("ssh.auth.limits", { sshd: hardened(debian13, { persourcemaxstartups: "none" }) })).state,
    ).toBe("pass");
  });
});

describe("a server as it is installed", () => {
  const fresh = { sshd: debian12, port: 22, programs: offering("publickey", "password") };

  it.each([
    ["ssh.password-auth", /PasswordAuthentication is yes, by default/],
    ["ssh.password-auth", /203\.0\.113\.10:22 offers password to root/],
    ["ssh.root-login", /PermitRootLogin is without-password, by default/],
    ["ssh.kbdint", /KbdInteractiveAuthentication is yes, by default/],
    ["ssh.kbdint", /203\.0\.113\.10:2222 offers keyboard-interactive to root/],
    ["ssh.port.nonstandard", /sshd listens on 0\.0\.0\.0:22/],
    ["ssh.auth.limits", /MaxAuthTries is 6, by default, more than 3/],
    ["ssh.auth.limits", /LoginGraceTime is 120/],
    ["ssh.auth.limits", /neither PerSourceMaxStartups nor PerSourcePenalties/],
    ["ssh.forwarding", /X11Forwarding is yes/],
    ["ssh.allowlist", /neither AllowUsers nor AllowGroups names anybody/],
  ] as const)("fails %s: %s", async (check, says) => {
    // As installed elsewhere than on Debian: there the second way to ask is off.
    const asks = hardened(debian12, { kbdinteractiveauthentication: "yes" });
    const other = { sshd: asks, programs: offering("publickey", "keyboard-interactive") };
    const { state, shortfalls } = await finding(check, check === "ssh.kbdint" ? other : fresh);
    expect(state).toBe("fail");
    expect(shortfalls.join("\n")).toMatch(says);
  });
});

describe("traps", () => {
  it("T1: names the drop-in that comes before the line that a person wrote", async () => {
    const { state, shortfalls } = await finding("ssh.password-auth", {
      sshd: hardened(debian12, { passwordauthentication: "yes" }),
      files: {
        "/etc/ssh/sshd_config": "Include /etc/ssh/sshd_config.d/*.conf\nPasswordAuthentication no\n",
        "/etc/ssh/sshd_config.d/50-cloud-init.conf": "PasswordAuthentication yes\n",
      },
    });
    expect(state).toBe("fail");
    expect(shortfalls).toContain("PasswordAuthentication is yes, by /etc/ssh/sshd_config.d/50-cloud-init.conf:1");
  });

  it("T2: sees what a Match opens, and for whom", async () => {
    const { state, shortfalls } = await finding("ssh.password-auth", {
      sshd: (argv) =>
        hardened(debian12, { passwordauthentication: argv.join(" ").includes("addr=203.0.113.") ? "yes" : "no" }),
      files: {
        "/etc/ssh/sshd_config":
          "PasswordAuthentication no\nMatch Address 203.0.113.0/24\n  PasswordAuthentication yes\n",
      },
    });
    expect(state).toBe("fail");
    expect(shortfalls).toContain(
      "PasswordAuthentication is yes for Match Address 203.0.113.0/24, by /etc/ssh/sshd_config:3",
    );
  });

  it("a running sshd that never heard of the new configuration", async () => {
    const { state, shortfalls } = await finding("ssh.password-auth", { programs: offering("password", "publickey") });
    expect(state).toBe("fail");
    expect(shortfalls).toContain("203.0.113.10:2222 offers password to root");
  });

  it("an option on the command line of the running sshd is asked about too", async () => {
    const title = "sshd: /usr/sbin/sshd -D -o PasswordAuthentication=yes [listener] 0 of 10-60 startups";
    const { state } = await finding("ssh.password-auth", {
      title,
      sshd: (argv) =>
        hardened(debian12, { passwordauthentication: argv.includes("PasswordAuthentication=yes") ? "yes" : "no" }),
    });
    expect(state).toBe("fail");
  });

  it("a person's process that calls itself sshd is not believed", async () => {
    const facts = await factsOf({
      files: {
        "/proc/99/comm": "sshd\n",
        "/proc/99/cmdline": "sshd: /usr/sbin/sshd -o PasswordAuthentication=no [listener]",
        "/proc/99/status": "Uid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\t1000\t1000\n",
        "/proc/99/net/tcp": "  sl\n   0: 00000000:0016 00000000:0000 0A 0:0 0:0 0 0 0 778 1\n",
      },
      links: { "/proc/99/fd/3": "socket:[778]" },
    });
    expect(facts["ssh.daemon"]).toMatchObject({ value: { options: [], listens: [{ port: 2_222 }] } });
  });

  it("the sshd of a container is the container's, also when root runs it", async () => {
    const container = {
      "/proc/99/comm": "sshd\n",
      "/proc/99/cmdline": "sshd: /usr/sbin/sshd -o PasswordAuthentication=yes [listener]",
      "/proc/99/status": "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n",
      "/proc/99/net/tcp": "  sl\n   0: 00000000:0016 00000000:0000 0A 0:0 0:0 0 0 0 778 1\n",
      "/proc/net/tcp":
        "  sl\n   0: 00000000:08AE 00000000:0000 0A 0:0 0:0 0 0 0 777 1\n   1: 00000000:0016 00000000:0000 0A 0:0 0:0 0 0 0 778 1\n",
    };
    const own = { "/proc/self/ns/net": "net:[1]", "/proc/54/ns/net": "net:[1]", "/proc/99/fd/3": "socket:[778]" };
    const daemonIn = async (network: string): Promise<unknown> =>
      (await factsOf({ files: container, links: { ...own, "/proc/99/ns/net": network } }))["ssh.daemon"];
    expect(await daemonIn("net:[2]")).toMatchObject({ value: { options: [], listens: [{ port: 2_222 }] } });
    // One that shares the host's network opens a door of the host.
    expect(await daemonIn("net:[1]")).toMatchObject({ value: { listens: [{ port: 2_222 }, { port: 22 }] } });
  });

  it("somebody else's SSH on port 22 while ours listens elsewhere", async () => {
    const { state, shortfalls } = await finding("ssh.port.nonstandard", {
      tcp: (host) =>
        Promise.resolve(host === "203.0.113.10" ? { outcome: "open", banner: "SSH-2.0-x" } : { outcome: "closed" }),
    });
    expect(state).toBe("fail");
    expect(shortfalls).toEqual(["203.0.113.10:22 answers as SSH"]);
  });

  it("a Match that no question can be made for is not passed over", async () => {
    const plan = { files: { "/etc/ssh/sshd_config": "Match Moon full\nPermitRootLogin yes\n" } };
    expect(await finding("ssh.root-login", plan)).toMatchObject({ state: "unverified", reason: "not_visible" });
  });

  it("two methods one after the other, of which one is a key, is more than a key alone", async () => {
    const sshd = hardened(debian12, { passwordauthentication: "yes", authenticationmethods: "publickey,password" });
    expect((await finding("ssh.password-auth", { sshd })).state).toBe("pass");
    const either = hardened(debian12, { passwordauthentication: "yes", authenticationmethods: "publickey password" });
    expect((await finding("ssh.password-auth", { sshd: either })).state).toBe("fail");
  });
});

describe("evidence that could not be had", () => {
  it("without root: less is seen, nothing breaks", async () => {
    const plan = { isRoot: false, programs: { "sshd -T": ran("", 1, "sshd: no hostkeys available -- exiting.") } };
    expect(await finding("ssh.root-login", plan)).toMatchObject({ state: "unverified", reason: "not_root" });
    expect(await finding("ssh.crypto", plan)).toMatchObject({ state: "pass", level: "probed" });
  });

  it("without root, an open password prompt is still seen", async () => {
    const programs = { "sshd -T": ran("", 1), ...offering("publickey", "password") };
    expect(await finding("ssh.password-auth", { isRoot: false, programs })).toMatchObject({
      state: "fail",
      level: "probed",
    });
  });

  it("without root, and so without sight of sshd's sockets: knocked at where its files say", async () => {
    const plan: Plan = {
      isRoot: false,
      programs: { "sshd -T": ran("", 1), ...offering("password") },
      files: { "/etc/ssh/sshd_config": "Port 2222\n" },
      links: { "/proc/54/fd/3": "pipe:[1]" },
    };
    const { state, shortfalls } = await finding("ssh.password-auth", plan);
    expect(state).toBe("fail");
    expect(shortfalls).toContain("203.0.113.10:2222 offers password to root");
  });

  it("without a client to ask with", async () => {
    const machine = { programs: { ssh: { kind: "missing" } as const } };
    expect(await finding("ssh.password-auth", machine)).toMatchObject({ state: "unverified", reason: "missing_tool" });
  });

  it("a sshd that cannot read its own configuration is a fault", async () => {
    const plan = {
      programs: { "sshd -T": ran("", 255, "/etc/ssh/sshd_config: line 3: Bad configuration option: Foo") },
    };
    expect(await finding("ssh.root-login", plan)).toMatchObject({ state: "error", reason: "failed" });
  });

  it("no sshd at all", async () => {
    const plan = { files: { "/proc/54/comm": "bash\n" }, programs: { systemctl: "" } };
    expect(await finding("ssh.password-auth", plan)).toMatchObject({ state: "not_applicable", reason: "sshd_absent" });
  });

  it("another SSH server is a door that we cannot read, not none", async () => {
    const plan = { files: { "/proc/54/comm": "dropbear\n" }, programs: { systemctl: "" } };
    expect(await finding("ssh.password-auth", plan)).toMatchObject({ state: "unverified", reason: "missing_tool" });
  });
});

describe("algorithms", () => {
  const with_ =
    (changes: Partial<Exclude<typeof hello, string>>): Hear =>
    () => {
      if (typeof hello === "string") throw new TypeError("the recording is broken");
      return Promise.resolve({
        kind: "offer",
        offer: { ...hello, macs: ["hmac-sha2-256-etm@openssh.com"], ...changes },
      });
    };

  it.each([
    ["SHA-1 as Debian 12 has it", { macs: ["hmac-sha1"] }, /MAC hmac-sha1 \(SHA-1\)/],
    ["short tags", { macs: ["umac-64@openssh.com"] }, /umac-64@openssh\.com \(64-bit tag\)/],
    ["CBC", { ciphers: ["aes256-cbc"] }, /cipher aes256-cbc \(CBC\)/],
    [
      "a key exchange with SHA-1",
      { keyExchange: ["sntrup761x25519-sha512@openssh.com", "diffie-hellman-group14-sha1"] },
      /group14-sha1 \(SHA-1\)/,
    ],
    ["RSA signatures with SHA-1", { hostKeys: ["ssh-ed25519", "ssh-rsa"] }, /host key ssh-rsa \(SHA-1\)/],
    [
      "no post-quantum key exchange",
      { keyExchange: ["curve25519-sha256", "kex-strict-s-v00@openssh.com"] },
      /no post-quantum/,
    ],
    ["NIST curves alone", { keyExchange: ["ecdh-sha2-nistp256"] }, /NIST curves/],
    ["host keys of NIST curves alone", { hostKeys: ["ecdsa-sha2-nistp256"] }, /no host key but of NIST/],
    ["a prefix that can be cut", { keyExchange: ["sntrup761x25519-sha512@openssh.com"] }, /CVE-2023-48795/],
  ])("fails on %s", async (_, changes, says) => {
    const { state, shortfalls } = await finding("ssh.crypto", { hear: with_(changes) });
    expect(state).toBe("fail");
    expect(shortfalls.join("\n")).toMatch(says);
  });
});

describe("keys", () => {
  it("are unverified until somebody approves them, then known, and a new one fails", async () => {
    expect(await finding("ssh.keys.inventory", { directory })).toMatchObject({
      state: "unverified",
      reason: "not_approved",
    });
    approve(directory, { name: "ssh-keys", now: NOW });
    expect(await finding("ssh.keys.inventory", { directory })).toMatchObject({ state: "pass", level: "runtime" });
    const planted = KEY.replace("ZXEx3aG", "ZXEx3aA");
    const { state, shortfalls } = await finding("ssh.keys.inventory", {
      directory,
      files: { "/root/.ssh/authorized_keys": { text: `${planted}\n`, mode: 0o600 } },
    });
    expect(state).toBe("fail");
    expect(shortfalls.join("\n")).toMatch(/nobody approved: root SHA256:[\w+/]{43}/);
  });

  it("lose their restriction: said", async () => {
    const restricted = {
      "/home/owner/.ssh/authorized_keys": { text: `command="/bin/true",no-pty ${KEY}\n`, uid: 1_000, mode: 0o600 },
    };
    await finding("ssh.keys.inventory", { directory, files: restricted });
    approve(directory, { name: "ssh-keys", now: NOW });
    expect((await finding("ssh.keys.inventory", { directory, files: restricted })).state).toBe("pass");
    expect((await finding("ssh.keys.inventory", { directory })).shortfalls.join()).toMatch(
      /other options than approved: owner/,
    );
  });

  it.each([
    [
      "a file that others write",
      { "/home/owner/.ssh/authorized_keys": { text: KEY, uid: 1_000, mode: 0o666 } },
      /can be written by others \(mode 0666\)/,
    ],
    [
      "a file of another user",
      { "/home/owner/.ssh/authorized_keys": { text: KEY, uid: 1_001, mode: 0o600 } },
      /belongs to user number 1001/,
    ],
    [
      "a short RSA key",
      { "/home/owner/.ssh/authorized_keys": { text: RSA_1024, uid: 1_000, mode: 0o600 } },
      /RSA of 10\d\d bits/,
    ],
  ])("%s fails", async (_, files, says) => {
    const { state, shortfalls } = await finding("ssh.keys.inventory", { files });
    expect(state).toBe("fail");
    expect(shortfalls.join("\n")).toMatch(says);
  });

  it("in a file that is full of them are not all looked at, and that is said", async () => {
    const text = `${KEY}\n`.repeat(201);
    const files = { "/home/owner/.ssh/authorized_keys": { text, uid: 1_000, mode: 0o600 } };
    expect((await finding("ssh.keys.inventory", { files })).shortfalls.join()).toMatch(/holds 201 keys, more than/);
    const fitting = { "/home/owner/.ssh/authorized_keys": { text: `${KEY}\n`.repeat(200), uid: 1_000, mode: 0o600 } };
    expect((await finding("ssh.keys.inventory", { files: fitting })).state).toBe("unverified");
  });

  it("of a pattern with %u are found, and a command that gives out keys is said", async () => {
    const sshd = hardened(debian12, {
      authorizedkeysfile: "/etc/ssh/keys/%u",
      authorizedkeyscommand: "/usr/bin/eic %u",
    });
    const facts = await factsOf({ sshd, files: { "/etc/ssh/keys/owner": KEY } });
    expect(facts["ssh.keys"]).toMatchObject({ value: { files: [{ path: "/etc/ssh/keys/owner", user: "owner" }] } });
    expect((await finding("ssh.keys.inventory", { sshd })).shortfalls.join()).toMatch(
      /AuthorizedKeysCommand \/usr\/bin\/eic/,
    );
  });

  it("of the machine itself: read by others, or short", async () => {
    const open = { "/etc/ssh/ssh_host_ed25519_key": { text: "private", mode: 0o644 } };
    expect((await finding("ssh.hostkeys", { files: open })).shortfalls.join()).toMatch(
      /can be read by others \(mode 0644\)/,
    );
    const short = { "/etc/ssh/ssh_host_ed25519_key.pub": RSA_1024 };
    expect((await finding("ssh.hostkeys", { files: short })).shortfalls.join()).toMatch(/RSA of 10\d\d bits/);
  });
});

describe("the allow-list", () => {
  it.each([
    ["somebody who does not exist", { allowusers: "owner gone" }, /AllowUsers names gone, who does not exist/],
    ["everybody", { allowusers: "*" }, /takes more than one name/],
    ["a group that does not exist", { allowusers: "", allowgroups: "friends" }, /AllowGroups names friends/],
  ])("that names %s fails", async (_, changes, says) => {
    const { state, shortfalls } = await finding("ssh.allowlist", { sshd: hardened(debian12, changes) });
    expect(state).toBe("fail");
    expect(shortfalls.join("\n")).toMatch(says);
  });
});

it("a stranger's view is looked at again only when something moved, or it is old", async () => {
  let heard = 0;
  const counting: Hear = (host, port) => {
    heard += 1;
    return modern(host, port);
  };
  const kept = await factsOf({ hear: counting });
  const before = heard;
  await factsOf({ hear: counting, kept });
  expect(heard).toBe(before);
  await factsOf({ hear: counting, kept, sshd: hardened(debian12, { maxauthtries: "2" }) });
  expect(heard).toBeGreaterThan(before);
});

describe("the daemon", () => {
  it.each([
    ["sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", true],
    ["/usr/sbin/sshd -D", true],
    ["sshd: owner [priv]", false],
    ["sshd: owner@pts/0", false],
  ])("%s", (title, expected) => {
    expect(isListenerTitle(title)).toBe(expected);
  });
  it("has options that win over files, and others", () => {
    expect(optionsOf("sshd: /usr/sbin/sshd -D -f /etc/other -oPort=23 -p 24 -e [listener] 0")).toEqual([
      "-f",
      "/etc/other",
      "-o",
      "Port=23",
      "-p",
      "24",
    ]);
  });
  it("is started by systemd at a connection, as Debian 13 says it", () => {
    expect(listensOf("Listen=[::]:22 (Stream)\nId=ssh.socket\n")).toEqual([{ address: "::", port: 22 }]);
  });
});
