/** What a gateway's move refuses, and what it carries over: the parts that need no server. The move itself is in test/lab. */
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { looking } from "../../../../agent/host/posture/inside.ts";
import { zoneLine, zonesIn } from "../../../../agent/host/posture/collectors/network/zones.ts";
import { copyState, CopyError } from "../../../../agent/host/remedies/move/copy-state.ts";
import { carriedNames, environmentText } from "../../../../agent/host/remedies/move/environment.ts";
import { commandOf, formerOf } from "../../../../agent/host/remedies/move/former-service.ts";
import { Records } from "../../../../agent/host/remedies/record.ts";
import { rollbackAll } from "../../../../agent/host/remedies/verbs.ts";
import { isRoot, ok, StandIn } from "./stand-in.ts";

let host: StandIn;

beforeEach(() => {
  host = new StandIn();
  host.write("/etc/passwd", "root:x:0:0::/root:/bin/bash\ndeploy:x:1000:1000::/home/deploy:/bin/bash\n");
  host.write("/usr/bin/node", "");
  host.write("/usr/lib/node_modules/openclaw/openclaw.mjs", "");
  host.write("/home/deploy/openclaw.mjs", "");
  host.write("/proc/700/status", "Name:\topenclaw-gatewa\nPPid:\t1\nNSpid:\t700\n");
  symlinkSync("/usr/bin/node", path.join(host.root, "proc/700/exe"));
});
afterEach(() => host.remove());

const USER_GROUP = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/openclaw-gateway.service\n";

describe("who runs the gateway", () => {
  it("is a service of a user's own manager", async () => {
    host.write("/proc/700/cgroup", USER_GROUP);
    const own = { user: "deploy", uid: 1000, gid: 1000 };
    expect(await formerOf(host.hands, { pid: 700, uid: 1000 })).toEqual({
      kind: "user",
      unit: "openclaw-gateway.service",
      ...own,
    });
  });
  it.each([
    { what: "a terminal", group: "0::/user.slice/user-1000.slice/session-3.scope\n", code: "gateway_by_hand" },
    { what: "another user's manager", group: USER_GROUP.replaceAll("1000", "1001"), code: "gateway_by_hand" },
    {
      what: "a container's name",
      group: "0::/system.slice/docker-0123456789ab.scope\n",
      code: "gateway_in_container",
    },
    { what: "processes of its own", group: USER_GROUP, status: "NSpid:\t700\t7\n", code: "gateway_in_container" },
  ])("is nobody that can be moved: $what", async ({ group, status, code }) => {
    host.write("/proc/700/cgroup", group);
    if (status !== undefined) host.write("/proc/700/status", status);
    expect(await formerOf(host.hands, { pid: 700, uid: 1000 })).toMatchObject({ code });
  });
});

describe.runIf(isRoot)("the command of the new service", () => {
  const former = { kind: "user", unit: "openclaw-gateway.service", user: "deploy", uid: 1000, gid: 1000 } as const;
  const commandFor = (argv: string) => {
    host.program = ([program]) =>
      program === "runuser" ? ok(`ExecStart={ path=/x ; argv[]=${argv} ; ignore_errors=no ; }`) : undefined;
    return commandOf(host.hands, former, 700);
  };
  const ENTRY = "/usr/lib/node_modules/openclaw/openclaw.mjs";

  it("is Node as it runs, and the same words", async () => {
    expect(await commandFor(`/usr/bin/node --no-warnings ${ENTRY} gateway --port 18789`)).toEqual([
      "/usr/bin/node",
      "--no-warnings",
      ENTRY,
      "gateway",
      "--port",
      "18789",
    ]);
  });
  it("is of paths without links, whatever the former one was called by", async () => {
    mkdirSync(path.join(host.root, "usr/local/bin"), { recursive: true });
    symlinkSync("../../lib/node_modules/openclaw/openclaw.mjs", path.join(host.root, "usr/local/bin/openclaw"));
    expect(await commandFor("/usr/local/bin/openclaw gateway")).toEqual(["/usr/bin/node", ENTRY, "gateway"]);
  });
  it.each([
    ["a shell", `/bin/sh -c ${ENTRY}`, "command_not_plain"],
    ["what systemd would expand", `/usr/bin/node ${ENTRY} $MORE`, "command_not_plain"],
    ["another program", "/usr/bin/python3 /srv/gateway.py", "command_not_plain"],
    ["code that Node loads first", `/usr/bin/node --import=/srv/deploy/x.mjs ${ENTRY} gateway`, "command_not_plain"],
    ["a debugger", `/usr/bin/node --inspect=0.0.0.0:9229 ${ENTRY} gateway`, "command_not_plain"],
    ["a secret", `/usr/bin/node ${ENTRY} gateway --token=abc`, "secret_in_command"],
    ["a program that is not there", "/usr/bin/node /srv/openclaw.mjs gateway", "program_of_user"],
  ])("is none for %s", async (_, argv, code) => {
    expect(await commandFor(argv)).toMatchObject({ code });
  });
  it("is none for what runs by another program than Node", async () => {
    host.write("/usr/bin/python3", "");
    rmSync(path.join(host.root, "proc/700/exe"));
    symlinkSync("/usr/bin/python3", path.join(host.root, "proc/700/exe"));
    expect(await commandFor(`/usr/bin/node ${ENTRY} gateway`)).toMatchObject({ code: "program_of_user" });
  });
  it("is none where others than root could change it", async () => {
    chownSync(path.join(host.root, "home/deploy/openclaw.mjs"), 1000, 1000);
    expect(await commandFor("/usr/bin/node /home/deploy/openclaw.mjs gateway")).toMatchObject({
      code: "program_of_user",
    });
  });
});

