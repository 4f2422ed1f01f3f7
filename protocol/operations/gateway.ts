/** The gateway as a whole: its process, its reach, its shared secret. */
import * as v from "valibot";
import { noArguments, type Operation } from "./operation.ts";

export const gatewayOperations = {
  "gateway.restart@1": {
    class: "daily",
    permission: "gateway.operate",
    args: noArguments,
    expects: ["gatewayBoot"],
  },
  "gateway.stop@1": {
    class: "daily",
    permission: "gateway.operate",
    args: noArguments,
    alwaysOnePerson: true,
    urgent: true,
    expects: ["gatewayBoot"],
  },
  "gateway.start@1": {
    class: "daily",
    permission: "gateway.operate",
    args: noArguments,
    alwaysOnePerson: true,
    expects: [],
  },
  /** One person is always enough, for one host or a fleet, from any page. */
  "gateway.kill@1": {
    class: "daily",
    permission: "gateway.operate",
    args: noArguments,
    alwaysOnePerson: true,
    urgent: true,
    expects: [],
  },
  /** `subject`: the digest of the previewed changes (read `gateway.lockdown@1`), so that what was shown is what is done. */
  "gateway.lockdown@1": {
    class: "daily",
    permission: "gateway.operate",
    args: noArguments,
    alwaysOnePerson: true,
    expects: ["subject"],
  },
  "gateway.bind-loopback@1": {
    class: "daily",
    permission: "gateway.operate",
    args: noArguments,
    alwaysOnePerson: true,
    expects: [],
  },
  "gateway-token.rotate@1": {
    class: "daily",
    permission: "gateway.operate",
    args: noArguments,
    expects: [],
  },
  "host.check@1": {
    class: "daily",
    permission: "gateway.operate",
    args: noArguments,
    expects: [],
  },
  /** The critical path can be practised before it is needed: the signer, the second person, the automation key. */
  "host.drill@1": {
    class: "critical",
    permission: "gateway.configure",
    args: v.strictObject({ scenario: v.picklist(["lost-device", "edge-taken-over", "second-person"]) }),
    expects: [],
  },
} as const satisfies Record<string, Operation>;
