/** Which service a fix may confine and start anew: the one whose main process is the gateway. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { unitOf } from "../../../../agent/host/remedies/survey-gateway.ts";
import { ok, StandIn } from "./stand-in.ts";

let host: StandIn;

beforeEach(() => {
  host = new StandIn();
});
afterEach(() => host.remove());

it.each([
  { what: "its main process", unit: "openclaw.service", main: 700, parent: 1, isIts: true },
  { what: "what its main process started", unit: "openclaw.service", main: 690, parent: 690, isIts: true },
  { what: "a task of cron's", unit: "cron.service", main: 400, parent: 650, isIts: false },
  { what: "what is left of a service that ended", unit: "openclaw.service", main: 0, parent: 1, isIts: false },
])("$what", async ({ unit, main, parent, isIts }) => {
  host.write("/proc/700/cgroup", `0::/system.slice/${unit}\n`);
  host.write("/proc/700/status", `Name:\tx\nPPid:\t${String(parent)}\n`);
  host.program = ([program]) =>
    program === "systemctl" ? ok(`MainPID=${String(main)}\nFragmentPath=/usr/lib/systemd/system/${unit}\n`) : undefined;
  expect(await unitOf(host.hands, 700)).toBe(isIts ? unit : undefined);
});
