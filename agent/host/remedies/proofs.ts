/**
 * How a change is proven before it may stay: not by the files that it wrote, but by what answers. A proof that fails takes
 * everything back at once.
 */
import { tryTcp } from "../posture/linux-tries.ts";
import { kernelValue } from "./effects.ts";
import { outputOf, says, type Hands } from "./hands.ts";
import { provenOutside, sshMethods } from "./knock.ts";
import { answersAs, isOpenTo } from "./move/proof-move.ts";

export type Proof =
  /** What sshd makes of its settings for this user from this address. */
  | {
      readonly kind: "sshd-says";
      readonly user: string;
      readonly from: string;
      readonly settings: Readonly<Record<string, string>>;
    }
  /** It answers on each of these ports, on loopback and on the machine's own address, and would take a key. */
  | { readonly kind: "ssh-answers"; readonly ports: readonly number[]; readonly silent: readonly number[] }
  /** Seen from another network namespace, through the firewall: these answer, others get no answer. */
  | { readonly kind: "outside"; readonly ssh: readonly number[]; readonly isClosed: boolean }
  | { readonly kind: "rules"; readonly table: string }
  /** The rules in the kernel are those that were approved. */
  | { readonly kind: "approved"; readonly digest: string }
  | { readonly kind: "jail"; readonly jail: string }
  | { readonly kind: "service"; readonly unit: string }
  | { readonly kind: "enabled"; readonly unit: string }
  | { readonly kind: "gateway"; readonly port: number }
  /** It answers on loopback, and nobody but this user listens there. */
  | { readonly kind: "gateway-as"; readonly port: number; readonly user: string }
  /** This user can neither list nor enter it; root can always. */
  | { readonly kind: "closed-to"; readonly user: string; readonly path: string }
  | { readonly kind: "sysctl"; readonly values: string }
  | { readonly kind: "no-sudo"; readonly user: string }
  | { readonly kind: "locked"; readonly user: string };

/** A gateway takes its time to load. */
const FACTORS: Readonly<Partial<Record<Proof["kind"], number>>> = { gateway: 2, "gateway-as": 8 };
const PAUSE_MILLISECONDS = 250;

/** The first proof that does not hold, in a sentence; undefined when all do. */
export async function firstFailure(hands: Hands, proofs: readonly Proof[]): Promise<string | undefined> {
  for (const proof of proofs) {
    const milliseconds = hands.patienceMilliseconds * (FACTORS[proof.kind] ?? 1);
    const failure = await patiently(() => failureOf(hands, proof), milliseconds);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

async function patiently(look: () => Promise<string | undefined>, milliseconds: number): Promise<string | undefined> {
  const end = performance.now() + milliseconds;
  for (;;) {
    const failure = await look();
    if (failure === undefined || performance.now() > end) return failure;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
  }
}

function failureOf(hands: Hands, proof: Proof): Promise<string | undefined> {
  switch (proof.kind) {
    case "sshd-says":
      return sshdSays(hands, proof);
    case "ssh-answers":
      return sshAnswers(hands, proof);
    case "outside":
      return provenOutside(hands, proof);
    case "sysctl":
      return Promise.resolve(sysctls(hands, proof.values));
    case "gateway":
      return gatewayAnswers(proof.port);
    case "approved":
      return approved(hands, proof.digest);
    case "gateway-as":
      return answersAs(hands, proof);
    default:
      return simple(hands, proof);
  }
}

type Simple = Exclude<
  Proof,
  { readonly kind: "sshd-says" | "ssh-answers" | "outside" | "sysctl" | "gateway" | "gateway-as" | "approved" }
>;

async function simple(hands: Hands, proof: Simple): Promise<string | undefined> {
  switch (proof.kind) {
    case "rules":
      return (await says(hands, ["nft", "list", "table", "inet", proof.table]))
        ? undefined
        : `the kernel has no table ${proof.table}`;
    case "jail":
      return (await says(hands, ["fail2ban-client", "status", proof.jail]))
        ? undefined
        : `fail2ban does not run the jail ${proof.jail}`;
    case "service":
      return (await says(hands, ["systemctl", "is-active", "-q", proof.unit]))
        ? undefined
        : `${proof.unit} is not active`;
    case "enabled":
      return (await says(hands, ["systemctl", "is-enabled", "-q", proof.unit]))
        ? undefined
        : `${proof.unit} does not start with the machine`;
    case "no-sudo":
      return /may run the following/.test(await outputOf(hands, ["sudo", "-n", "-l", "-U", proof.user]))
        ? `${proof.user} may still run programs as somebody else`
        : undefined;
    case "closed-to":
      return isOpenTo(hands, proof);
    case "locked":
      return /^\S+ (?:L|LK) /.test(await outputOf(hands, ["passwd", "-S", proof.user]))
        ? undefined
        : `the password of ${proof.user} is not locked`;
  }
}

export async function sshdSays(
  hands: Hands,
  { user, from, settings }: Extract<Proof, { readonly kind: "sshd-says" }>,
): Promise<string | undefined> {
  const text = await outputOf(hands, ["sshd", "-T", "-C", `user=${user},host=${from},addr=${from}`]);
  const found = new Map(text.split("\n").map((line) => [line.split(" ")[0] ?? "", line.slice(line.indexOf(" ") + 1)]));
  for (const [key, value] of Object.entries(settings)) {
    const actual = found.get(key);
    // A keyword that this version does not have cannot be wrong.
    if (actual !== undefined && actual !== value) return `${key} is ${actual} for ${user} from ${from}, not ${value}`;
  }
  return found.size < 2 ? "sshd does not tell its settings" : undefined;
}

async function sshAnswers(
  hands: Hands,
  { ports, silent }: Extract<Proof, { readonly kind: "ssh-answers" }>,
): Promise<string | undefined> {
  const addresses = ["127.0.0.1", ...hands.addresses().slice(0, 2)];
  for (const address of addresses) {
    for (const port of ports) {
      const methods = await sshMethods(hands, { address, port });
      if (!Array.isArray(methods)) return `SSH on ${address} port ${String(port)}: ${String(methods)}`;
      if (!methods.includes("publickey")) return `SSH on ${address} port ${String(port)} takes no key`;
    }
    for (const port of silent) {
      if (Array.isArray(await sshMethods(hands, { address, port }))) return `SSH still answers on port ${String(port)}`;
    }
  }
  return undefined;
}

async function approved(hands: Hands, digest: string): Promise<string | undefined> {
  return (await hands.rulesDigest()) === digest
    ? undefined
    : "the rules in the kernel are not those that were approved";
}

async function gatewayAnswers(port: number): Promise<string | undefined> {
  const { outcome } = await tryTcp("127.0.0.1", port);
  return outcome === "open" ? undefined : `the gateway does not answer on port ${String(port)}`;
}

function sysctls(hands: Hands, values: string): string | undefined {
  for (const pair of values.split(" ").filter(Boolean)) {
    const [key = "", value] = pair.split("=");
    const now = kernelValue(hands, key);
    if (now !== undefined && now !== value) return `${key} is ${now}, not ${String(value)}`;
  }
  return undefined;
}
