/** Mending as a transaction: what stands, what is refused, and what is taken back, whoever was killed when. Needs root: owners are kept. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Holder } from "../../../../agent/host/remedies/lock.ts";
import { Records } from "../../../../agent/host/remedies/record.ts";
import { recoverVerb, rollbackAll, rollbackVerb } from "../../../../agent/host/remedies/verbs.ts";
import { failed, isRoot, ok, StandIn } from "./stand-in.ts";

const DROP_IN = "/etc/ssh/sshd_config.d/00-clawhold-password-auth.conf";
const RECOVER = "/etc/systemd/system/clawhold-recover.service";

let host: StandIn;

beforeEach(() => {
  host = new StandIn();
});
afterEach(() => host.remove());

/** Everything but the records: paths with what is at each. */
function tree(): Readonly<Record<string, string>> {
  const names = readdirSync(path.join(host.root, "etc"), { recursive: true, encoding: "utf8" });
  return Object.fromEntries(names.map((name) => [name, JSON.stringify(host.disk.state(`/etc/${name}`))]));
}

describe.skipIf(!isRoot)("a fix that holds", () => {
  it("stands, is empty when planned again, and is taken back to the byte", async () => {
    const before = tree();
    const fix = await host.mend("ssh.password-auth");
    expect(host.read(DROP_IN)).toContain("\nPasswordAuthentication no\n");
    expect((await host.plan("ssh.password-auth")).plan.steps).toEqual([]);
    expect(await host.apply("ssh.password-auth")).toEqual({ kind: "unchanged" });
    expect(await host.rollback(fix)).toMatchObject({ kind: "fix", fix: { state: "undone" } });
    expect(tree()).toEqual(before);
    expect(await host.rollback(fix)).toEqual({ kind: "unchanged" });
  });

  it("sets a timer that fires on the second, and stops it when it is proven", async () => {
    await host.mend("ssh.password-auth");
    const timer = host.asked.find((line) => line.startsWith("systemd-run"));
    expect(timer).toContain("--on-active=60s --timer-property=AccuracySec=1s");
    const set = host.asked.findIndex((line) => line.startsWith("systemd-run"));
    const reloaded = host.asked.findIndex((line) => line === "systemctl reload ssh.service");
    const stopped = host.asked.findIndex((line) => line.startsWith("systemctl stop clawhold-deadman-fix-"));
    expect(set).toBeGreaterThan(-1);
    expect(reloaded).toBeGreaterThan(set);
    expect(stopped).toBeGreaterThan(reloaded);
  });

  it("is armed on the disk, with a unit for the next start, from before the first change", async () => {
    const seen: string[] = [];
    host.afterStep = (step) => {
      const armed = new Records(host.directory).armed().length;
      seen.push(
        `${step} ${String(armed)} ${String(existsSync(path.join(host.root, RECOVER)))} ${String(existsSync(path.join(host.root, DROP_IN)))}`,
      );
      return Promise.resolve();
    };
    await host.mend("ssh.password-auth");
    expect(seen).toEqual([
      "snapshot 0 false false",
      "check 0 false false",
      "arm 1 true false",
      "apply 1 true true",
      "probe 1 true true",
      "disarm 0 false true",
    ]);
  });

  it("says again for everybody what a Match block would overrule", async () => {
    host.write(
      "/etc/ssh/sshd_config",
      `${host.read("/etc/ssh/sshd_config")}Match Address 203.0.113.0/24\n  PasswordAuthentication yes\n`,
    );
    const { plan } = await host.plan("ssh.password-auth");
    expect(plan.notes.join(" ")).toContain('Line 3 of /etc/ssh/sshd_config ("Match Address 203.0.113.0/24")');
    await host.mend("ssh.password-auth");
    expect(host.read(DROP_IN)).toMatch(/\nMatch all\n {2}PasswordAuthentication no\n/);
  });

  it("restores modes alone where only modes were changed", async () => {
    host.write("/etc/ssh/ssh_host_rsa_key", "key");
    const fix = await host.mend("ssh.hostkeys");
    expect(host.disk.state("/etc/ssh/ssh_host_rsa_key")).toMatchObject({ mode: 0o600 });
    await host.rollback(fix);
    expect(host.disk.state("/etc/ssh/ssh_host_rsa_key")).toMatchObject({ mode: 0o644 });
  });
});

