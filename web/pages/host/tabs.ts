/** The tabs of a host that are fetched when they are opened: one line each. */
import { lazyPage, type LazyPage } from "../../lazy.tsx";
import type { HostTab } from "../../router.ts";

type Fetched = Exclude<HostTab, "overview">;

/** Made once for each time that a host's page is shown. */
export function createTabs(): Readonly<Record<Fetched, LazyPage>> {
  return {
    posture: lazyPage({ title: "Posture", load: async () => (await import("./posture-tab.tsx")).PostureTab }),
    agents: lazyPage({ title: "Agents", load: async () => (await import("./agents-tab.tsx")).AgentsTab }),
    sessions: lazyPage({ title: "Sessions", load: async () => (await import("./sessions-tab.tsx")).SessionsTab }),
    schedule: lazyPage({ title: "Schedule", load: async () => (await import("./schedule-tab.tsx")).ScheduleTab }),
    channels: lazyPage({ title: "Channels", load: async () => (await import("./channels-tab.tsx")).ChannelsTab }),
    devices: lazyPage({ title: "Devices", load: async () => (await import("./devices-tab.tsx")).DevicesTab }),
    extensions: lazyPage({
      title: "Extensions",
      load: async () => (await import("./extensions-tab.tsx")).ExtensionsTab,
    }),
    configuration: lazyPage({
      title: "Configuration",
      load: async () => (await import("./configuration-tab.tsx")).ConfigurationTab,
    }),
    log: lazyPage({ title: "Log", load: async () => (await import("./log-tab.tsx")).LogTab }),
    approvals: lazyPage({ title: "Approvals", load: async () => (await import("./approvals-tab.tsx")).ApprovalsTab }),
  };
}
