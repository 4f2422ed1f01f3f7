/**
 * Sees a gateway go down and come back, from nothing but what its host reports. Pure: feed it every report.
 * It does not know who restarted it; the ledger does.
 */
import type { Telemetry } from "../../protocol/telemetry.ts";

export type Course =
  | { readonly kind: "steady" }
  /** It was up, and now is not. */
  | { readonly kind: "down"; readonly sinceAt: number; readonly bootBefore?: string }
  | {
      readonly kind: "back";
      readonly at: number;
      readonly bootBefore: string;
      readonly bootAfter: string;
      /** Absent when it went down and came back between two reports. */
      readonly downSeconds?: number;
    };

export interface RestartWatch {
  readonly course: Course;
  /** Boot id of the last report in which the gateway answered. */
  readonly lastBoot?: string;
}

export const freshWatch: RestartWatch = { course: { kind: "steady" } };

/** "Back" stays on the page this long. */
export const BACK_SECONDS = 120;

export function observe(watch: RestartWatch, gateway: Telemetry["gateway"], at: number): RestartWatch {
  const answers = gateway.state === "running" || gateway.state === "degraded";
  if (!answers) return observeDown(watch, gateway, at);
  const boot = gateway.bootId;
  const before = watch.lastBoot;
  const keep = boot === undefined ? {} : { lastBoot: boot };
  if (boot !== undefined && before !== undefined && boot !== before) {
    const down = watch.course.kind === "down" ? { downSeconds: at - watch.course.sinceAt } : {};
    return { course: { kind: "back", at, bootBefore: before, bootAfter: boot, ...down }, ...keep };
  }
  const { course } = watch;
  if (course.kind === "back" && at - course.at <= BACK_SECONDS) return { course, ...keep };
  return { course: { kind: "steady" }, ...keep };
}

function observeDown(watch: RestartWatch, gateway: Telemetry["gateway"], at: number): RestartWatch {
  const { course, lastBoot } = watch;
  // A host first seen while its gateway is stopped is not "going down": nothing was up before our eyes.
  if (lastBoot === undefined || gateway.state === "none") return watch;
  if (course.kind === "down") return watch;
  return { course: { kind: "down", sinceAt: at, bootBefore: lastBoot }, lastBoot };
}
