/**
 * The gateway seen: from its event to pixels, what watching it costs the agent and the gateway itself, and how fast the
 * dashboard shows and answers with 200 hosts. Real gateway, real program, real Chromium; only the model and the 200 hosts
 * are made up.
 */
import type { Bench } from "./bench.ts";
import { measureDashboard } from "./gateway/dashboard.ts";
import { measureWatching } from "./gateway/watching.ts";

export const gateway: Bench = {
  name: "gateway",
  about: "gateway event to pixels, cost of watching, dashboard with 200 hosts (7 minutes)",
  async run() {
    return [...(await measureDashboard()), ...(await measureWatching())];
  },
};
