/**
 * What programs that we did not write think of a server, before and after it is hardened:
 * `node --no-warnings test/lab/judges.ts [bookworm|trixie]`, some minutes, as root. Prints a table for docs/HARDENING.md.
 */
import { readFile } from "node:fs/promises";
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import { ensure, LYNIS, NMAP, SSH_AUDIT } from "../tasks/debian.ts";
import { GATEWAY_PORT, GATEWAY_UNIT, gatewayShown, startGateway } from "./gateway.ts";
import { harden } from "./harden.ts";
import { Machine } from "./machine.ts";
import { Mender } from "./mender.ts";
import { ADDRESS, Network } from "./network.ts";
import { Outside } from "./outside.ts";
import { RELEASES } from "./root-file-system.ts";

const LYNIS_SECONDS = 900;
const UNITS = ["ssh.service", "fail2ban.service", GATEWAY_UNIT];

interface Verdict {
  readonly judge: string;
  readonly said: string;
}

const release = RELEASES.find((one) => process.argv.includes(one)) ?? "bookworm";
const missing = [LYNIS, NMAP, SSH_AUDIT].map(ensure).find((reason) => reason !== undefined);
if (missing !== undefined) throw new Error(missing);
const closers: Closers = [];
try {
  await compare();
} finally {
  await closeAll(closers);
}

async function compare(): Promise<void> {
  const network = new Network();
  closers.push(() => network.close());
  const machine = await Machine.started({ network, release, shown: await gatewayShown() });
  closers.push(() => machine.remove());
  await startGateway(machine);
  const before = await verdicts(machine, new Outside(network, "attacker"));
  const port = await harden(machine, await Mender.on(machine), new Outside(network, "admin"));
  show(before, await verdicts(machine, new Outside(network, "attacker"), port));
}

function show(before: readonly Verdict[], after: readonly Verdict[]): void {
  console.log(`| Debian ${release} | before | after |\n| --- | --- | --- |`);
  for (const [index, { judge, said }] of before.entries()) {
    console.log(`| ${judge} | ${said} | ${after[index]?.said ?? ""} |`);
  }
}

/** One after another: the processors are shared, and one of them says how long it took. */
async function verdicts(machine: Machine, attacker: Outside, sshPort = 22): Promise<readonly Verdict[]> {
  const all = [await nmap(attacker, sshPort), await sshAudit(attacker, sshPort)];
  for (const unit of UNITS) all.push(await analysed(machine, unit));
  return [...all, await lynis(machine)];
}

async function nmap(attacker: Outside, sshPort: number): Promise<Verdict> {
  const ports = `1-1024,8080,${String(GATEWAY_PORT)},${String(sshPort)}`;
  const argv = ["/usr/bin/nmap", "-Pn", "-n", "-p", ports, "--max-retries", "1", "-oG", "-", ADDRESS.host];
  const { stdout } = await attacker.run(argv);
  const open = [...stdout.matchAll(/(\d+)\/open\/tcp/g)].map(([, port]) => port);
  const ignored = /Ignored State: (\w+) \((\d+)\)/.exec(stdout);
  const rest = ignored === null ? "" : `, ${ignored[2] ?? ""} ${ignored[1] ?? ""}`;
  return { judge: `\`nmap -Pn -p ${ports.replace(/,\d+$/, "")}\``, said: `open: ${open.join(", ") || "none"}${rest}` };
}

async function sshAudit(attacker: Outside, port: number): Promise<Verdict> {
  const { stdout, code } = await attacker.run(["/usr/bin/ssh-audit", "-n", "-p", String(port), ADDRESS.host]);
  const count = (word: string): number => stdout.split(`[${word}]`).length - 1;
  const said = `${String(count("fail"))} fail, ${String(count("warn"))} warn, exit ${String(code)}`;
  return { judge: "`ssh-audit`", said };
}

async function analysed(machine: Machine, unit: string): Promise<Verdict> {
  const { stdout } = await machine.run(["/usr/bin/systemd-analyze", "security", "--no-pager", unit]);
  const score = /Overall exposure level for .*: ([\d.]+)/.exec(stdout)?.[1] ?? "not loaded";
  return { judge: `\`systemd-analyze security ${unit}\``, said: score };
}

/** Debian's Lynis of this machine, put on the server: shell scripts. */
async function lynis(machine: Machine): Promise<Verdict> {
  for (const directory of ["/usr/share/lynis", "/etc/lynis"]) await machine.copyIn(directory, directory);
  const started = performance.now();
  const audit = ["./lynis", "audit", "system", "--quick", "--no-colors", "--quiet"];
  const inside = ["/usr/bin/env", "--chdir=/usr/share/lynis", "/bin/sh", ...audit];
  await machine.write("/usr/share/lynis/lynis", await readFile(LYNIS.path), "0755");
  await machine.run(inside, { timeoutSeconds: LYNIS_SECONDS });
  const seconds = (performance.now() - started) / 1_000;
  const report = await machine.read("/var/log/lynis-report.dat");
  const index = /^hardening_index=(\d+)$/m.exec(report)?.[1] ?? "none";
  const tests = /^tests_executed=(.*)$/m.exec(report)?.[1]?.split("|").filter(Boolean).length ?? 0;
  const warnings = report.split("\n").filter((line) => line.startsWith("warning[]=")).length;
  const said = `index ${index}, ${String(warnings)} warnings, ${String(tests)} tests, ${seconds.toFixed(0)} s`;
  return { judge: "`lynis audit system --quick`", said };
}
