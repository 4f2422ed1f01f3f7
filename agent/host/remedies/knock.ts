/**
 * SSH asked as a stranger asks it, from this machine and from a network namespace made for the question: its packets come in over a
 * cable and through every rule that a stranger's would meet. Nobody signs in.
 */
import { outputOf, must, type Hands } from "./hands.ts";

/** Networks for documentation (RFC 5737): nobody's. */
const NEAR = "192.0.2.1";
const FAR = "192.0.2.2";
const NAMESPACE = "clawhold-knock";
const CABLE = "clawhold-kn0";
const OTHER_END = "clawhold-kn1";
/** The discard service, which nobody has. */
const UNUSED_PORT = 9;

const quiet = [
  "-Fnone",
  "-oBatchMode=yes",
  "-oStrictHostKeyChecking=no",
  "-oUserKnownHostsFile=/dev/null",
  "-oPreferredAuthentications=none",
  "-oConnectTimeout=3",
  "-oLogLevel=ERROR",
];

/** Which ways to sign in it names, or why there was no answer. */
export async function sshMethods(
  hands: Hands,
  { address, port, prefix = [] }: { address: string; port: number; prefix?: readonly string[] },
): Promise<readonly string[] | string> {
  const asked = [...prefix, "ssh", ...quiet, "-p", String(port), `root@${address}`, "true"];
  const ran = await hands.run(asked, { milliseconds: 8_000 });
  if (ran.kind !== "ran") return ran.kind;
  const offered = /Permission denied \(([a-z0-9,@.-]+)\)/.exec(ran.stderr)?.[1];
  if (offered !== undefined) return offered.split(",");
  return ran.exit === 0 ? ["none"] : (ran.stderr.trim().split("\n").at(-1) ?? "no answer").slice(-160);
}

/** @returns what does not hold */
export async function provenOutside(
  hands: Hands,
  { ssh, isClosed }: { readonly ssh: readonly number[]; readonly isClosed: boolean },
): Promise<string | undefined> {
  await removeCable(hands);
  try {
    await makeCable(hands);
    const prefix = ["ip", "netns", "exec", NAMESPACE];
    for (const port of ssh) {
      const methods = await sshMethods(hands, { address: NEAR, port, prefix });
      if (typeof methods === "string") return `from outside SSH on port ${String(port)} gives: ${methods}`;
    }
    if (!isClosed) return undefined;
    const answer = await sshMethods(hands, { address: NEAR, port: UNUSED_PORT, prefix });
    // A refusal comes from the machine itself: nothing stands before it.
    return typeof answer === "string" && /timed out|timeout/i.test(answer)
      ? undefined
      : "from outside a port that nobody listed gives an answer";
  } finally {
    await removeCable(hands);
  }
}

async function makeCable(hands: Hands): Promise<void> {
  await must(hands, ["ip", "netns", "add", NAMESPACE]);
  await must(hands, ["ip", "link", "add", CABLE, "type", "veth", "peer", "name", OTHER_END, "netns", NAMESPACE]);
  await must(hands, ["ip", "address", "add", `${NEAR}/30`, "dev", CABLE]);
  await must(hands, ["ip", "link", "set", CABLE, "up"]);
  await must(hands, ["ip", "-n", NAMESPACE, "address", "add", `${FAR}/30`, "dev", OTHER_END]);
  await must(hands, ["ip", "-n", NAMESPACE, "link", "set", OTHER_END, "up"]);
}

/** Also of one that was killed meanwhile. */
export async function removeCable(hands: Hands): Promise<void> {
  if (/^clawhold-knock\b/m.test(await outputOf(hands, ["ip", "netns", "list"])))
    await hands.run(["ip", "netns", "delete", NAMESPACE]);
  if ((await outputOf(hands, ["ip", "-o", "link", "show", "type", "veth"])).includes(CABLE))
    await hands.run(["ip", "link", "delete", CABLE]);
}
