/** A server is hardened as its owner does it: one profile, signed after a look at the plan, proven by signing in on the new port. */
import type { Machine } from "./machine.ts";
import type { Mender } from "./mender.ts";
import { ADDRESS } from "./network.ts";
import type { Outside } from "./outside.ts";
import { OWNER } from "./root-file-system.ts";

/** Of the sign-in to what closes behind it. */
const PATIENCE_MILLISECONDS = 90_000;
const LOOK_MILLISECONDS = 500;

/** The standard profile, SSH's port included; the admin's address is never banned. Resolves to SSH's new port. */
export async function harden(machine: Machine, mender: Mender, admin: Outside): Promise<number> {
  const options = { admins: [ADDRESS.admin], sshUsers: [OWNER] };
  const answer = await mender.apply({
    kind: "profile",
    profile: { profile: "standard", movePort: true, options },
  });
  if (answer.kind !== "fix") throw new Error(`not hardened: ${JSON.stringify(answer)}\n${mender.said}`);
  const port = await sshPort(machine);
  const { code, stderr } = await admin.sshLogin({ user: OWNER, port }, machine.ownerKey);
  if (code !== 0) throw new Error(`the owner cannot sign in on port ${String(port)}: ${stderr}`);
  await proven(mender, answer.fix.fix);
  return port;
}

/** What was open beside the new way closes behind who signed in. */
async function proven(mender: Mender, fix: string): Promise<void> {
  const until = performance.now() + PATIENCE_MILLISECONDS;
  for (;;) {
    const now = (await mender.fixes()).find((one) => one.fix === fix);
    if (now?.state === "applied") return;
    if (now?.state !== "armed" || performance.now() > until)
      throw new Error(`after the sign-in ${JSON.stringify(now)}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
  }
}

/** The one beside 22. */
async function sshPort(machine: Machine): Promise<number> {
  const effective = await machine.must(["/usr/sbin/sshd", "-T"]);
  const ports = [...effective.matchAll(/^port (\d+)$/gm)].map(([, port]) => Number(port));
  return ports.find((port) => port !== 22) ?? 22;
}
