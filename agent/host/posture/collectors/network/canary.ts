/**
 * A stranger who guesses, played for real: connections to this machine's own SSH from a network namespace with an address that is
 * nobody's (RFC 5737), which come in over a cable and through every rule. Then it is looked whether somebody saw him, and whether
 * he is shut out. Only where Clawhold is installed, in the slow lane; what it makes is gone again afterwards, the ban too.
 */
import type { Setting } from "../../collector.ts";
import { known, unknown, type Fact } from "../../fact.ts";
import type { Machine } from "../../machine.ts";

export interface Canary {
  /** An answer of sshd came at all: where only named addresses may ask, none does. */
  readonly isHeard: boolean;
  /** fail2ban counted it. Undefined: it does not run. */
  readonly isSeen: boolean | undefined;
  /** Once banned it got no answer any more. */
  readonly isShutOut: boolean | undefined;
  /** sshd itself stopped answering, after so many attempts. Undefined: not tried, because fail2ban did it. */
  readonly penalisedAfter: number | undefined;
  /** The start of fail2ban that was tried: another one may be blind. */
  readonly invocation: string;
}

const NAMESPACE = "clawhold-canary";
const CABLE = "clawhold-cn0";
const OTHER_END = "clawhold-cn1";
const NEAR = "192.0.2.65";
const FAR = "192.0.2.66";
const GUESSES = 2;
/** sshd counts a second for each visitor without a try, and shuts out from fifteen on. */
const MAX_PENALTY_GUESSES = 20;
const SIGHT_MILLISECONDS = 7_000;
const PAUSE_MILLISECONDS = 400;
export const CANARY_SOURCE = `ssh clawhold-canary@this host, from ${FAR} in a network namespace`;

/** No file of anybody's is read or written, and no way to sign in is tried. */
const quiet: readonly string[] = [
  "-F none -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o GlobalKnownHostsFile=/dev/null",
  "-o PreferredAuthentications=none -o ConnectTimeout=2 -o LogLevel=ERROR",
].flatMap((words) => words.split(" "));

export interface CanaryPlan {
  readonly port: number;
  /** Where sshd listens; undefined: everywhere. */
  readonly address: string | undefined;
  /** Undefined: fail2ban does not run, or has no jail for sshd. */
  readonly jail: string | undefined;
  readonly invocation: string;
  readonly hasPenalties: boolean;
  /** The rules in the kernel let no stranger to it. */
  readonly isShut: boolean;
}

export async function canaryFact({ machine }: Setting, plan: CanaryPlan): Promise<Fact<Canary>> {
  const at = machine.now();
  await removeCable(machine);
  try {
    if (!(await makeCable(machine))) return unknown("failed", "ip netns add, for a stranger to guess from");
    const canary = await play(machine, plan);
    if (!canary.isHeard && !plan.isShut)
      return unknown("not_visible", "sshd did not answer the stranger, and no rule says why");
    const raw = JSON.stringify(canary);
    return known(canary, { level: "probed", source: CANARY_SOURCE, at, raw, excerpt: sentenceOf(canary, plan) });
  } finally {
    await removeCable(machine);
  }
}

function sentenceOf({ isHeard, isSeen, isShutOut, penalisedAfter }: Canary, { jail }: CanaryPlan): string {
  if (!isHeard) return "sshd did not answer a stranger at all";
  const said = [
    isSeen === undefined
      ? "no jail for sshd"
      : `jail ${jail ?? ""}: the failure was ${isSeen ? "counted" : "not counted"}`,
    isShutOut === undefined ? "" : isShutOut ? "banned, it got no answer" : "banned, it was still answered",
    penalisedAfter === undefined ? "" : `sshd stopped answering after ${String(penalisedAfter)} attempts`,
  ];
  return said.filter((part) => part !== "").join("; ");
}

