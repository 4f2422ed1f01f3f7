/**
 * Which face the application shows: setup, sign-in, or the shell with a page. Also the keys that work everywhere.
 * May not: know how anything is fetched or signed.
 */
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { KeyList } from "./components/key-list.tsx";
import { Delayed, Waiting } from "./components/parts.tsx";
import { Sprite } from "./icons.tsx";
import { ActivityPage } from "./pages/activity/page.tsx";
import { AlertsPage } from "./pages/alerts/page.tsx";
import { FleetPage } from "./pages/fleet/page.tsx";
import { HostPage } from "./pages/host/page.tsx";
import { AlertsBanner, NotFoundPage, PastBanner, ReachBanner, UnsupportedPage } from "./pages/plain.tsx";
import { AddressesPage } from "./pages/addresses/page.tsx";
import { AutomationPage } from "./pages/automation/page.tsx";
import { ProposalsPage } from "./pages/proposals/page.tsx";
import { InvitationPage } from "./pages/invitation.tsx";
import { PeoplePage } from "./pages/people/page.tsx";
import { RolesPage } from "./pages/roles/page.tsx";
import { RulesPage } from "./pages/rules/page.tsx";
import { SessionsPage } from "./pages/sessions/page.tsx";
import { SetupPage } from "./pages/setup.tsx";
import { SignInPage } from "./pages/sign-in.tsx";
import { activityRoute, alertsRoute, fleetRoute } from "./router.ts";
import type { PeoplePageName, Route } from "./router.ts";
import { Gatehouse, Shell } from "./shell.tsx";
import { AppContext, useApp } from "./state/app.ts";
import type { App } from "./state/app.ts";
import { listenForKeys } from "./state/keys.ts";
import type { Shortcut } from "./state/keys.ts";

export function Root({ app }: { readonly app: App }) {
  return (
    <AppContext.Provider value={app}>
      <Sprite />
      <Face />
    </AppContext.Provider>
  );
}

function Face() {
  const { backend } = useApp();
  const phase = backend.phase.value;
  switch (phase.kind) {
    case "starting":
      return (
        <Gatehouse title="Starting" foot={<span>{backend.origin.host}</span>}>
          <div class="gatehouse-card stack">
            {phase.trouble === undefined ? (
              <Waiting what="Asking the control plane" />
            ) : (
              <Delayed trouble={phase.trouble} onRetry={() => backend.retryNow()} />
            )}
          </div>
        </Gatehouse>
      );
    case "unsupported":
      return <UnsupportedPage reason={phase.reason} />;
    case "setup":
      return <SetupPage />;
    case "invitation":
      return <InvitationPage />;
    case "signed-out":
      return <SignInPage phase={phase} />;
    case "signed-in":
      return <SignedIn />;
  }
}

/** Setup and sign-in are no pages once they are over: go to what they were for. */
function useArrival(route: Route): void {
  const { backend, router } = useApp();
  const arriving = route.page === "setup" || route.page === "sign-in" || route.page === "invitation";
  useEffect(() => {
    if (!arriving) return;
    const setup = backend.setup.state.peek();
    const id = setup.kind === "done" ? setup.hostId : undefined;
    router.go(id === undefined ? fleetRoute : { page: "host", id }, "replace");
  }, [arriving, backend, router]);
}

function SignedIn() {
  const { backend, router, exactTimes } = useApp();
  const route = router.route.value;
  const keysOpen = useSignal(false);
  useArrival(route);
  const everywhere: readonly Shortcut[] = [
    { keys: "G F", does: "go to Fleet", run: () => router.go(fleetRoute) },
    { keys: "G Y", does: "go to Activity", run: () => router.go(activityRoute) },
    { keys: "G A", does: "go to Activity", run: () => router.go(activityRoute), unlisted: true },
    { keys: "G P", does: "go to Proposals", run: () => router.go({ page: "proposals" }) },
    { keys: "G L", does: "go to Alerts", run: () => router.go(alertsRoute) },
    { keys: "G E", does: "go to People", run: () => router.go({ page: "people" }) },
    { keys: "/", does: "search this page", run: () => document.getElementById("q")?.focus() },
    { keys: "E", does: "exact times on and off", run: () => (exactTimes.value = !exactTimes.value) },
    { keys: "?", does: "this list", run: () => (keysOpen.value = true) },
  ];
  // The list is rebuilt with each render and holds nothing: listen once.
  useEffect(() => listenForKeys(window, () => everywhere), []);
  // The foot of every page says how far this browser verified the ledger.
  useEffect(() => backend.activity.watch(), [backend]);
  // The navigation of every page counts the open alerts.
  useEffect(() => backend.alerts.watch(), [backend]);
  // The navigation says how many proposals wait for this person.
  useEffect(() => backend.proposals.watch(), [backend]);
  useEffect(() => backend.statements.watch(), [backend]);
  const { title, page } = pageOf(route, labelOf(route, backend));
  return (
    <Shell title={title}>
      <PastBanner />
      <ReachBanner />
      <AlertsBanner />
      {page}
      {keysOpen.value && <KeyList shortcuts={listed(everywhere)} onClosed={() => (keysOpen.value = false)} />}
    </Shell>
  );
}

function listed(shortcuts: readonly Shortcut[]): readonly Pick<Shortcut, "keys" | "does">[] {
  return [
    ...shortcuts.filter(({ unlisted }) => unlisted !== true),
    { keys: "R", does: "restart… (host page; asks first)" },
    { keys: "Esc", does: "close drawer, menu, dialog" },
  ];
}

function labelOf(route: Route, backend: App["backend"]): string {
  if (route.page !== "host") return "";
  const view = backend.host(route.id).value;
  return view.state === "ready" && view.value !== undefined ? view.value.label : "Host";
}

interface Page {
  readonly title: string;
  readonly page: ComponentChildren;
}

function pageOf(route: Route, hostLabel: string): Page {
  switch (route.page) {
    case "fleet":
      return { title: "Fleet", page: <FleetPage route={route} /> };
    case "host":
      return { title: hostLabel, page: <HostPage key={route.id} id={route.id} /> };
    case "activity":
      return { title: "Activity", page: <ActivityPage route={route} /> };
    case "alerts":
      return { title: "Alerts", page: <AlertsPage route={route} /> };
    case "proposals":
      return { title: "Proposals", page: <ProposalsPage /> };
    case "setup":
    case "sign-in":
    case "invitation":
      return { title: "Fleet", page: undefined };
    case "not-found":
      return { title: "Not found", page: <NotFoundPage /> };
    default: {
      const { title, Body } = trustPages[route.page];
      return { title, page: <Body /> };
    }
  }
}

const trustPages = {
  people: { title: "People", Body: PeoplePage },
  roles: { title: "Roles", Body: RolesPage },
  rules: { title: "Rules", Body: RulesPage },
  automation: { title: "Automation keys", Body: AutomationPage },
  sessions: { title: "Sessions", Body: SessionsPage },
  addresses: { title: "Addresses", Body: AddressesPage },
} as const satisfies Record<PeoplePageName, { readonly title: string; readonly Body: () => ComponentChildren }>;
