/** Plugins and skills, switched on and off where they are; nothing is installed or removed here. */
import type { Observed } from "../../../../protocol/messages.ts";
import type { GatewayOrder, Performed } from "../control-interface.ts";
import { GatewayError } from "../faults.ts";
import { field } from "../wire.ts";
import { act, mustBeAsShown, stringOf, type Acting } from "./acting.ts";
import { executed, failed, type GatewayTools } from "./implementation.ts";
import { mustKnowVersion } from "./known.ts";
import { extensionNamed, type ExtensionKind, type Thing } from "./things.ts";

/** A plugin that the gateway loads is built first: nine seconds have been seen. */
const SWITCH_MILLISECONDS = 60_000;
const DOUBT_MILLISECONDS = 2_000;
/** One plugin comes up or goes down at a time. */
const BUSY_MILLISECONDS = 30_000;
const UNAVAILABLE = "unavailable";

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
      const found = { kind, thing, enabled };
      const until = tools.elapsed() + BUSY_MILLISECONDS;
      for (;;) {
        const answer = await tellSwitch(acting, found);
        if (await isSwitched(acting, found, answer === UNAVAILABLE ? DOUBT_MILLISECONDS : SWITCH_MILLISECONDS))
          return executed(outcomeOf(answer));
        if (answer !== UNAVAILABLE) return failed("not_seen");
        // It said that it did nothing, and nothing is to be seen: only then may it be told again.
        if (tools.elapsed() >= until) return failed("gateway_unavailable");
      }
    });
}

/** The setting may be so while the running gateway follows only at its next start. */
function outcomeOf(answer: unknown): Observed {
  return { changed: 1, ...(field(answer, "restartRequired") === true ? { reason: "restart_needed" } : {}) };
}

function isSwitched(acting: Acting, { kind, thing, enabled }: Switch, milliseconds: number): Promise<boolean> {
  return acting.becomes(async () => {
    const now = await extensionNamed(acting, kind, thing.tag);
    return now === undefined ? !enabled : isEnabled(kind, now.row) === enabled;
  }, milliseconds);
}

interface Switch {
  readonly kind: ExtensionKind;
  readonly thing: Thing;
  readonly enabled: boolean;
}

/** The gateway says so while another plugin comes up or goes down, and also when the setting is written all the same. */
async function tellSwitch(acting: Acting, { kind, thing, enabled }: Switch): Promise<unknown> {
  try {
    return kind === "plugin"
      ? await acting.tell("plugins.setEnabled", { pluginId: thing.id, enabled }, { milliseconds: SWITCH_MILLISECONDS })
      : await acting.tell("skills.update", { skillKey: thing.id, enabled }, { milliseconds: SWITCH_MILLISECONDS });
  } catch (error) {
    if (error instanceof GatewayError && error.fault === "starting") return UNAVAILABLE;
    throw error;
  }
}
