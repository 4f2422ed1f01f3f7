/**
 * Where a gateway lives on this machine, as far as acting on its process and its file goes. Derived from what a person
 * said at joining and from the environment, never from what the gateway claims: a path that it names is not opened.
 */
import { dirname, join } from "node:path";
import type { GatewayReference } from "../state.ts";
import { configurationPath } from "./discover.ts";
import type { DiscoverOptions } from "./discover.ts";

export interface GatewayPlace {
  readonly kind: "local" | "demo";
  /** The file that the gateway reads; it may be another user's. */
  readonly configPath: string;
  /** Demo: holds the shared token, and beside it what the supervisor is told. */
  readonly tokenFile: string | undefined;
}

export function placeOf(
  gateway: Exclude<GatewayReference, { readonly kind: "none" }>,
  options: Pick<DiscoverOptions, "environment" | "homeDirectory">,
): GatewayPlace {
  if (gateway.kind === "local") return { kind: "local", configPath: configurationPath(options), tokenFile: undefined };
  const configPath = join(dirname(gateway.tokenFile), "state", "openclaw.json");
  return { kind: "demo", configPath, tokenFile: gateway.tokenFile };
}
