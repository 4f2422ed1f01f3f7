/** A server becomes a host by the pasted command, over the network, from the real edge; and is a server again afterwards. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import { buildRelease } from "../../agent/install/build-release.ts";
import { receiptOf } from "../e2e/operator.ts";
import { clawhold, dist, type RunningEdge } from "../net/product.ts";
import { startEdge } from "./edge.ts";
import { Machine } from "./machine.ts";
import { Network } from "./network.ts";
import { Outside } from "./outside.ts";
import type { Ended } from "./process.ts";
import { Releases } from "./releases.ts";

const CLAWHOLD = "/usr/local/bin/clawhold";
const SYSTEMCTL = "/usr/bin/systemctl";

const closers: Closers = [];
let network: Network;
let edge: RunningEdge;
let machine: Machine;
/** As it was before anything of ours was there. */
let bare: string;
let pasted: string;
let words: string;

beforeAll(async () => {
  network = new Network();
  closers.push(() => network.close());
  [edge, machine] = await Promise.all([startEdge(closers), Machine.started({ network })]);
  closers.push(() => machine.remove());
  bare = await tree();
  pasted = await added();
});

afterAll(() => closeAll(closers));

/** What a person pastes. */
async function added(): Promise<string> {
  const adding = clawhold(edge.installed, "host", "add", "--gateway", "none");
  return String((await adding.mustSay((said) => said["event"] === "add"))["command"]);
}

const paste = (text: string): Promise<Ended> => machine.run(["/bin/bash", "-s"], { input: `${text}\n` });

/** Written by the running system itself, and copies of the user database that useradd and userdel keep (`passwd-`). */
const OF_THE_SYSTEM = [
  "/var/log",
  "/var/tmp",
  "/var/cache",
  "/var/lib/systemd",
  "/var/lib/fail2ban",
  "/usr/local/lib/node_modules",
];

/** Every file with its owner, mode and where it leads; and the content of those that an installation could change. */
async function tree(): Promise<string> {
  const not = OF_THE_SYSTEM.flatMap((one, at) => [...(at === 0 ? [] : ["-o"]), "-path", one]);
  const pruned = ["(", ...not, ")", "-prune", "-o", "-not", "-name", "*-"];
  const everything = ["/etc", "/opt", "/usr", "/var", "/root", "/home", "/srv"];
  const names = await machine.must(["/usr/bin/find", ...everything, ...pruned, "-printf", "%p %y %U:%G %m %l\n"]);
  const summed = ["/etc", "/opt", "/usr/local", "/root", "/var/lib"];
  const sums = await machine.must([
    "/usr/bin/find",
    ...summed,
    ...pruned,
    "-type",
    "f",
    "-exec",
    "/usr/bin/sha256sum",
    "{}",
    "+",
  ]);
  return [...names.split("\n"), ...sums.split("\n")].toSorted().join("\n");
}

/** Lines that only one of the two has. */
function differences(before: string, after: string): readonly string[] {
  const [one, other] = [before, after].map((text) => new Set(text.split("\n")));
  if (one === undefined || other === undefined) return [];
  return [...one].filter((line) => !other.has(line)).concat([...other].filter((line) => !one.has(line)));
}

describe("on a machine where it cannot work", () => {
  /** In mounts of its own, so that the machine stays as it is. */
  const refused = (prepare: string): Promise<Ended> =>
    machine.run(["/usr/bin/unshare", "--mount", "/bin/bash", "-c", `set -e; ${prepare}; exec /bin/bash -s`], {
      input: `${pasted}\n`,
    });
  const release = "printf 'ID=%s\\nVERSION_ID=%s\\nPRETTY_NAME=\"%s\"\\n'";
  const system = (id: string, version: string, name: string): string =>
    `${release} ${id} ${version} '${name}' >/tmp/os-release; mount --bind /tmp/os-release /etc/os-release`;
  const lock = "import fcntl, time; fcntl.lockf(9, fcntl.LOCK_EX); time.sleep(5)";
  const isHeld = 'grep -q ":$(stat -c %i /var/lib/dpkg/lock-frontend) " /proc/locks';
  const held = `/usr/bin/python3 -c '${lock}' </dev/null >/dev/null 2>&1 & until ${isHeld}; do sleep 0.1; done`;
  const noNode = "mkdir -p /tmp/bin; mount --bind /tmp/bin /usr/local/bin";

  it.each([
    ["another distribution", system("fedora", "43", "Fedora 43"), "This is Fedora 43. Supported are Debian 12 and 13"],
    ["an older Debian", system("debian", "11", "Debian 11"), "This is Debian 11. Supported are Debian 12 and 13"],
    ["no systemd", "mount -t tmpfs tmpfs /run", "without systemd"],
    ["a file system that can only be read", "mount -t tmpfs -o ro tmpfs /opt", "/opt can only be read"],
    ["a full disk", "mount -t tmpfs -o size=1m tmpfs /var/lib", "too full: /var/lib has"],
    ["no Node", noNode, "No Node 22 or newer was found that belongs to root."],
    [
      "a Node of another user's",
      `${noNode}; cp /bin/true /tmp/bin/node; chown 1000 /tmp/bin/node`,
      "another user than root",
    ],
    [
      "an old Node",
      `${noNode}; printf '#!/bin/sh\\necho v18.19.0\\n' >/tmp/bin/node; chmod 755 /tmp/bin/node`,
      "is v18.19.0",
    ],
    [
      "no Node, and a package manager at work",
      `${noNode}; exec 9>/var/lib/dpkg/lock-frontend; ${held}`,
      "The package manager is busy just now",
    ],
  ])("%s: one sentence, and nothing changed", async (_what, prepare, sentence) => {
    const { code, stdout, stderr } = await refused(prepare);
    await machine.delete("/tmp/bin", "/tmp/os-release");
    expect({ code, stdout }).toEqual({ code: 4, stdout: "" });
    expect(stderr).toContain(sentence);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toMatch(/Nothing was changed\.\n$/);
  });

  it("as somebody who is not root: one sentence, and nothing changed", async () => {
    const { code, stderr } = await machine.run(["/bin/bash", "-s"], { input: `${pasted}\n`, user: "nobody" });
    expect({ code, stderr }).toEqual({
      code: 4,
      stderr:
        "clawhold: This needs root: become root (sudo -i, or su -), then paste the command again. Nothing was changed.\n",
    });
  });

  it("an archive that the command does not name is not unpacked", async () => {
    const { code, stderr } = await paste(
      pasted.replace(/--sha256 ./, (text) => (text.endsWith("0") ? "--sha256 1" : "--sha256 0")),
    );
    expect(code).toBe(4);
    expect(stderr).toContain("is not what the pasted command names (SHA-256), so it was not unpacked");
  });

  it("and it is as it was before all of this", async () => {
    expect(differences(bare, await tree())).toEqual([]);
  });
});