describe.skipIf(!isRoot)("nothing is changed", () => {
  const unchanged = (): void => {
    expect(readdirSync(path.join(host.root, "etc/ssh/sshd_config.d"))).toEqual([]);
    expect(host.asked.filter((line) => /^systemd-run|reload/.test(line))).toEqual([]);
  };

  it("without root", async () => {
    host.isRoot = false;
    expect(await host.order({ verb: "fixes" })).toMatchObject({ kind: "refused", code: "not_root" });
  });

  it("when the machine changed since the plan was shown", async () => {
    const { subject } = await host.plan("ssh.password-auth");
    host.write(DROP_IN, "PasswordAuthentication yes\n");
    const wanted = { kind: "check", check: "ssh.kbdint", options: {} } as const;
    expect(await host.order({ verb: "apply", wanted, subject, author: "p-1" })).toMatchObject({ code: "plan_changed" });
    expect(host.read(DROP_IN)).toBe("PasswordAuthentication yes\n");
  });

  it("when sshd would not take it", async () => {
    host.program = ([program, flag, ...rest]) =>
      program === "sshd" && flag === "-t" && rest.length > 0 ? failed("Bad configuration option") : undefined;
    expect(await host.apply("ssh.password-auth")).toMatchObject({ kind: "refused", code: "dry_check_failed" });
    unchanged();
    expect(await host.states()).toEqual([]);
  });

  it("when the timer cannot be set", async () => {
    host.program = ([program]) => (program === "systemd-run" ? failed("no bus") : undefined);
    expect(await host.apply("ssh.password-auth")).toMatchObject({ kind: "refused", code: "not_armed" });
    expect(readdirSync(path.join(host.root, "etc/ssh/sshd_config.d"))).toEqual([]);
    expect(existsSync(path.join(host.root, RECOVER))).toBe(false);
  });

  it.each([
    ["no_key", () => host.write("/home/owner/.ssh/authorized_keys", "")],
    ["no_systemd", () => host.disk.remove("/run/systemd/system")],
    ["sshd_no_include", () => host.write("/etc/ssh/sshd_config", "UsePAM yes\n")],
    ["sshd_earlier_line", () => host.write("/etc/ssh/sshd_config.d/00-a.conf", "PasswordAuthentication yes\n")],
    ["foreign_file", () => host.write(DROP_IN, "# mine\n")],
  ])("where %s", async (code, prepare) => {
    prepare();
    const before = tree();
    expect((await host.plan("ssh.password-auth")).plan).toMatchObject({ blocked: code, steps: [] });
    expect(await host.apply("ssh.password-auth")).toMatchObject({ kind: "refused", code });
    expect(tree()).toEqual(before);
  });

  it("while a line without a key is as long as its owner likes, which holds up nobody", async () => {
    host.write("/home/owner/.ssh/authorized_keys", `${"a".repeat(1_000_000)}\n# ssh-ed25519 AAAA owner\n`);
    expect((await host.plan("ssh.password-auth")).plan.blocked).toBe("no_key");
  });

  it("while a key that others could have written is the only one", async () => {
    host.disk.changeMode("/home/owner/.ssh/authorized_keys", () => 0o666);
    expect((await host.plan("ssh.password-auth")).plan.blocked).toBe("no_key");
  });
});

describe.skipIf(!isRoot)("what is not proven is taken back", () => {
  it("at once when SSH does not answer with an offer to take a key", async () => {
    const before = tree();
    host.program = ([program]) => (program === "ssh" ? failed("Connection refused") : undefined);
    const answer = await host.apply("ssh.hostkeys");
    expect(answer).toEqual({ kind: "unchanged" });
    host.program = ([program]) => (program === "sysctl" ? ok() : undefined);
    host.write("/proc/sys/net/ipv4/tcp_syncookies", "0\n");
    // The kernel of this stand-in keeps its value.
    expect(await host.apply("net.sysctl")).toMatchObject({
      kind: "fix",
      fix: { state: "undone", reason: "not_proven" },
    });
    expect(host.said.join(" ")).toContain("net.ipv4.tcp_syncookies is 0, not 1");
    expect(tree()).toEqual(before);
  });

  it("by the next order, when the run that made it is dead", async () => {
    const before = tree();
    await killedAfter("apply");
    expect(host.read(DROP_IN)).toContain("PasswordAuthentication no");
    expect(await host.states()).toEqual(["undone interrupted"]);
    expect(tree()).toEqual(before);
  });

  it("at the start of the machine, by files alone", async () => {
    const before = tree();
    await killedAfter("apply");
    host.asked.length = 0;
    await recoverVerb(host.options);
    expect(tree()).toEqual(before);
    expect(host.asked.filter((line) => /reload ssh|stop|restart/.test(line))).toEqual([]);
    expect(await host.states()).toEqual(["undone restarted"]);
  });

  it("by the timer, which ends a run that hangs while it holds the lock", async () => {
    const before = tree();
    const fix = await killedAfter("apply");
    // Another process that holds the lock as the run did, and does nothing.
    const lock = path.resolve(import.meta.dirname, "../../../../agent/host/remedies/lock.ts");
    const script = `
      import { locked, ourselves } from ${JSON.stringify(lock)};
      await locked(process.argv[1], 5, () => {
        console.log(JSON.stringify(ourselves()));
        return new Promise(() => setInterval(() => undefined, 60_000));
      });`;
    const argv = ["--no-warnings", "--input-type=module", "-e", script, host.directory];
    const hanging = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"] });
    const ended = new Promise((resolve) => hanging.once("exit", (_, signal) => resolve(signal)));
    const holder = await new Promise<Holder>((resolve) =>
      hanging.stdout.once("data", (text: Buffer) => resolve(JSON.parse(text.toString()) as Holder)),
    );
    const records = new Records(host.directory);
    const record = records.one(fix);
    if (record === undefined) throw new TypeError("no record");
    records.save({ ...record, holder });
    expect(await rollbackVerb(host.options, fix, "deadman")).toBe(0);
    expect(await ended).toBe("SIGKILL");
    expect(tree()).toEqual(before);
  });

  it("but not what was proven meanwhile", async () => {
    const fix = await host.mend("ssh.password-auth");
    await rollbackVerb(host.options, fix, "deadman");
    expect(await host.states()).toEqual(["applied"]);
    expect(host.read(DROP_IN)).toContain("PasswordAuthentication no");
  });
});

