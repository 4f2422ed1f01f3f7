/**
 * Whether this machine enforces what a service asks for. Some directives are accepted and scored where the kernel, or a container
 * around it, ignores them without a word. So each that a gateway's service sets is set on a service of a moment, from a
 * fixed template, in which the thing that it forbids is tried.
 */
import { createServer, type Server } from "node:net";
import * as v from "valibot";
import type { Machine } from "../../machine.ts";
import type { ProcessRow } from "./processes.ts";
import type { UnitRow } from "./units.ts";

export interface EnforcementRow {
  readonly unit: string;
  /** Directives that it sets and that were looked at. */
  readonly asked: readonly string[];
  /** What was seen to have no effect, in a sentence each. */
  readonly ignored: readonly string[];
  /** Directives that could not be tried, and why. */
  readonly untried: readonly string[];
}

/** An ordinary user: root may pass where others may not. */
const PROBE_USER = "nobody";
const PROBE_SECONDS = 10;
const outcomeSchema = v.object({ outcome: v.string() });

/** Directives that the kernel enforces by programs that systemd loads into it. */
const LOADED = ["IPAddressDeny", "SocketBindDeny", "RestrictNetworkInterfaces", "RestrictFileSystems"] as const;
type Loaded = (typeof LOADED)[number];

export function isSet({ properties }: UnitRow, name: string): boolean {
  const value = properties[name] ?? "";
  return value !== "" && value !== "no" && value !== "~";
}

export async function enforcementOf(
  machine: Machine,
  { unit, process }: { readonly unit: UnitRow; readonly process: ProcessRow | undefined },
): Promise<EnforcementRow> {
  const asked: string[] = [];
  const ignored: string[] = [];
  const untried: string[] = [];
  for (const name of LOADED.filter((one) => isSet(unit, one))) {
    asked.push(name);
    if (unit.scope === "user") {
      ignored.push(`${name}= in a service of a user is not enforced: only the system's manager may load it`);
      continue;
    }
    const verdict = await tried(machine, name);
    if (verdict.kind === "ignored") ignored.push(verdict.sentence);
    else if (verdict.kind === "untried") untried.push(`${name}: ${verdict.why}`);
  }
  if (process !== undefined) {
    const runtime = ofProcess(unit, process);
    asked.push(...runtime.asked);
    ignored.push(...runtime.ignored);
  }
  return { unit: unit.name, asked, ignored, untried };
}

/** What the running process would show if it were so. */
function ofProcess(
  unit: UnitRow,
  process: ProcessRow,
): { readonly asked: readonly string[]; readonly ignored: readonly string[] } {
  const marks = [
    { name: "NoNewPrivileges", holds: process.noNewPrivileges, but: "its process may gain rights" },
    { name: "SystemCallFilter", holds: process.seccomp, but: "no filter is on its process" },
    { name: "ProtectSystem", holds: process.isMountedApart, but: "its process sees the machine's own file system" },
    { name: "ProtectHome", holds: process.isMountedApart, but: "its process sees the machine's own file system" },
  ].filter(({ name }) => isSet(unit, name));
  return {
    asked: marks.map(({ name }) => name),
    ignored: marks.filter(({ holds }) => !holds).map(({ name, but }) => `${name}= is set, and ${but}`),
  };
}

type Verdict =
  | { readonly kind: "enforced" }
  | { readonly kind: "ignored"; readonly sentence: string }
  | { readonly kind: "untried"; readonly why: string };

async function tried(machine: Machine, name: Loaded): Promise<Verdict> {
  switch (name) {
    case "SocketBindDeny": {
      const outcome = await inTemplate(machine, ["SocketBindDeny=any"], ["bind"]);
      return verdictOf(
        outcome,
        "open",
        "SocketBindDeny= is set, and a port that it forbids could be listened on: this system ignores it",
      );
    }
    case "IPAddressDeny":
      return withServer(async (port) => {
        const outcome = await inTemplate(machine, ["IPAddressDeny=any"], ["tcp", "127.0.0.1", String(port)]);
        return verdictOf(
          outcome,
          "open",
          "IPAddressDeny= is set, and an address that it forbids was reached: this system ignores it",
        );
      });
    case "RestrictNetworkInterfaces":
      return withServer(async (port) => {
        const outcome = await inTemplate(
          machine,
          ["RestrictNetworkInterfaces=~lo"],
          ["tcp", "127.0.0.1", String(port)],
        );
        return verdictOf(
          outcome,
          "open",
          "RestrictNetworkInterfaces= is set, and an interface that it forbids was used: this system ignores it",
        );
      });
    case "RestrictFileSystems":
      return fileSystems(machine);
  }
}

function verdictOf(outcome: string | undefined, reached: string, sentence: string): Verdict {
  if (outcome === undefined) return { kind: "untried", why: "no service could be started to try it in" };
  return outcome === reached ? { kind: "ignored", sentence } : { kind: "enforced" };
}

/** Forbidding a whole file system would keep the probe itself from starting: the kernel's word is taken. */
async function fileSystems(machine: Machine): Promise<Verdict> {
  const modules = await machine.read("/sys/kernel/security/lsm");
  const version = await machine.run(["systemctl", "--version"]);
  if (modules.kind !== "text" || version.kind !== "ran")
    return { kind: "untried", why: "the kernel does not say which modules it has" };
  const isLoaded = modules.text.split(",").includes("bpf") && version.stdout.includes("+BPF_FRAMEWORK");
  const sentence = "RestrictFileSystems= is set, and this system has no BPF framework to enforce it with";
  return isLoaded ? { kind: "enforced" } : { kind: "ignored", sentence };
}

/** True where `SocketBindDeny=` can be had: without it no service can be kept from listening. */
export async function isBindingEnforceable(machine: Machine): Promise<boolean | undefined> {
  const version = await machine.run(["systemctl", "--version"]);
  return version.kind === "ran" ? version.stdout.includes("+BPF_FRAMEWORK") : undefined;
}

async function inTemplate(
  machine: Machine,
  properties: readonly string[],
  what: readonly string[],
): Promise<string | undefined> {
  const argv = [...transient([`User=${PROBE_USER}`, ...properties]), ...machine.self, "try", ...what];
  const ran = await machine.run(argv, { milliseconds: (PROBE_SECONDS + 5) * 1_000 });
  if (ran.kind !== "ran" || ran.exit !== 0) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(ran.stdout);
  } catch {
    return undefined;
  }
  const parsed = v.safeParse(outcomeSchema, value);
  return parsed.success ? parsed.output.outcome : undefined;
}

/** A service that is gone as soon as it ends, and that ends. */
export function transient(properties: readonly string[]): readonly string[] {
  const always = ["Type=exec", `RuntimeMaxSec=${String(PROBE_SECONDS)}`, "Description=Clawhold probe"];
  const options = ["--quiet", "--pipe", "--wait", "--collect", "--no-ask-password"];
  return ["systemd-run", ...options, ...[...always, ...properties].map((one) => `--property=${one}`), "--"];
}

/** A door on loopback that answers, for as long as something is tried on it. */
async function withServer<T>(use: (port: number) => Promise<T>): Promise<T> {
  const server = createServer((socket) => socket.destroy());
  const port = await listening(server);
  try {
    return await use(port);
  } finally {
    server.close();
  }
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}
