/** Devices, pairings, channels, plugins: who may talk to the gateway, and what it loads. */
import type { GatewayOrder, Performed } from "../control-interface.ts";
import { stringOf } from "./acting.ts";
import { allowSender, disallowSender, loosenChannel, tightenChannel } from "./channels.ts";
import { approveDevice, denyDevice, revokeDevice, rotateDevice } from "./devices.ts";
import { switchExtension } from "./extensions.ts";
import type { GatewayImplementation, GatewayTools } from "./implementation.ts";
import { approveSender, denySender } from "./senders.ts";
import {
  channelNamed,
  deviceNamed,
  deviceRequestNamed,
  extensionNamed,
  senderRequestNamed,
  subjectOf,
} from "./things.ts";

const isDevice = ({ kind }: Readonly<Record<string, unknown>>): boolean => kind === "device";

const device = subjectOf(["operator.admin"], (acting, args) => deviceNamed(acting, stringOf(args, "subject")));
const channel = subjectOf(["operator.read"], (acting, args) => channelNamed(acting, stringOf(args, "subject")));
const request = subjectOf(["operator.admin"], (acting, args) =>
  isDevice(args)
    ? deviceRequestNamed(acting, stringOf(args, "subject"))
    : senderRequestNamed(acting, stringOf(args, "subject")),
);
const extension = subjectOf(["operator.read"], (acting, args) =>
  extensionNamed(acting, args["kind"] === "plugin" ? "plugin" : "skill", stringOf(args, "subject")),
);

function approve(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  return isDevice(order.args) ? approveDevice(order, tools) : approveSender(order, tools);
}

function deny(order: GatewayOrder, tools: GatewayTools): Promise<Performed> {
  return isDevice(order.args) ? denyDevice(order, tools) : denySender(order, tools);
}

export const accessRows = {
  "device.revoke@1": { perform: revokeDevice },
  "device.rotate@1": { subject: device, perform: rotateDevice },
  "pairing.approve@1": { subject: request, perform: approve },
  "pairing.deny@1": { perform: deny },
  "channel.tighten@1": { perform: tightenChannel },
  "channel.loosen@1": { subject: channel, perform: loosenChannel },
  "channel.allow@1": { subject: channel, perform: allowSender },
  "channel.disallow@1": { perform: disallowSender },
  "plugin.enable@1": { subject: extension, perform: switchExtension(true) },
  "plugin.disable@1": { perform: switchExtension(false) },
} as const satisfies Record<string, GatewayImplementation>;