describe("the pasted command", () => {
  it("with --dry-run says what it would do, and changes nothing", async () => {
    const { code, stdout } = await paste(pasted.replace(/ --workspace=/, " --dry-run --workspace="));
    expect(code).toBe(0);
    expect(stdout).toContain("Make the system user clawhold-reader");
    expect(differences(bare, await tree())).toEqual([]);
  });

  it("makes the machine a host that waits with six words, in one go and without a port", async () => {
    const started = performance.now();
    const { code, stdout, stderr } = await paste(pasted);
    console.log(`From paste to words: ${((performance.now() - started) / 1_000).toFixed(1)} s`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    words =
      stdout
        .split("\n")
        .find((line) => /^ {2}([a-z]+ ){5}[a-z]+$/.test(line))
        ?.trim() ?? "none";
    expect((await machine.must([CLAWHOLD, "host", "words"])).trim()).toBe(words);
    const listening = await machine.must(["/usr/bin/ss", "-Hltn"]);
    expect(
      listening
        .trim()
        .split("\n")
        .every((line) => / (0\.0\.0\.0|\[::\]):22 /.test(line)),
    ).toBe(true);
    expect(await new Outside(network, "attacker").ports([22, 4471])).toEqual({ 22: "open", 4471: "closed" });
  });

  it("a second time changes nothing and says so", async () => {
    const before = await tree();
    const { code, stdout } = await paste(await added());
    expect(code).toBe(0);
    expect(stdout).toContain("Nothing was changed: everything is as it should be.");
    expect(stdout).toContain(words);
    // What the agent itself writes goes on meanwhile.
    const isOurs = (line: string): boolean => !line.includes("/var/lib/clawhold/host");
    expect(differences(before, await tree()).filter(isOurs)).toEqual([]);
  });

  it("says how it stands", async () => {
    const status = (): Promise<string> => machine.must([CLAWHOLD, "status"]);
    await expect.poll(status, { timeout: 30_000 }).toMatch(/Agent +runs, connected to the edge/);
    expect(await status()).toContain("waits to be admitted");
  });

  it("leaves the host's keys to root alone, and the link's to the link", async () => {
    const state = "/var/lib/clawhold/host";
    for (const user of ["clawhold", "clawhold-reader", "nobody"]) {
      const tried = await machine.run(["/usr/bin/cat", `${state}/warden/keys.json`], { user });
      expect(tried.stderr).toContain("Permission denied");
    }
    const tried = await machine.run(["/usr/bin/cat", `${state}/link/tls.json`], { user: "clawhold-reader" });
    expect(tried.stderr).toContain("Permission denied");
  });
});

describe("an upgrade", () => {
  it("puts the next version beside, and keeps this one as the way back", async () => {
    const release = path.join(machine.directory, "next");
    buildRelease({ dist, version: "5.0.0", out: release });
    const archive = readFileSync(path.join(release, "clawhold.tar.gz"));
    await machine.write("/tmp/next.tar.gz", archive);
    await machine.must(["/usr/bin/mkdir", "-p", "/tmp/next"]);
    await machine.must(["/usr/bin/tar", "-xzf", "/tmp/next.tar.gz", "-C", "/tmp/next"]);
    const workspace = /--workspace=(\S+)/.exec(pasted)?.[1] ?? "";
    const sum = createHash("sha256").update(archive).digest("hex");
    const node = ["/usr/local/bin/node", "--no-warnings", "/tmp/next/clawhold.cjs", "host", "install"];
    const asked = ["--from", "/tmp/next", "--sha256", sum, `--workspace=${workspace.replaceAll("'", "")}`];
    expect(await machine.must([...node, ...asked, "--node", "/usr/local/bin/node"])).toContain(
      "Use version 5.0.0, and keep",
    );
    expect((await machine.must([CLAWHOLD, "--version"])).trim()).toBe("5.0.0");
    expect(await machine.must(["/usr/bin/readlink", "/opt/clawhold/previous"])).not.toBe("5.0.0\n");
    expect((await machine.must([CLAWHOLD, "host", "words"])).trim()).toBe(words);
    const older = await paste(pasted);
    expect(older).toMatchObject({ code: 4, stderr: expect.stringContaining("which is newer than") });
  });

  it("outlives a reboot", async () => {
    expect(await machine.reboot()).toBe("running");
    expect(await machine.must([SYSTEMCTL, "is-enabled", "clawhold-link.service"])).toBe("enabled\n");
    expect((await machine.must([CLAWHOLD, "--version"])).trim()).toBe("5.0.0");
  });
});

describe("an update by a command", () => {
  let host: string;
  let operator: RunningEdge["operator"];
  let releases: Releases;

  beforeAll(async () => {
    operator = edge.operator;
    host = String((JSON.parse(await machine.read("/var/lib/clawhold/host/host.json")) as { host: unknown }).host);
    await operator.admitFirstHost(host);
    releases = await Releases.pinned(edge, machine, closers);
  });

  const inUse = async (): Promise<string> => (await machine.must([CLAWHOLD, "--version"])).trim();
  const last = async (): Promise<unknown> => JSON.parse(await machine.read("/var/lib/clawhold/host/update/last.json"));

  /** As soon as the host is back on its tunnel. */
  async function command(...order: Parameters<typeof operator.build>): Promise<string | undefined> {
    const sent = await vi.waitFor(() => operator.build(...order), { timeout: 60_000, interval: 500 });
    await operator.submit(sent);
    const receipt = receiptOf(await operator.ended(sent, host));
    return receipt?.observed.reason ?? receipt?.verdict;
  }

  const update = (version: string, sha256: string): Promise<string | undefined> =>
    command("agent.update@1", host, { args: { version, sha256 } });

  it("is refused when the edge hands out another archive than the one that was signed for", async () => {
    await releases.handOut("9.9.9");
    expect(await update("9.9.9", "0".repeat(64))).toBe("release_sum");
    expect(await inUse()).toBe("5.0.0");
  });

  it("brings the new version, which the edge welcomes", async () => {
    const sum = await releases.handOut("9.9.9");
    expect(await update("9.9.9", sum)).toBe("executed");
    await expect.poll(last, { timeout: 60_000 }).toMatchObject({ from: "5.0.0", to: "9.9.9", ended: "updated" });
    expect(await inUse()).toBe("9.9.9");
    expect(await machine.must([SYSTEMCTL, "list-timers", "--all", "--no-legend", "clawhold-update-back*"])).toBe("");
  });

  it("whose agent does not start is taken back by itself", async () => {
    const sum = await releases.handOut("10.0.0", "process.exit(1);");
    expect(await update("10.0.0", sum)).toBe("executed");
    await expect.poll(last, { timeout: 120_000 }).toMatchObject({ from: "9.9.9", to: "10.0.0", ended: "back" });
    expect(await inUse()).toBe("9.9.9");
    // And it obeys as before.
    expect(await command("host.check@1", host)).toBe("executed");
  });

  it("that a power cut stopped is settled when the machine starts again", async () => {
    const sum = await releases.handOut("11.0.0", "process.exit(1);");
    expect(await update("11.0.0", sum)).toBe("executed");
    await expect.poll(inUse, { timeout: 60_000 }).toBe("11.0.0");
    await machine.kill();
    await machine.boot();
    await expect.poll(last, { timeout: 150_000 }).toMatchObject({ from: "9.9.9", to: "11.0.0", ended: "back" });
    expect(await inUse()).toBe("9.9.9");
  });

  it("to what it has already, or had, is refused", async () => {
    const sum = await releases.handOut("9.9.9");
    expect(await update("9.9.9", sum)).toBe("release_older");
  });
});

it("host uninstall tells the edge, and leaves the file system as it was", async () => {
  const { code, stdout } = await machine.run([CLAWHOLD, "host", "uninstall", "--yes"]);
  await machine.delete("/tmp/next", "/tmp/next.tar.gz");
  expect(code).toBe(0);
  expect(stdout).toContain("The edge has recorded it");
  expect(differences(bare, await tree())).toEqual([]);
  const units = await machine.must([SYSTEMCTL, "list-units", "--all", "--plain", "--no-legend", "clawhold*"]);
  expect(units).toBe("");
});
