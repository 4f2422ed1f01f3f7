/**
 * The pages that are fetched when they are needed: one line each. Signing in, what surrounds the pages, and what signs
 * and verifies are in the first script; the proof of one entry comes when it is asked for (web/client/late.ts).
 * May not: import a page other than lazily; it would come with the first script.
 */
import type { ComponentChildren } from "preact";
import { lazyPage } from "./lazy.tsx";
import type { PageName } from "./router.ts";
import { Gatehouse } from "./shell.tsx";

/** Made once, where the application starts. */
export function createPages() {
  return {
    fleet: lazyPage({ title: "Fleet", load: async () => (await import("./pages/fleet/page.tsx")).FleetPage }),
    host: lazyPage({ title: "Host", load: async () => (await import("./pages/host/page.tsx")).HostPage }),
    activity: lazyPage({
      title: "Activity",
      load: async () => (await import("./pages/activity/page.tsx")).ActivityPage,
    }),
    streams: lazyPage({
      title: "Streams",
      load: async () => (await import("./pages/streams/page.tsx")).StreamsPage,
    }),
    keeping: lazyPage({
      title: "Copies and retention",
      load: async () => (await import("./pages/keeping/page.tsx")).KeepingPage,
    }),
    posture: lazyPage({
      title: "Hosts and checks",
      load: async () => (await import("./pages/matrix/page.tsx")).MatrixPage,
    }),
    alerts: lazyPage({ title: "Alerts", load: async () => (await import("./pages/alerts/page.tsx")).AlertsPage }),
    proposals: lazyPage({
      title: "Proposals",
      load: async () => (await import("./pages/proposals/page.tsx")).ProposalsPage,
    }),
    people: lazyPage({ title: "People", load: async () => (await import("./pages/people/page.tsx")).PeoplePage }),
    roles: lazyPage({ title: "Roles", load: async () => (await import("./pages/roles/page.tsx")).RolesPage }),
    rules: lazyPage({ title: "Rules", load: async () => (await import("./pages/rules/page.tsx")).RulesPage }),
    automation: lazyPage({
      title: "Automation keys",
      load: async () => (await import("./pages/automation/page.tsx")).AutomationPage,
    }),
    sessions: lazyPage({
      title: "Sessions",
      load: async () => (await import("./pages/sessions/page.tsx")).SessionsPage,
    }),
    addresses: lazyPage({
      title: "Addresses",
      load: async () => (await import("./pages/addresses/page.tsx")).AddressesPage,
    }),
    "edge-keys": lazyPage({
      title: "Keys of the edge",
      load: async () => (await import("./pages/edge-keys/page.tsx")).EdgeKeysPage,
    }),
    networks: lazyPage({
      title: "Networks",
      load: async () => (await import("./pages/networks/page.tsx")).NetworksPage,
    }),
    setup: lazyPage({
      title: "Setup",
      load: async () => (await import("./pages/setup.tsx")).SetupPage,
      Frame: outside("Setup"),
    }),
    invitation: lazyPage({
      title: "Invitation",
      load: async () => (await import("./pages/invitation.tsx")).InvitationPage,
      Frame: outside("Invitation"),
    }),
  };
}

export type Pages = ReturnType<typeof createPages>;

export async function fetchPage(pages: Pages, page: PageName): Promise<void> {
  if (page !== "sign-in" && page !== "not-found") await pages[page].fetch();
}

function outside(title: string) {
  return ({ children }: { readonly children: ComponentChildren }) => (
    <Gatehouse title={title} foot={undefined}>
      <div class="gatehouse-card stack">{children}</div>
    </Gatehouse>
  );
}
