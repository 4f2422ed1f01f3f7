/**
 * What a request meets before any route: is the deployment configured as somebody meant it, does this network reach this
 * door, does Access vouch for it. Looks at nothing that a client could have said about itself.
 */
import type { Door } from "./doors.ts";
import type { Deps } from "./deps.ts";
import { sourceAddress } from "./http/arrival.ts";
import { placeOf } from "./http/networks.ts";
import { problem } from "./http/problems.ts";
import { answerProblem } from "./mount.ts";

/** Undefined: it may go on. The admin door is a socket of this machine, and is not asked. */
export async function refusedAt(
  door: Exclude<Door, "admin">,
  request: Request,
  deps: Deps,
): Promise<Response | undefined> {
  try {
    if (deps.access?.isSound === false) throw problem("access_misconfigured");
    if (!deps.rates.isSound) throw problem("rates_misconfigured");
    await deps.networks.requireEntry(door, placeOf(sourceAddress(request)));
    if (door === "web") await deps.access?.require(request);
    return undefined;
  } catch (error) {
    return answerProblem(error);
  }
}
