/** Files of a gateway and keys left behind, on a real file system: whose they are and who can read them is the kernel's to say. */
import { chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { diskCollector } from "../../../../../../agent/host/posture/collectors/secrets/disk.ts";
import { filesCollector } from "../../../../../../agent/host/posture/collectors/secrets/files.ts";
import { plaintextCollector } from "../../../../../../agent/host/posture/collectors/secrets/plaintext.ts";
import type { Collector } from "../../../../../../agent/host/posture/collector.ts";
import { known, type Known } from "../../../../../../agent/host/posture/fact.ts";
import type { Facts, FactSet } from "../../../../../../agent/host/posture/facts.ts";
import { linuxMachine } from "../../../../../../agent/host/posture/linux.ts";
import type { Machine } from "../../../../../../agent/host/posture/machine.ts";
import { recordedMachine } from "../../recorded-machine.ts";

const { uid, gid } = userInfo();
let home = "";
let state = "";

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "posture-secrets-"));
  state = join(home, ".openclaw");
  mkdirSync(join(state, "agents", "main"), { recursive: true });
  mkdirSync(join(state, "state"));
  writeFileSync(join(state, "openclaw.json"), "{}", { mode: 0o600 });
  writeFileSync(join(state, "state", "openclaw.sqlite"), "x", { mode: 0o644 });
  chmodSync(state, 0o700);
  chmodSync(home, 0o755);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function machineOf(): Machine {
  const real = linuxMachine({ environment: {}, homeDirectory: home, uid, self: [] });
  const passwd = `me:x:${String(uid)}:${String(gid)}::${home}:/bin/sh\n`;
  return {
    ...real,
    read: (path, maxBytes) =>
      path === "/etc/passwd"
        ? Promise.resolve({ kind: "text", text: passwd, uid: 0, mode: 0o644 })
        : path.startsWith(home)
          ? real.read(path, maxBytes)
          : Promise.resolve({ kind: "absent" }),
    list: (path) => (path.startsWith(home) ? real.list(path) : Promise.resolve(undefined)),
  };
}

function found(): FactSet {
  const row = {
    gateway: "me",
    user: "me",
    uid,
    gid,
    home,
    directory: state,
    configurationPath: join(state, "openclaw.json"),
    configuration: "ok",
    port: 18_789,
    isListening: false,
  } as const;
  return { "gateway.found": known([row], { level: "runtime", source: "test", at: 1, raw: "" }) };
}

async function collected<N extends keyof Facts>(
  collector: Collector,
  name: N,
  machine = machineOf(),
): Promise<Known<Facts[N]>> {
  const facts = await collector.collect({ machine, soFar: found(), directory: undefined });
  const fact = facts[name];
  if (fact?.kind !== "known") throw new Error(`${name} is not known`);
  return fact as Known<Facts[N]>;
}

const loose = async () =>
  (await collected(filesCollector, "secrets.files")).value[0]?.loose.map(
    ({ path, mode, why }) => `${path.slice(home.length)} ${mode} ${why}`,
  );

describe("a gateway's files", () => {
  it("behind a closed door are closed whatever their own mode", async () => {
    expect(await loose()).toEqual([]);
  });
  it("behind an open door are each as open as they are", async () => {
    chmodSync(state, 0o755);
    chmodSync(join(state, "agents"), 0o700);
    expect(await loose()).toEqual([
      "/.openclaw 0755 read",
      expect.stringMatching(/state 07?[57]{2}[57] read/),
      "/.openclaw/state/openclaw.sqlite 0644 read",
    ]);
  });
  it("that others may change are said to be so", async () => {
    chmodSync(state, 0o777);
    chmodSync(join(state, "openclaw.json"), 0o666);
    expect(await loose()).toEqual(
      expect.arrayContaining(["/.openclaw 0777 write", "/.openclaw/openclaw.json 0666 write"]),
    );
  });
  it("are looked at up to a number, however many somebody makes", async () => {
    for (let at = 0; at < 30; at += 1) {
      mkdirSync(join(state, "agents", String(at)));
      for (let file = 0; file < 30; file += 1) writeFileSync(join(state, "agents", String(at), String(file)), "");
    }
    const { value } = await collected(filesCollector, "secrets.files");
    expect(value[0]?.looked).toBe(400);
  });
  it("that are a link lead elsewhere", async () => {
    rmSync(join(state, "openclaw.json"));
    writeFileSync(join(home, "elsewhere.json"), "{}");
    symlinkSync(join(home, "elsewhere.json"), join(state, "openclaw.json"));
    expect(await loose()).toEqual(["/.openclaw/openclaw.json 0777 link"]);
  });
});

