/** The unit of a self-hosted edge: how it is judged, and whether its very command line serves under its restrictions. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryDirectory } from "./installation.ts";

const dist = process.env["CLAWHOLD_TEST_DIST"] ?? path.resolve(import.meta.dirname, "../../dist");
const entry = path.join(dist, "clawhold.mjs");
const ANALYZE = "/usr/bin/systemd-analyze";
const PYTHON = "/usr/bin/python3";
const FILTER = path.resolve(import.meta.dirname, "service/filter.py");
/** Where the numbers of system calls are written down. */
const HEADERS = ["/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/aarch64-linux-gnu/asm/unistd_64.h"];
const canFilter = existsSync(PYTHON) && existsSync(ANALYZE) && HEADERS.some((header) => existsSync(header));
/** A user that exists nowhere, as systemd makes them. */
const UID = 61_337;
/** systemd.exec(5): what `DynamicUser` keeps its state under. */
const STATE = "/var/lib";

const directory = temporaryDirectory("service");
chmodSync(directory.path, 0o755);
afterAll(() => directory.remove());

interface Said {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

function clawhold(...argv: readonly string[]): Said {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--no-warnings", entry, ...argv], {
    encoding: "utf8",
  });
  return { status, out: stdout, err: stderr };
}

const options = ["--port", "0", "--agent-port", "0", "--metrics", "127.0.0.1:0"];

function unit(...more: readonly string[]): string {
  const { status, out, err } = clawhold("up", "service", "--print", ...more);
  expect([status, err]).toEqual([0, ""]);
  return out;
}

describe("the unit", () => {
  const pem = (name: string): string => {
    const file = path.join(directory.path, name);
    writeFileSync(file, "", { mode: 0o600 });
    return file;
  };
  const tls = (): readonly string[] => ["--tls-cert", pem("edge.crt"), "--tls-key", pem("edge.key")];
  const named = ["--bind", "wg0", "--name", "edge.example"];

  it.skipIf(!existsSync(ANALYZE))("is judged to expose little, and has no word that systemd does not know", () => {
    const file = path.join(directory.path, "clawhold-edge.service");
    writeFileSync(file, unit(...named, ...tls()));
    const { stdout } = spawnSync(ANALYZE, ["security", "--offline=yes", "--no-pager", file], { encoding: "utf8" });
    const [, exposure] = /Overall exposure level for \S+: ([0-9.]+)/.exec(stdout) ?? [];
    expect(Number(exposure)).toBeLessThanOrEqual(2);
    const verified = spawnSync(ANALYZE, ["verify", "--man=no", file], { encoding: "utf8" });
    expect(verified.stderr.split("\n").filter((line) => line.includes("clawhold-edge.service"))).toEqual([]);
  });

  it("starts the same program, with the options that were typed, and holds no secret", () => {
    const text = unit("--port", "4480", "--gateway", "ws://127.0.0.1:18789");
    expect(text).toContain(
      `ExecStart=${process.execPath} --no-warnings ${entry} up --data /var/lib/clawhold-edge --no-link`,
    );
    expect(text).toContain("--port 4480");
    expect(text).toContain("--gateway ws://127.0.0.1:18789");
    expect(unit()).toContain("--gateway none");
    expect(text).not.toMatch(/^(?:Environment|EnvironmentFile|PassEnvironment)=/m);
    expect(text).not.toContain("MemoryDenyWriteExecute=yes");
    for (const line of ["Restart=always", "DynamicUser=yes", "NoNewPrivileges=yes", "CapabilityBoundingSet=\n"])
      expect(text).toContain(line);
  });

  it("may take a low port only when it is told to", () => {
    expect(unit("--port", "443")).toContain("AmbientCapabilities=CAP_NET_BIND_SERVICE\n");
    expect(unit()).toContain("AmbientCapabilities=\n");
  });

  it("hands over the certificate's files, and is not printed for files that are not there", () => {
    const text = unit(...named, ...tls());
    expect(text).toContain(`LoadCredential=tls-key:${directory.path}/edge.key\n`);
    expect(text).toMatch(/^ExecStart=.* --name edge\.example .*--tls-cert %d\/tls-cert --tls-key %d\/tls-key$/m);
    expect(text).not.toMatch(/^ExecStart=.*edge\.key/m);
    for (const missing of ["nothing.key", "."]) {
      const key = path.join(directory.path, missing);
      const { status, err } = clawhold(
        "up",
        "service",
        "--print",
        ...named,
        "--tls-cert",
        pem("edge.crt"),
        "--tls-key",
        key,
      );
      expect([status, err]).toEqual([4, expect.stringContaining(`There is no file at ${path.resolve(key)}, `)]);
    }
  });

  it("is not printed with options that contradict each other", () => {
    expect(clawhold("up", "service").status).toBe(2);
    expect(clawhold("up", "service", "--print", "--install").status).toBe(2);
    expect(clawhold("up", "service", "--print", "--data", "/x").status).toBe(2);
    expect(clawhold("up", "service", "--print", "--name", "edge.example").status).toBe(2);
    expect(clawhold("up", "service", "--print", "--bind", "wg0", "--name", "edge").err).toContain("--name takes");
  });
});