describe.skipIf(!isRoot)("a file of ours that somebody changed", () => {
  it("is reported, never overwritten, and keeps its fix from being taken back by half", async () => {
    const fix = await host.mend("ssh.password-auth");
    host.write(DROP_IN, `${host.read(DROP_IN)}# mine\n`);
    expect((await host.plan("ssh.password-auth")).plan).toMatchObject({ blocked: "drifted" });
    expect(await host.order({ verb: "fixes" })).toMatchObject({ fixes: [{ drifted: [DROP_IN] }] });
    expect(await host.rollback(fix)).toMatchObject({ kind: "refused", code: "drifted" });
    expect(await rollbackAll(host.options)).toEqual([fix]);
    expect(host.read(DROP_IN)).toContain("# mine");
  });

  it("of a program's own file is left, and our part taken out by the program", async () => {
    host.write("/etc/passwd", `${host.read("/etc/passwd")}openclaw:x:990:990::/home/openclaw:/usr/sbin/nologin\n`);
    host.write("/etc/group", "sudo:x:27:openclaw\n");
    host.program = ([program, flag]) => {
      if (program === "gpasswd" && flag === "-d") host.write("/etc/group", "sudo:x:27:\n");
      return program === "sudo" ? ok("User openclaw is not allowed to run sudo") : undefined;
    };
    const fix = await host.mend("usr.no-sudo");
    host.write("/etc/group", "sudo:x:27:\nnew:x:1001:\n");
    await host.rollback(fix);
    expect(host.asked).toContain("gpasswd -a openclaw sudo");
    expect(host.read("/etc/group")).toContain("new:x:1001:");
  });

  it("by a later fix of ours comes first", async () => {
    host.write("/etc/ssh/ssh_host_rsa_key", "key");
    const first = await host.mend("ssh.hostkeys");
    host.disk.changeMode("/etc/ssh/ssh_host_rsa_key", () => 0o644);
    host.now += 10;
    const second = await host.mend("ssh.hostkeys");
    expect(await host.rollback(first)).toMatchObject({ kind: "refused", code: "undo_later_first" });
    expect(await host.rollback(second)).toMatchObject({ kind: "fix" });
  });
});

/** A run that ended without a word after this step: its record names a process that is no more. */
async function killedAfter(step: string): Promise<string> {
  const cut = new Error("killed");
  const { subject } = await host.plan("ssh.password-auth");
  const wanted = { kind: "check", check: "ssh.password-auth", options: {} } as const;
  let copy: ReturnType<Records["armed"]> = [];
  host.afterStep = (at) => {
    if (at !== step) return Promise.resolve();
    copy = new Records(host.directory).armed();
    return Promise.reject(cut);
  };
  // What takes it back in this very process is undone: the files are put as the cut left them.
  const keep = host.disk.restore.bind(host.disk);
  host.disk.restore = () => undefined;
  await host.order({ verb: "apply", wanted, subject, author: "p-1" });
  host.disk.restore = keep;
  host.afterStep = () => Promise.resolve();
  const [record] = copy;
  if (record === undefined) throw new TypeError("it was not armed");
  new Records(host.directory).save({ ...record, holder: { pid: 4_194_304, began: "0" } });
  return record.fix;
}
