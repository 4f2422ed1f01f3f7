/**
 * The lists of networks and the bans that stand, and changing them by a touch. A list that would turn away the very request
 * that sets it is refused before the touch is spent, except from the edge's own machine, which no list turns away.
 */
import { edgeSeconds } from "../../durable-objects/clock.ts";
import type { NetworkStanding } from "../../durable-objects/limits.ts";
import type { NetworkChange, Networks } from "../../protocol/contracts/networks.ts";
import { MAX_NETWORKS } from "../../protocol/limits.ts";
import { requireEdgeAction } from "../access/edge-action.ts";
import { mayEnter, placeOf } from "../http/networks.ts";
import { problem } from "../http/problems.ts";
import type { Call, Handler } from "../mount.ts";

export const networks: Handler<"networks"> = async (call) => ({ body: await describe(call) });

export const networksChange: Handler<"networksChange"> = async (call) => {
  const { authority, body, arrival, deps } = call;
  const { workspace } = authority;
  const { change } = body;
  const limits = deps.limits(workspace);
  requireSensible(change, await limits.standing(workspace), call);
  await requireEdgeAction(authority, body, {
    rule: { endpoint: "networksChange", permission: "workspace.administer" },
    deps,
    arrival,
  });
  await record(call, change);
  if ((await limits.change(workspace, change)) === "full") throw problem("networks_many");
  deps.networks.forget();
  deps.refusals.forget();
  return { body: await describe(call) };
};

/** Before the touch is judged and spent: a mistake should not cost a second one. */
function requireSensible(change: NetworkChange, { lists, bans }: NetworkStanding, { arrival }: Call<"networksChange">) {
  if (change.setting === "addressUnban") {
    if (!bans.some(({ network }) => network === change.network)) throw problem("network_unknown");
    return;
  }
  const list = lists[change.list];
  const isKnown = list.includes(change.network);
  if (change.setting === "networkRemove" && !isKnown) throw problem("network_unknown");
  if (change.setting === "networkAdd" && isKnown) throw problem("network_known");
  if (change.setting === "networkAdd" && list.length >= MAX_NETWORKS) throw problem("networks_many");
  const without = list.filter((network) => network !== change.network);
  const after = { ...lists, [change.list]: change.setting === "networkAdd" ? [...list, change.network] : without };
  if (!mayEnter(after, placeOf(arrival.sourceIp))) throw problem("network_locks_out");
}

async function record({ authority, arrival, deps }: Call<"networksChange">, change: NetworkChange): Promise<void> {
  const { workspace, person, session } = authority;
  const { sourceIp } = arrival;
  const isUnban = change.setting === "addressUnban";
  await deps.ledger(workspace)({
    actor: { kind: "person", id: person },
    action: isUnban ? "address.unbanned" : "setting.changed",
    detail: { ...(isUnban ? {} : { setting: change.setting }), session },
    ...(sourceIp === undefined ? {} : { sourceIp }),
  });
}

async function describe({ authority, arrival, deps }: Call<"networks"> | Call<"networksChange">): Promise<Networks> {
  const { lists, bans } = await deps.limits(authority.workspace).standing(authority.workspace);
  const { network, address, isLocal } = placeOf(arrival.sourceIp);
  return {
    lists: {
      allow: [...lists.allow],
      deny: [...lists.deny],
      spared: [...lists.spared],
      "deny-hosts": [...lists["deny-hosts"]],
    },
    bans: bans.map((ban) => ({ ...ban })),
    ...(address === undefined ? {} : { you: network }),
    isLocal,
    isOff: deps.networks.isOff,
    now: edgeSeconds(),
  };
}
