/** Which gateways are found, on machines that are recorded: running ones, configured ones, other users', those in containers. */
import { describe, expect, it } from "vitest";
import { findGateways } from "../../../../../../agent/host/posture/collectors/gateway/find.ts";
import { fastCollector } from "../../../../../../agent/host/posture/collectors/gateway/fast.ts";
import { GatewayError } from "../../../../../../agent/host/gateway/faults.ts";
import { recordedMachine, type Recorded } from "../../recorded-machine.ts";

const PASSWD = `root:x:0:0::/root:/bin/bash
alice:x:1000:1000::/home/alice:/bin/bash
bob:x:1001:1001::/home/bob:/bin/bash
`;

interface Process {
  readonly uid: number;
  readonly name?: string;
  readonly environment?: string;
  readonly spaces?: string;
}

function machineWith(processes: Readonly<Record<string, Process>>, files: Recorded["files"] = {}, isRoot = true) {
  const proc = Object.entries(processes).flatMap(
    ([pid, { uid, name = "openclaw-gatewa", environment, spaces = pid }]) => [
      [`/proc/${pid}/comm`, `${name}\n`],
      [`/proc/${pid}/status`, `Name:\tx\nUid:\t${String(uid)}\t${String(uid)}\nNSpid:\t${spaces}\n`],
      ...(environment === undefined ? [] : [[`/proc/${pid}/environ`, environment]]),
    ],
  );
  return recordedMachine({
    isRoot,
    files: { "/etc/passwd": PASSWD, ...(Object.fromEntries(proc) as Record<string, string>), ...files },
  });
}

const socket = (port: number, uid: number) => ({
  address: "127.0.0.1",
  port,
  loopback: true,
  uid,
  inode: String(port),
});
const config = (port: number, uid: number) => ({ text: `{gateway: {port: ${String(port)}}}`, uid, mode: 0o600 });
const told = async (...given: Parameters<typeof findGateways>) =>
  (await findGateways(...given)).gateways.map(({ name, port, configuration, process }) => [
    name,
    port,
    configuration,
    process?.pid,
  ]);

describe("gateways of a machine", () => {
  it("are those that run and those that are only configured, each once", async () => {
    const machine = machineWith(
      { "7": { uid: 1_000, environment: "HOME=/home/alice\0" }, "8": { uid: 1_000, name: "node" } },
      {
        "/home/alice/.openclaw/openclaw.json": config(18_789, 1_000),
        "/home/bob/.openclaw-work/openclaw.json": config(19_001, 1_001),
        "/home/bob/.openclawed/openclaw.json": config(1, 1_001),
      },
    );
    expect(await told(machine, [socket(18_789, 1_000)])).toEqual([
      ["alice", 18_789, "ok", 7],
      ["bob", 19_001, "ok", undefined],
    ]);
  });
  it("are not where one was moved away from: a directory of root's without any rights", async () => {
    const files = {
      "/home/alice/.openclaw/openclaw.json": config(18_789, 1_000),
      "/home/openclaw/.openclaw/openclaw.json": config(18_789, 999),
    };
    const machine = machineWith(
      {},
      { ...files, "/etc/passwd": `${PASSWD}openclaw:x:999:999::/home/openclaw:/bin/false\n` },
    );
    const left = (mode: number, uid: number) => ({
      ...machine,
      look: async (path: string) => {
        const facts = await machine.look(path);
        return path === "/home/alice/.openclaw" && facts !== undefined ? { ...facts, mode, uid } : facts;
      },
    });
    const names = async (one: typeof machine) => (await told(one, [])).map(([name]) => name);
    expect(await names(left(0, 0))).toEqual(["openclaw"]);
    expect(await names(left(0o700, 0))).toEqual(["alice", "openclaw"]);
    // Its owner can open it again.
    expect(await names(left(0, 1_000))).toEqual(["alice", "openclaw"]);
  });
  it("of one user are told apart by their directories", async () => {
    const machine = machineWith(
      {},
      {
        "/root/.openclaw/openclaw.json": config(1, 0),
        "/root/.openclaw-two/openclaw.json": config(2, 0),
      },
    );
    expect((await told(machine, [])).map(([name]) => name)).toEqual([
      "root, /root/.openclaw",
      "root, /root/.openclaw-two",
    ]);
  });
  it("are where the process says, by its own environment, and listen where it does", async () => {
    const machine = machineWith(
      {
        "7": {
          uid: 1_000,
          environment: "HOME=/home/alice\0OPENCLAW_STATE_DIR=/srv/claw\0OPENCLAW_GATEWAY_TOKEN=t0ken\0",
        },
      },
      { "/srv/claw/openclaw.json": { text: "{}", uid: 1_000, mode: 0o600 } },
    );
    const { gateways } = await findGateways(machine, [socket(4_000, 1_000)]);
    expect(gateways).toHaveLength(1);
    expect(gateways[0]).toMatchObject({ directory: "/srv/claw", port: 4_000, secret: { source: "environment" } });
  });
  it("take no secret from a file of somebody else's that they call theirs", async () => {
    const refers = { text: '{"gateway":{"auth":{"token":"${BOBS}"}}}', uid: 1_000, mode: 0o600 };
    const environment = "OPENCLAW_CONFIG_PATH=/home/alice/a.json\0OPENCLAW_STATE_DIR=/home/bob/.openclaw\0";
    const found = async (uid: number) => {
      const files = {
        "/home/alice/a.json": refers,
        "/home/bob/.openclaw/.env": { text: "BOBS=the-secret-of-bob\n", uid, mode: 0o600 },
      };
      const { gateways } = await findGateways(machineWith({ "7": { uid: 1_000, environment } }, files), []);
      return gateways.map(({ secret }) => [secret.source, secret.credential?.reveal()]);
    };
    expect(await found(1_001)).toEqual([["reference", undefined]]);
    expect(await found(0)).toEqual([["reference", undefined]]);
    expect(await found(1_000)).toEqual([["environment", "the-secret-of-bob"]]);
  });
  it("in containers are counted, and not looked into", async () => {
    const found = await findGateways(machineWith({ "7": { uid: 999, spaces: "7\t12" } }), []);
    expect([found.gateways, found.contained]).toEqual([[], [7]]);
  });
  it("that are not there are none, and root knows", async () => {
    expect(await findGateways(machineWith({}), [])).toMatchObject({ gateways: [], contained: [] });
  });
});

