/** By which rates a signed-in person's call is counted: everybody's, administrators' instead of it, and the endpoint's own. */
import type { SessionAllowance } from "../../durable-objects/sessions.ts";
import { edgeSeconds } from "../../durable-objects/clock.ts";
import type { EndpointName } from "../../protocol/contracts.ts";
import { endpointRates, rates as table, type RateName } from "../../protocol/rates.ts";
import type { NamedRate } from "../../durable-objects/session-rates.ts";
import { hasPermission, type TrustState } from "../../protocol/trust/state.ts";
import type { StrangerRates } from "../http/rates.ts";

const MINUTE_SECONDS = 60;

interface Known {
  readonly administrators: readonly string[];
  readonly until: number;
}

/** By verified state; gone with it. Who administers changes with the log, and with the end of a grant to the minute. */
const administratorsOfState = new WeakMap<TrustState, Known>();

export function administratorsOf(trust: TrustState): readonly string[] {
  const now = edgeSeconds();
  const known = administratorsOfState.get(trust);
  if (known !== undefined && now < known.until) return known.administrators;
  const wanted = { permission: "workspace.administer", now } as const;
  const administrators = [...trust.people.keys()].filter((person) => hasPermission(trust, person, wanted));
  administratorsOfState.set(trust, { administrators, until: now + MINUTE_SECONDS });
  return administrators;
}

export function allowanceFor(
  name: EndpointName,
  { trust, rates }: { readonly trust: TrustState | undefined; readonly rates: StrangerRates },
): SessionAllowance {
  const own = endpointRates[name];
  const apart: NamedRate = { name: own, rate: rates.rate(own) };
  if (isApart(own)) return { everybody: apart, administrator: apart, administrators: [] };
  return {
    everybody: { name: "authenticated", rate: rates.rate("authenticated") },
    administrator: { name: "administrator", rate: rates.rate("administrator") },
    administrators: trust === undefined ? [] : administratorsOf(trust),
    ...(own === "authenticated" ? {} : { own: apart }),
  };
}

function isApart(name: RateName): boolean {
  return "isApart" in table[name];
}