/** systemd's quoting, as far as our unit uses it. */
function commandOf(text: string): readonly string[] {
  const [, line = ""] = /^ExecStart=(.*)$/m.exec(text) ?? [];
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) =>
    (quoted?.replaceAll(/\\(.)/g, "$1") ?? plain ?? "").replaceAll("%%", "%").replaceAll("$$", "$"),
  );
}

function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return "only root can take another user's place";
  if (spawnSync("/usr/bin/unshare", ["--mount", "/bin/true"]).status !== 0) return "no mount namespaces here";
  for (let at = entry; at !== "/"; at = path.dirname(at))
    if ((statSync(at).mode & 0o005) === 0) return `${at} is not for other users`;
  return undefined;
}

describe.skipIf(whyNot() !== undefined)("the unit's command line, as a user without anything", () => {
  const state = path.join(directory.path, "state");
  const notify = path.join(directory.path, "notify");
  const notified: string[] = [];
  const said: string[] = [];
  let service: ChildProcess;
  let listener: ChildProcess | undefined;

  beforeAll(async () => {
    mkdirSync(path.join(state, "clawhold-edge"), { recursive: true, mode: 0o700 });
    spawnSync("/bin/chown", ["-R", `${UID}:${UID}`, state]);
    const text = unit(...options);
    if (existsSync(PYTHON)) listener = await listenForNotifications(notify, (line) => notified.push(line));
    service = startRestricted(commandOf(text), { state, notify, text });
    for (const stream of [service.stdout, service.stderr])
      if (stream !== null) createInterface({ input: stream }).on("line", (line) => said.push(line));
    await until(() => said.some((line) => line.includes("There is no workspace yet")));
  });
  afterAll(async () => {
    const ended = new Promise((resolve) => service.once("exit", resolve));
    service.kill("SIGTERM");
    await ended;
    listener?.kill("SIGKILL");
  });

  it("serves the dashboard", async () => {
    const url = /Dashboard +(http:\S+)/.exec(said.join("\n"))?.[1] ?? "";
    const { port, host } = new URL(url);
    const answer = spawnSync("/usr/bin/curl", ["-sS", "-H", `Host: ${host}`, `http://127.0.0.1:${port}/`], {
      encoding: "utf8",
    });
    expect(answer.stdout).toMatch(/^<!doctype html>/i);
  });

  it("runs as that user, with no capability, and so does its runtime", () => {
    const pids = childrenOf(service.pid ?? 0);
    expect(pids.length).toBeGreaterThanOrEqual(1);
    for (const pid of [service.pid ?? 0, ...pids]) {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      expect(status).toMatch(new RegExp(`^Uid:\\s+${UID}\\s+${UID}\\s+${UID}\\s+${UID}$`, "m"));
      expect(status).toMatch(/^CapEff:\s+0+$/m);
      expect(status).toMatch(/^CapBnd:\s+0+$/m);
      expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
      if (canFilter) expect(status).toMatch(/^Seccomp:\s+2$/m);
    }
  });

  it("says no secret, and gives a link to whoever may open its directory", () => {
    const shown = clawhold("up", "link", "--data", path.join(state, "clawhold-edge"), "--json");
    expect(shown.status).toBe(0);
    expect(JSON.parse(shown.out)).toMatchObject({ event: "setup", url: expect.stringMatching(/\/setup#seed=/) });
    expect(said.join("\n")).not.toContain("seed=");
    expect(clawhold("up", "link", "--data", directory.path).status).toBe(3);
  });

  it("looks again when it is told to, goes on serving, and opens no debugger", async () => {
    const log = path.join(state, "clawhold-edge", "log", "edge.log");
    const reloads = (): number => readFileSync(log, "utf8").split(" info reloaded ").length - 1;
    for (const [index, signal] of (["SIGHUP", "SIGUSR1"] as const).entries()) {
      service.kill(signal);
      await until(() => reloads() === index + 1);
    }
    expect(said.join("\n")).not.toContain("Debugger");
    expect(service.exitCode).toBeNull();
  });

  it("is backed up by root while it runs, and leaves its files its own", () => {
    const data = path.join(state, "clawhold-edge");
    const { status, err } = clawhold("up", "backup", path.join(directory.path, "kept"), "--data", data);
    expect([status, err]).toEqual([0, ""]);
    const owners = spawnSync("/usr/bin/find", [data, "!", "-uid", String(UID)], { encoding: "utf8" });
    expect(owners.stdout).toBe("");
  });

  it.skipIf(!existsSync(PYTHON))("tells systemd that it serves, and that it lives", async () => {
    await until(() => notified.includes("READY=1") && notified.includes("WATCHDOG=1"));
  });
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
}

/**
 * What systemd would do with the unit, as far as it can be done without it: a read-only machine, one writable directory, a
 * user without anything and, where the numbers of system calls are known here, the unit's own filter of them.
 */
function startRestricted(
  command: readonly string[],
  { state, notify, text }: { readonly state: string; readonly notify: string; readonly text: string },
): ChildProcess {
  const calls = canFilter ? allowedCalls(text) : [];
  const filter = canFilter ? `${PYTHON} ${FILTER}` : "";
  const script = [
    "set -e",
    `mount --bind "$1" ${STATE}`,
    "mount -o remount,bind,ro /",
    `mount --bind ${STATE} ${STATE}`,
    "mount -t tmpfs tmpfs /home",
    "shift",
    `exec /usr/bin/setpriv --reuid "$0" --regid "$0" --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all -- ${filter} "$@"`,
  ].join("\n");
  const child = spawn("/usr/bin/unshare", ["--mount", "/bin/sh", "-c", script, String(UID), state, ...command], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { PATH: "/usr/bin:/bin", NOTIFY_SOCKET: notify, WATCHDOG_USEC: "300000" },
  });
  child.stdin.end(calls.join("\n"));
  return child;
}

/** Of the unit's lines in their order; systemd itself knows which calls are in a group. */
function allowedCalls(text: string): readonly string[] {
  const allowed = new Set(callsOf("@default"));
  for (const [, not, groups = ""] of text.matchAll(/^SystemCallFilter=(~?)(.*)$/gm)) {
    for (const call of groups.split(" ").flatMap(callsOf)) {
      if (not === "~") allowed.delete(call);
      else allowed.add(call);
    }
  }
  return [...allowed];
}

function callsOf(group: string): readonly string[] {
  if (!group.startsWith("@")) return [group];
  const { stdout } = spawnSync(ANALYZE, ["syscall-filter", group], { encoding: "utf8" });
  const lines = stdout.split("\n").slice(1);
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .flatMap(callsOf);
}

async function listenForNotifications(socket: string, heard: (line: string) => void): Promise<ChildProcess> {
  const script = [
    "import os, socket, sys",
    "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)",
    "s.bind(sys.argv[1]); os.chmod(sys.argv[1], 0o777); print('bound', flush=True)",
    "while True:",
    "  data, fds, flags, _ = socket.recv_fds(s, 4096, 8)",
    "  [os.close(fd) for fd in fds]", // systemd-notify waits until its end of a pipe is closed
    "  print(data.decode(), flush=True)",
  ].join("\n");
  const child = spawn(PYTHON, ["-c", script, socket], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const bound = new Promise<void>((resolve) => lines.once("line", () => resolve()));
  lines.on("line", heard);
  await bound;
  return child;
}

function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
}
