/** Who may talk to the gateway: devices, pairings, channels; and what it loads: plugins and skills. */
import * as v from "valibot";
import { tag } from "../fields.ts";
import { one, type Operation } from "./operation.ts";

/** From strict to open. */
export const channelPolicies = ["disabled", "allowlist", "pairing", "open"] as const;
export type ChannelPolicy = (typeof channelPolicies)[number];

/** A person's address on a channel (a number, a handle): sealed. */
const sender = v.strictObject({ sender: v.pipe(v.string(), v.minLength(1), v.maxLength(200)) });

const extensions = v.strictObject({ subject: tag, kind: v.picklist(["plugin", "skill"]) });

export const accessOperations = {
  "device.revoke@1": {
    class: "daily",
    permission: "gateway.operate",
    args: one,
    alwaysOnePerson: true,
    expects: [],
  },
  "device.rotate@1": {
    class: "critical",
    permission: "gateway.configure",
    args: one,
    expects: ["subject"],
  },
  /** Of a device or of a sender on a channel. `subject` in what is expected: the request as it was shown. */
  "pairing.approve@1": {
    class: "critical",
    permission: "channel.manage",
    args: v.strictObject({ subject: tag, kind: v.picklist(["device", "sender"]) }),
    expects: ["subject"],
  },
  "pairing.deny@1": {
    class: "daily",
    permission: "gateway.operate",
    args: v.strictObject({ subject: tag, kind: v.picklist(["device", "sender"]) }),
    alwaysOnePerson: true,
    expects: [],
  },
  /** The host refuses it when the policy would be more open than the present one. */
  "channel.tighten@1": {
    class: "daily",
    permission: "gateway.operate",
    args: v.strictObject({ subject: tag, policy: v.picklist(["disabled", "allowlist", "pairing"]) }),
    alwaysOnePerson: true,
    expects: [],
  },
  "channel.loosen@1": {
    class: "critical",
    permission: "channel.manage",
    args: v.strictObject({ subject: tag, policy: v.picklist(["allowlist", "pairing", "open"]) }),
    expects: ["subject"],
  },
  "channel.allow@1": {
    class: "critical",
    permission: "channel.manage",
    args: one,
    sealed: sender,
    expects: ["subject"],
  },
  "channel.disallow@1": {
    class: "daily",
    permission: "gateway.operate",
    /** `sender`: the host's short name for the entry of the list. */
    args: v.strictObject({ subject: tag, sender: tag }),
    alwaysOnePerson: true,
    expects: [],
  },
  "plugin.enable@1": {
    class: "critical",
    permission: "gateway.configure",
    args: extensions,
    expects: ["subject"],
  },
  "plugin.disable@1": {
    class: "daily",
    permission: "gateway.operate",
    args: extensions,
    alwaysOnePerson: true,
    expects: [],
  },
} as const satisfies Record<string, Operation>;
