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
import type { Pages } from "./lazy-pages.tsx";
import { AlertsBanner, NotFoundPage, PastBanner, ReachBanner, UnsupportedPage, VersionBanner } from "./pages/plain.tsx";
import { SignInPage } from "./pages/sign-in.tsx";
import { activityRoute, alertsRoute, fleetRoute } from "./router.ts";
import type { Route } from "./router.ts";
import { Gatehouse, Shell } from "./shell.tsx";
import { AppContext, useApp } from "./state/app.ts";
import type { App } from "./state/app.ts";
import { listenForKeys } from "./state/keys.ts";
import type { Shortcut } from "./state/keys.ts";

interface WithPages {
  readonly pages: Pages;
}

export function Root({ app, pages }: WithPages & { readonly app: App }) {
  return (
    <AppContext.Provider value={app}>
      <Sprite />
      <Face pages={pages} />
    </AppContext.Provider>
  );
}

function Face({ pages }: WithPages) {
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
      return <pages.setup.View />;
    case "invitation":
      return <pages.invitation.View />;
    case "signed-out":
      return <SignInPage phase={phase} />;
    case "signed-in":
      return <SignedIn pages={pages} />;
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

function SignedIn({ pages }: WithPages) {
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
  const { title, page } = pageOf(route, pages, labelOf(route, backend));
  return (
    <Shell title={title}>
      <PastBanner />
      <ReachBanner />
      <VersionBanner />
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

function pageOf(route: Route, pages: Pages, hostLabel: string): Page {
  switch (route.page) {
    case "fleet":
      return { title: pages.fleet.title, page: <pages.fleet.View route={route} /> };
    case "host":
      return { title: hostLabel, page: <pages.host.View key={route.id} route={route} /> };
    case "activity":
      return { title: pages.activity.title, page: <pages.activity.View route={route} /> };
    case "posture":
      return { title: pages.posture.title, page: <pages.posture.View route={route} /> };
    case "alerts":
      return { title: pages.alerts.title, page: <pages.alerts.View route={route} /> };
    case "setup":
    case "sign-in":
    case "invitation":
      return { title: pages.fleet.title, page: undefined };
    case "not-found":
      return { title: "Not found", page: <NotFoundPage /> };
    default: {
      const { title, View } = pages[route.page];
      return { title, page: <View /> };
    }
  }
}