async function play(machine: Machine, plan: CanaryPlan): Promise<Canary> {
  const { jail, hasPenalties, invocation } = plan;
  // A service that read its log anew may have banned the canary of an earlier scan.
  if (jail !== undefined) await machine.run(["fail2ban-client", "set", jail, "unbanip", FAR]);
  const before = jail === undefined ? undefined : await failures(machine, jail);
  const guesses: boolean[] = [];
  for (let count = 0; count < GUESSES; count += 1) guesses.push(await guess(machine, plan));
  if (!guesses.includes(true))
    return { isHeard: false, isSeen: undefined, isShutOut: undefined, penalisedAfter: undefined, invocation };
  const isSeen = jail === undefined || before === undefined ? undefined : await sees(machine, jail, before);
  const isShutOut = jail === undefined || isSeen !== true ? undefined : await shutsOut(machine, plan, jail);
  const isCaught = isSeen === true && isShutOut === true;
  const penalisedAfter = !isCaught && hasPenalties ? await penalised(machine, plan) : undefined;
  return { isHeard: true, isSeen, isShutOut, penalisedAfter, invocation };
}

/** Whether sshd answered. Nobody of that name exists, and nothing is tried that could sign anybody in. */
async function guess(machine: Machine, { port, address }: CanaryPlan): Promise<boolean> {
  const asked = ["ip", "netns", "exec", NAMESPACE, "ssh", ...quiet, "-p", String(port)];
  const answer = await machine.run([...asked, `clawhold-canary@${address ?? NEAR}`, "true"], { milliseconds: 4_000 });
  return answer.kind === "ran" && answer.stderr.includes("Permission denied");
}

async function failures(machine: Machine, jail: string): Promise<number | undefined> {
  const answer = await machine.run(["fail2ban-client", "status", jail]);
  const total = /Total failed:\s*(\d+)/.exec(answer.kind === "ran" ? answer.stdout : "")?.[1];
  return total === undefined ? undefined : Number(total);
}

async function sees(machine: Machine, jail: string, before: number): Promise<boolean> {
  const end = performance.now() + SIGHT_MILLISECONDS;
  for (;;) {
    if (((await failures(machine, jail)) ?? before) > before) return true;
    if (performance.now() > end) return false;
    await pause();
  }
}

/** The service's own ban, as it would come after more guesses. */
async function shutsOut(machine: Machine, plan: CanaryPlan, jail: string): Promise<boolean> {
  await machine.run(["fail2ban-client", "set", jail, "banip", FAR]);
  try {
    for (let count = 0; count < 4; count += 1) {
      await pause(); // it bans in the background
      if (!(await guess(machine, plan))) return true;
    }
    return false;
  } finally {
    await machine.run(["fail2ban-client", "set", jail, "unbanip", FAR]);
  }
}

async function penalised(machine: Machine, plan: CanaryPlan): Promise<number | undefined> {
  for (let count = 1; count <= MAX_PENALTY_GUESSES; count += 1)
    if (!(await guess(machine, plan))) return count + GUESSES;
  return undefined;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
}

async function makeCable(machine: Machine): Promise<boolean> {
  const steps = [
    ["ip", "netns", "add", NAMESPACE],
    ["ip", "link", "add", CABLE, "type", "veth", "peer", "name", OTHER_END, "netns", NAMESPACE],
    ["ip", "address", "add", `${NEAR}/30`, "dev", CABLE],
    ["ip", "link", "set", CABLE, "up"],
    ["ip", "-n", NAMESPACE, "address", "add", `${FAR}/30`, "dev", OTHER_END],
    ["ip", "-n", NAMESPACE, "link", "set", OTHER_END, "up"],
    ["ip", "-n", NAMESPACE, "route", "add", "default", "via", NEAR],
  ];
  for (const argv of steps) {
    const answer = await machine.run(argv);
    if (answer.kind !== "ran" || answer.exit !== 0) return false;
  }
  return true;
}

/** Also of a scan that was killed. */
async function removeCable(machine: Machine): Promise<void> {
  const names = await machine.list("/run/netns");
  if (names?.includes(NAMESPACE) === true) await machine.run(["ip", "netns", "delete", NAMESPACE]);
  // The namespace takes its end along, a little later.
  if ((await machine.look(`/sys/class/net/${CABLE}`)) !== undefined) await machine.run(["ip", "link", "delete", CABLE]);
}