describe("facts of gateways", () => {
  const refuse = () => Promise.reject(new GatewayError("unreachable"));
  const collect = (machine: ReturnType<typeof recordedMachine>) =>
    fastCollector(refuse).collect({ machine, soFar: {}, directory: undefined });
  const tables = { "/proc/net/tcp": "  sl\n", "/proc/net/tcp6": "  sl\n" };

  it("have a gap for a gateway in a container, whatever else is there", async () => {
    const facts = await collect(
      machineWith(
        { "7": { uid: 999, spaces: "7\t12" } },
        { ...tables, "/home/bob/.openclaw/openclaw.json": config(1, 1_001) },
      ),
    );
    expect(facts["gateway.settings"]).toMatchObject({ kind: "known", gap: { why: "contained" } });
    expect(facts["gateway.applied"]).toMatchObject({ kind: "unknown", why: "gateway_down" });
  });
  it("have a gap for more gateways than are looked at", async () => {
    const processes = Object.fromEntries(
      Array.from({ length: 20 }, (_, at) => [
        String(100 + at),
        { uid: 1_000, environment: `OPENCLAW_STATE_DIR=/fake/${String(at)}\0` },
      ]),
    );
    const facts = await collect(
      machineWith(processes, { ...tables, "/home/bob/.openclaw/openclaw.json": config(1, 1_001) }),
    );
    expect(facts["gateway.found"]).toMatchObject({
      gap: { why: "not_visible", source: "5 more gateways than are looked at" },
    });
  });
  it("are unknown to a user who may not look into others' homes, and never 'none'", async () => {
    const machine = {
      ...machineWith({}, tables, false),
      look: () =>
        Promise.resolve({
          kind: "directory",
          uid: 0,
          gid: 0,
          mode: 0o700,
          size: 0,
          modified: 0,
          device: 1,
          inode: 1,
        } as const),
      list: (path: string) => Promise.resolve(path === "/proc" ? [] : undefined),
    };
    const facts = await collect(machine);
    expect(facts["gateway.found"]).toMatchObject({ kind: "unknown", why: "not_root" });
  });
  it("of another user's running gateway are closed to whoever is not root", async () => {
    const facts = await collect(machineWith({ "7": { uid: 1_001 } }, tables, false));
    expect(facts["gateway.settings"]).toMatchObject({ kind: "unknown", why: "not_root" });
  });
  it("call a list of advisories that is half a year old what it is", async () => {
    const machine = machineWith({}, tables);
    const later = { ...machine, now: () => Date.parse("2027-02-10") / 1_000 };
    expect((await collect(machine))["advisories.known"]).not.toHaveProperty("gap");
    expect((await collect(later))["advisories.known"]).toMatchObject({ kind: "known", gap: { why: "list_old" } });
  });
  it("are none on root's machine without one", async () => {
    expect(await collect(machineWith({}, tables))).toMatchObject({ "gateway.found": { kind: "known", value: [] } });
  });
  it("are unknown where the kernel shows no sockets", async () => {
    expect(await collect(machineWith({}))).toMatchObject({ "gateway.found": { kind: "unknown", why: "failed" } });
  });
});