const KEY = `sk-ant-api03-${"k".repeat(40)}`;
const places = async () => {
  const { value, evidence } = await collected(plaintextCollector, "secrets.plaintext");
  expect(JSON.stringify({ value, evidence })).not.toContain("kkkk");
  return value.places.map(({ path, kind, providers, isOpen }) => [
    path.slice(home.length),
    kind,
    providers.join(),
    isOpen,
  ]);
};

describe("keys left behind", () => {
  it("are none in the gateway's own closed configuration", async () => {
    expect(await places()).toEqual([]);
  });
  it("are found where they lie, and it is said who can read them", async () => {
    writeFileSync(join(home, ".bash_history"), `export ANTHROPIC_API_KEY=${KEY}\n`, { mode: 0o600 });
    writeFileSync(join(home, ".env"), `X=${KEY}\n`, { mode: 0o644 });
    mkdirSync(join(home, ".config/systemd/user"), { recursive: true });
    writeFileSync(join(home, ".config/systemd/user/x.service"), `Environment=K=${KEY}\n`, { mode: 0o644 });
    // An old copy behind the closed door of the state directory: nobody else can read it.
    writeFileSync(join(state, "openclaw.json.bak"), KEY, { mode: 0o644 });
    chmodSync(join(home, ".config"), 0o755);
    const parents = await places();
    expect(parents.map(([path, kind, providers]) => [path, kind, providers])).toEqual([
      ["/.bash_history", "history", "Anthropic"],
      ["/.env", "file", "Anthropic"],
      ["/.config/systemd/user/x.service", "unit", "Anthropic"],
      ["/.openclaw/openclaw.json.bak", "file", "Anthropic"],
    ]);
    expect(parents[0]?.[3]).toBe(false);
    expect(parents[1]?.[3]).toBe(true);
    expect(parents[3]?.[3]).toBe(false);
  });
  it("behind a link of the user's own are not read as root", async () => {
    writeFileSync(join(home, "target"), KEY, { mode: 0o600 });
    symlinkSync(join(home, "target"), join(home, ".profile"));
    linkSync(join(home, "target"), join(home, "second"));
    const isRootsLink = uid === 0; // root's own links are root's word
    expect((await places()).map(([path]) => path)).toEqual(isRootsLink ? ["/.profile"] : []);
  });
});

describe("the disk under a gateway", () => {
  const mount = (source: string, fstype: string) => JSON.stringify({ filesystems: [{ source, fstype }] });
  const disk = async (programs: Record<string, string>) => {
    const facts = await diskCollector.collect({
      machine: recordedMachine({ programs }),
      soFar: found(),
      directory: undefined,
    });
    const fact = facts["secrets.disk"];
    return fact?.kind === "known" ? fact.value.map(({ device, isEncrypted }) => [device, isEncrypted]) : fact?.why;
  };
  it.each([
    [
      "is encrypted below a volume group",
      mount("/dev/mapper/vg-root", "ext4"),
      '{"blockdevices":[{"name":"vg-root","type":"lvm","children":[{"name":"luks","type":"crypt","children":[{"name":"sda2","type":"part"}]}]}]}',
      [["/dev/mapper/vg-root", true]],
    ],
    [
      "is a plain partition",
      mount("/dev/sda1[/sub]", "btrfs"),
      '{"blockdevices":[{"name":"sda1","type":"part"}]}',
      [["/dev/sda1", false]],
    ],
    ["is memory", mount("tmpfs", "tmpfs"), "", [["tmpfs", true]]],
    ["is a container's layer", mount("overlay", "overlay"), "", "not_visible"],
    ["is what an old lsblk calls it", mount("/dev/sda1", "ext4"), "sda1 part", "not_visible"],
  ])("%s", async (...[, findmnt, lsblk, expected]) => {
    expect(await disk({ findmnt, lsblk })).toEqual(expected);
  });
  it("is not known without the programs", async () => {
    expect(await disk({})).toBe("not_visible");
  });
});
