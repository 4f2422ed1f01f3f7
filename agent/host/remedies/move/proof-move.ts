/** How a move is proven: the gateway is ready, it is the new user's, and the former user is shut out of both places. */
import { gatewayProcesses } from "../../gateway/gateway-process.ts";
import { says, type Hands } from "../hands.ts";
import { accountsOf } from "../survey-gateway.ts";

const READY_MILLISECONDS = 3_000;
const ROOT_USER = "root";

export async function answersAs(
  hands: Hands,
  { port, user }: { readonly port: number; readonly user: string },
): Promise<string | undefined> {
  const account = accountsOf(hands.disk.text("/etc/passwd") ?? "").find(({ name }) => name === user);
  const processes = await gatewayProcesses(port, undefined);
  if (processes.length === 0) return `the gateway does not answer on port ${String(port)}`;
  if (account === undefined || processes.some(({ uid }) => uid !== account.uid))
    return `the gateway on port ${String(port)} does not run as ${user}`;
  return (await isReady(port)) ? undefined : `the gateway on port ${String(port)} is not ready`;
}

async function isReady(port: number): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(READY_MILLISECONDS);
    const { ok } = await fetch(`http://127.0.0.1:${String(port)}/readyz`, { redirect: "error", signal });
    return ok;
  } catch {
    return false; // not yet; the proof is waited for
  }
}

export async function isOpenTo(
  hands: Hands,
  { user, path }: { readonly user: string; readonly path: string },
): Promise<string | undefined> {
  if (user === ROOT_USER) return undefined;
  for (const way of ["-r", "-x", "-w"])
    if (await says(hands, ["runuser", "-u", user, "--", "test", way, path])) return `${user} still reaches ${path}`;
  return undefined;
}
