/** Plugins and skills, switched on and off where they are; nothing is installed or removed here. */
import type { GatewayOrder, Performed } from "../control-interface.ts";
import { GatewayError } from "../faults.ts";
import { field } from "../wire.ts";
import { act, mustBeAsShown, stringOf, type Acting } from "./acting.ts";
import { executed, failed, type GatewayTools } from "./implementation.ts";
import { mustKnowVersion } from "./known.ts";
import { extensionNamed, type ExtensionKind, type Thing } from "./things.ts";

/** A plugin that the gateway loads is built first: nine seconds have been seen. */
const SWITCH_MILLISECONDS = 60_000;
const DOUBT_MILLISECONDS = 3_000;

function kindOf({ args }: GatewayOrder): ExtensionKind {
  return args["kind"] === "plugin" ? "plugin" : "skill";
}

export function isEnabled(kind: ExtensionKind, row: unknown): boolean {
  return kind === "plugin" ? field(row, "enabled") === true : field(row, "disabled") !== true;
}

export function switchExtension(enabled: boolean) {
  return (order: GatewayOrder, tools: GatewayTools): Promise<Performed> =>
    act(tools, ["operator.admin"], async (acting) => {
      if (enabled) mustKnowVersion(acting);
      const kind = kindOf(order);
      const thing = await extensionNamed(acting, kind, stringOf(order.args, "subject"));
      if (thing === undefined) return enabled ? failed("gone") : executed({ changed: 0 });
      mustBeAsShown(order, thing.subject);
      if (isEnabled(kind, thing.row) === enabled) return executed({ changed: 0 });
      const answer = await tellSwitch(acting, { kind, thing, enabled });
      const isSo = await acting.becomes(
        async () => {
          const now = await extensionNamed(acting, kind, thing.tag);
          return now === undefined ? !enabled : isEnabled(kind, now.row) === enabled;
        },
        answer === "unavailable" ? DOUBT_MILLISECONDS : SWITCH_MILLISECONDS,
      );
      if (!isSo) return failed(answer === "unavailable" ? "gateway_unavailable" : "not_seen");
      // The setting is so, and the running gateway follows at its next start.
      return executed({
        changed: 1,
        ...(field(answer, "restartRequired") === true ? { reason: "restart_needed" } : {}),
      });
    });
}

interface Switch {
  readonly kind: ExtensionKind;
  readonly thing: Thing;
  readonly enabled: boolean;
}

/** The gateway says that it is not available also when the setting is written and the plugin did not come up with it. */
async function tellSwitch(acting: Acting, { kind, thing, enabled }: Switch): Promise<unknown> {
  try {
    return kind === "plugin"
      ? await acting.tell("plugins.setEnabled", { pluginId: thing.id, enabled }, { milliseconds: SWITCH_MILLISECONDS })
      : await acting.tell("skills.update", { skillKey: thing.id, enabled }, { milliseconds: SWITCH_MILLISECONDS });
  } catch (error) {
    if (error instanceof GatewayError && error.fault === "starting") return "unavailable";
    throw error;
  }
}