describe("what the process was given", () => {
  it("is carried by name, but for what is its session's or would load code", () => {
    const environment = {
      ANTHROPIC_API_KEY: "k",
      HOME: "/home/deploy",
      LD_PRELOAD: "/tmp/x.so",
      NODE_OPTIONS: "--require /tmp/x.js",
      OPENCLAW_STATE_DIR: "/x",
      OPENCLAW_SYSTEMD_UNIT: "y",
      XDG_RUNTIME_DIR: "/run/user/1000",
      TZ: "Europe/Vienna",
    };
    expect(carriedNames(environment)).toEqual(["ANTHROPIC_API_KEY", "TZ"]);
  });
  it.each([
    "OPENSSL_CONF",
    "LD_AUDIT",
    "GCONV_PATH",
    "BASH_ENV",
    "PYTHONPATH",
    "GIT_CONFIG_KEY_0",
    "npm_config_node_options",
  ])("is not what leads to code of the former user's: %s", (name) =>
    expect(carriedNames({ [name]: "/srv/deploy/x" })).toEqual([]),
  );
  it.each(["LDAP_URL", "NODE_EXTRA_CA_CERTS", "OPENSSL_NAME", "GITHUB_TOKEN", "PYTHONIC_KEY"])("is %s", (name) =>
    expect(carriedNames({ [name]: "x" })).toEqual([name]),
  );
  it("cannot end its own quotes", () => {
    expect(environmentText({ A: 'x" \\ $HOME `id`' })).toBe('A="x\\" \\\\ \\$HOME \\`id\\`"\n');
  });
});

describe.runIf(isRoot)("a copy of a state directory", () => {
  let place: string;
  beforeEach(() => {
    place = mkdtempSync(path.join(tmpdir(), "clawhold-copy-"));
    for (const name of ["from", "to"]) mkdirSync(path.join(place, name), { mode: 0o777 });
  });
  afterEach(() => rmSync(place, { recursive: true }));

  it("keeps links as links, and takes the rights of others away", async () => {
    writeFileSync(path.join(place, "from/openclaw.json"), "{}", { mode: 0o664 });
    symlinkSync("/etc/shadow", path.join(place, "from/shadow"));
    const as = { uid: 0, gid: 0 };
    await copyState({ from: `${place}/from`, to: `${place}/to`, reader: as, writer: as, milliseconds: 20_000 });
    expect(readFileSync(path.join(place, "to/openclaw.json"), "utf8")).toBe("{}");
    expect(statSync(path.join(place, "to/openclaw.json")).mode & 0o777).toBe(0o600);
    expect(readlinkSync(path.join(place, "to/shadow"))).toBe("/etc/shadow");
  });
  it("fails where the former user could not have read it", async () => {
    chmodSync(place, 0o755);
    writeFileSync(path.join(place, "from/secret"), "root's", { mode: 0o600 });
    const nobody = { uid: 65_534, gid: 65_534 };
    const copying = copyState({
      from: `${place}/from`,
      to: `${place}/to`,
      reader: nobody,
      writer: nobody,
      milliseconds: 20_000,
    });
    await expect(copying).rejects.toThrow(CopyError);
  });
});

it("a moved gateway stays where it is when Clawhold is taken away, and nothing of ours is left", async () => {
  const dropIn = "/etc/systemd/system/clawhold-warden.service.d/zz-clawhold-gateway-home.conf";
  host.write(dropIn, "x");
  new Records(host.directory).save({
    v: 1,
    fix: "fix-0123456789abcdef",
    checks: ["usr.dedicated"],
    state: "applied",
    at: host.now,
    author: "p-1",
    plan: "A".repeat(43),
    touched: [{ path: dropIn, before: { kind: "absent" } }],
    deeds: [],
    effects: [{ name: "gateway-move", of: "{}", before: "" }],
    holder: { pid: 1, began: "0" },
    rules: "",
  });
  expect(await rollbackAll(host.options)).toEqual([]);
  expect(await host.states()).toEqual(["applied"]);
  expect(host.disk.state(path.dirname(dropIn)).kind).toBe("absent");
});

it("a home with nothing in it but the gateway's own state shows nothing of anybody", async () => {
  const parent = path.join(host.root, "own-parent");
  mkdirSync(parent);
  const inside = path.join(parent, ".openclaw");
  mkdirSync(inside);
  await expect(looking(parent, inside)).rejects.toThrow("nothing to see");
  writeFileSync(path.join(parent, "letter"), "");
  await expect(looking(parent, inside)).resolves.toBeUndefined();
});

it("a zone's line is read as it was written, and nothing else is one", () => {
  const zones = [
    { interface: "eth0", role: "dmz", lets: ["tcp/443", "tcp/80"] },
    { interface: "eth1.100", role: "internal", lets: [] },
    { interface: "wg0", role: "management", lets: undefined },
  ] as const;
  expect(zonesIn(zones.map(zoneLine).join("\n"))).toEqual(zones);
  expect(zonesIn("# zone eth0 boss tcp/1\n  # zone eth0 dmz\n")).toEqual([]);
});
