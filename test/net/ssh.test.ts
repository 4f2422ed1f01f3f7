/**
 * SSH alone: the edge listens on loopback, sshd is all that answers on the cable, and both the dashboard and an agent
 * come through it. Needs root.
 */
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensure, namespaces, SSH, SSHD } from "../tasks/debian.ts";
import { HeadlessOperator } from "../e2e/operator.ts";
import { Program } from "./chaos/program.ts";
import { answering, Doorway, inNamespace, listeners, makeMachines, namespaceOf, UNDERLAY } from "./machines.ts";
import { clawhold } from "./product.ts";
import { until } from "./vpn-software.ts";

const missing = namespaces() ?? [SSH, SSHD].map(ensure).find(Boolean);
const SSH_PORT = 22_022;

describe.skipIf(missing !== undefined)("an edge behind sshd", () => {
  const closers: Closers = [];
  const edgeSpace = namespaceOf("edge");
  const hostSpace = namespaceOf("host");
  let directory: string;
  let up: Program;
  let doorway: Doorway;
  let agentPort: number;
  let operator: HeadlessOperator;

  beforeAll(async () => {
    const machines = makeMachines();
    closers.push(() => machines.remove());
    directory = mkdtempSync(path.join(tmpdir(), "clawhold-ssh-"));
    closers.push(() => rmSync(directory, { recursive: true, force: true }));
    makeKeys(directory);
    for (const namespace of [edgeSpace, hostSpace]) closers.push(await startSshd(namespace, directory));
    // The person sits at the other machine: a browser there asks that machine's own loopback.
    doorway = await Doorway.open();
    closers.push(() => doorway.close());
    agentPort = doorway.port === 65_535 ? doorway.port - 1 : doorway.port + 1;
    const ports = ["--port", String(doorway.port), "--agent-port", String(agentPort)];
    up = clawhold(
      { namespace: edgeSpace, directory: path.join(directory, "edge") },
      "up",
      ...ports,
      "--gateway",
      "none",
    );
    closers.push(() => up.end());
    await up.mustSay((said) => said["event"] === "setup");
    // ssh -L from the person's machine for the dashboard; ssh -R from the edge's machine for the agent there.
    const dashboard = `${doorway.port}:127.0.0.1:${doorway.port}`;
    const agents = `${agentPort}:127.0.0.1:${agentPort}`;
    closers.push(tunnel(hostSpace, directory, ["-L", dashboard, UNDERLAY.edge]));
    closers.push(tunnel(edgeSpace, directory, ["-R", agents, UNDERLAY.host]));
    await until(() => listeners(hostSpace).filter((place) => place.startsWith("127.0.0.1:")).length === 2);
    await doorway.into(hostSpace, path.join(directory, "door.sock"));
    operator = await HeadlessOperator.create(doorway.port);
    closers.push(() => operator.close());
  });

  afterAll(() => closeAll(closers));

  it("serves the dashboard through the tunnel to a browser that keeps its name, and to no other name", () => {
    const ask = (host: string): string => {
      const script = `const { get } = await import("node:http");
        get({ host: "127.0.0.1", port: ${doorway.port}, path: "/", headers: { host: ${JSON.stringify(host)} } },
          (answer) => { answer.resume(); console.log(answer.statusCode); });`;
      return inNamespace(hostSpace, process.execPath, "--input-type=module", "-e", script).trim();
    };
    expect(ask(`clawhold.localhost:${doorway.port}`)).toBe("200");
    expect(ask(`127.0.0.1:${doorway.port}`)).toBe("421");
  });

  it("sets up a workspace and commands a host, both through SSH alone", async () => {
    const setup = await up.mustSay((said) => said["event"] === "setup");
    await operator.setUp(new URLSearchParams(new URL(String(setup["url"])).hash.slice(1)).get("seed") ?? "");
    await operator.admitFirstHost();
    const inviting = clawhold({ namespace: edgeSpace, directory: path.join(directory, "edge") }, "host", "invite");
    const { joinFile } = await inviting.mustSay((said) => said["event"] === "invite");
    const there = { namespace: hostSpace, directory: path.join(directory, "host") };
    const joining = clawhold(there, "join", "--gateway", "none");
    joining.give(String(joinFile));
    const host = String((await joining.mustSay((said) => said["event"] === "joined"))["host"]);
    await joining.exited;
    const agent = clawhold(there, "host", "run");
    closers.push(() => agent.end("SIGKILL"));
    await operator.admitFirstHost(host);
    await agent.mustSay((said) => said["event"] === "admitted");
    const sent = await operator.build("host.check@1", host);
    await operator.submit(sent);
    expect((await operator.ended(sent, host)).state).toBe("receipted");
  });

  it("has nothing on the cable but sshd", () => {
    const loopback = /^(?:127\.0\.0\.1|\[::1\]):/;
    expect(listeners(edgeSpace).filter((place) => !loopback.test(place))).toEqual([`0.0.0.0:${SSH_PORT}`]);
    const ports = listeners(edgeSpace).map((place) => Number(place.split(":").at(-1)));
    expect(answering(hostSpace, UNDERLAY.edge, [...new Set(ports)])).toEqual([SSH_PORT]);
    expect(answering(edgeSpace, UNDERLAY.host, [doorway.port, agentPort])).toEqual([]);
  });
});

function makeKeys(directory: string): void {
  const keygen = (name: string): string =>
    inNamespace(undefined, "/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path.join(directory, name));
  keygen("host_key");
  keygen("user_key");
  const known = readFileSync(path.join(directory, "host_key.pub"), "utf8").split(" ").slice(0, 2).join(" ");
  const places = Object.values(UNDERLAY).map((address) => `[${address}]:${SSH_PORT} ${known}\n`);
  writeFileSync(path.join(directory, "known_hosts"), places.join(""));
  writeFileSync(path.join(directory, "authorized_keys"), readFileSync(path.join(directory, "user_key.pub")));
  chmodSync(path.join(directory, "authorized_keys"), 0o600);
}

async function startSshd(namespace: string, directory: string): Promise<() => Promise<void>> {
  mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  const options = {
    ListenAddress: `0.0.0.0:${SSH_PORT}`,
    HostKey: path.join(directory, "host_key"),
    AuthorizedKeysFile: path.join(directory, "authorized_keys"),
    PidFile: "none",
    UsePAM: "no",
    // The directory lies below /tmp, which everybody may write.
    StrictModes: "no",
    PasswordAuthentication: "no",
    PermitRootLogin: "prohibit-password",
    AllowTcpForwarding: "yes",
  };
  const words = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  const sshd = new Program({
    namespace,
    program: "/usr/sbin/sshd",
    parameters: ["-D", "-e", "-f", "/dev/null", ...words],
  });
  await until(() => listeners(namespace).includes(`0.0.0.0:${SSH_PORT}`));
  return () => sshd.end();
}

function tunnel(namespace: string, directory: string, words: readonly string[]): () => Promise<void> {
  const options = {
    Port: String(SSH_PORT),
    IdentityFile: path.join(directory, "user_key"),
    IdentitiesOnly: "yes",
    UserKnownHostsFile: path.join(directory, "known_hosts"),
    ExitOnForwardFailure: "yes",
    BatchMode: "yes",
  };
  const chosen = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  const ssh = new Program({
    namespace,
    program: "/usr/bin/ssh",
    parameters: ["-N", "-F", "/dev/null", ...chosen, ...words],
    environment: { HOME: directory },
  });
  return () => ssh.end();
}
