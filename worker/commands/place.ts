/** One command on one host, as an address names them: refused before any object is woken for a made-up name. */
import * as v from "valibot";
import { findHost } from "../../durable-objects/db/host-rows.ts";
import { digest as digestSchema, id } from "../../protocol/fields.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { Deps } from "../deps.ts";
import { problem } from "../http/problems.ts";

export interface CommandPlace {
  readonly workspace: string;
  readonly host: string;
  readonly intent: string;
}

/** @throws {ProblemError} */
export async function requireCommandPlace(
  trust: TrustState,
  { intent, host }: Readonly<Record<string, string>>,
  deps: Deps,
): Promise<CommandPlace> {
  const { workspace } = trust;
  if (!v.is(digestSchema, intent)) throw problem("command_unknown");
  if (!v.is(id, host)) throw problem("host_unknown");
  // An admitted host is no made-up name; only of another one the database knows whether it ever joined.
  if (!trust.hosts.has(host) && (await findHost(deps.db, workspace, host)) === undefined) throw problem("host_unknown");
  return { workspace, host, intent };
}
