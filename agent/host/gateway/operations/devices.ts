/**
 * Devices paired with the gateway and those that ask. A paired device of ours may act on other devices only with
 * administrator scope: the gateway takes narrower ones for its own device alone. Tokens that the gateway hands out are
 * never looked at.
 */
import type { GatewayOrder, Performed } from "../control-interface.ts";
import { GatewayError } from "../faults.ts";
import { field } from "../wire.ts";
import { act, mustBeAsShown, Refusal, stringOf, type Acting } from "./acting.ts";
import { executed, failed, type GatewayTools } from "./implementation.ts";
import { mustKnowVersion } from "./known.ts";
import { deviceNamed, deviceRequestNamed, ownDevices, type Thing } from "./things.ts";

/** A device has a token for each role; nobody has seen more than two. */
const MAX_TOKENS = 16;

async function foreignDevice(acting: Acting, order: GatewayOrder): Promise<Thing | undefined> {
  const device = await deviceNamed(acting, stringOf(order.args, "subject"));
  if (device !== undefined && ownDevices(acting.tools).has(device.id)) throw new Refusal("own_device");
  return device;
}

export function revokeDevice(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  return act(tools, ["operator.admin"], async (acting) => {
    const device = await foreignDevice(acting, order);
    if (device === undefined) return executed({ changed: 0 });
    // Tokens first: should the removal fail, the device is locked out all the same.
    for (const { role } of liveTokens(device.row)) await revokeToken(acting, device.id, role);
    await acting.tell("device.pair.remove", { deviceId: device.id });
    const isGone = await acting.becomes(async () => (await deviceNamed(acting, device.tag)) === undefined);
    return isGone ? executed({ changed: 1 }) : failed("not_seen");
  });
}

async function revokeToken(acting: Acting, deviceId: string, role: string): Promise<void> {
  try {
    await acting.tell("device.token.revoke", { deviceId, role });
  } catch (error) {
    // A token that is already gone must not keep the pairing alive; whether it is gone is looked at in the end.
    if (!(error instanceof GatewayError) || error.fault !== "refused") throw error;
    acting.tools.log("gateway_token_not_revoked", { code: error.code });
  }
}

function liveTokens(row: unknown): readonly { readonly role: string; readonly rotatedAt: number }[] {
  const tokens = field(row, "tokens");
  if (!Array.isArray(tokens)) return [];
  return tokens.slice(0, MAX_TOKENS).flatMap((token: unknown) => {
    const role = field(token, "role");
    if (typeof role !== "string" || role.length > 64 || field(token, "revokedAtMs") !== undefined) return [];
    const rotatedAt = field(token, "rotatedAtMs");
    return [{ role, rotatedAt: typeof rotatedAt === "number" ? rotatedAt : 0 }];
  });
}

/** Each live token of the device becomes another; the new ones are for the device, which asks for them itself. */
export function rotateDevice(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  return act(tools, ["operator.admin"], async (acting) => {
    mustKnowVersion(acting);
    const device = await foreignDevice(acting, order);
    if (device === undefined) return failed("gone");
    mustBeAsShown(order, device.subject);
    const before = new Map(liveTokens(device.row).map(({ role, rotatedAt }) => [role, rotatedAt]));
    if (before.size === 0) return failed("no_token");
    for (const role of before.keys()) await acting.tell("device.token.rotate", { deviceId: device.id, role });
    const areNew = await acting.becomes(async () => {
      const now = await deviceNamed(acting, device.tag);
      const tokens = liveTokens(now?.row);
      return tokens.length > 0 && tokens.every(({ role, rotatedAt }) => rotatedAt > (before.get(role) ?? 0));
    });
    return areNew ? executed({ changed: before.size }) : failed("not_seen");
  });
}

export function approveDevice(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  return act(tools, ["operator.admin"], async (acting) => {
    mustKnowVersion(acting);
    const request = await deviceRequestNamed(acting, stringOf(order.args, "subject"));
    if (request === undefined) return failed("gone");
    mustBeAsShown(order, request.subject);
    const device = field(request.row, "deviceId");
    if (typeof device !== "string") throw new GatewayError("hostile", "REQUEST_SHAPE");
    await acting.tell("device.pair.approve", { requestId: request.id });
    let made: Thing | undefined;
    const isPaired = await acting.becomes(async () => {
      made = await deviceNamed(acting, acting.tags.tag("device", device));
      return made !== undefined && (await deviceRequestNamed(acting, request.tag)) === undefined;
    });
    return isPaired && made !== undefined ? executed({ made: made.tag, changed: 1 }) : failed("not_seen");
  });
}

export function denyDevice(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  return act(tools, ["operator.admin"], async (acting) => {
    const request = await deviceRequestNamed(acting, stringOf(order.args, "subject"));
    if (request === undefined) return executed({ changed: 0 });
    await acting.tell("device.pair.reject", { requestId: request.id });
    const isGone = await acting.becomes(async () => (await deviceRequestNamed(acting, request.tag)) === undefined);
    return isGone ? executed({ changed: 1 }) : failed("not_seen");
  });
}
