/**
 * Address <-> page. Every page, filter, sort and drawer has an address, so that reload, back and a copied link work.
 * May not: read a setup fragment (that is a secret of the setup flow), or know what pages show.
 */
import { signal } from "@preact/signals";
import type { ReadonlySignal } from "@preact/signals";

export const fleetFilters = ["all", "needs-you", "alerts"] as const;
export const fleetSorts = [
  "needs-you",
  "name",
  "posture",
  "version",
  "cost",
  "tokens",
  "sessions",
  "alerts",
  "seen",
] as const;
export const activityFilters = ["all", "commands", "refused", "signatures", "sign-ins", "trust", "unusual"] as const;
/** The first is what a page without a choice shows. */
export const alertFilters = ["open", "acknowledged", "resolved"] as const;

/** As in the catalogue of checks (protocol/posture/words.ts), which pages carry that need it. */
export const matrixSeverities = ["critical", "high", "medium", "low"] as const;
export const matrixAreas = ["gateway", "ssh", "network", "identity", "secrets", "integrity"] as const;

export type FleetFilter = (typeof fleetFilters)[number];
export type FleetSort = (typeof fleetSorts)[number];
export type ActivityFilter = (typeof activityFilters)[number];
export type AlertFilter = (typeof alertFilters)[number];

export type Route =
  | FleetRoute
  | HostRoute
  | ActivityRoute
  | MatrixRoute
  | { readonly page: "alerts"; readonly show: AlertFilter }
  | { readonly page: PeoplePageName }
  | { readonly page: "streams" }
  | { readonly page: "keeping" }
  | { readonly page: "networks" }
  | { readonly page: "setup" }
  | { readonly page: "invitation" }
  | { readonly page: "proposals" }
  | { readonly page: "sign-in" }
  | { readonly page: "not-found"; readonly path: string };

/** Absent: any, and the order in which a column is most useful. */
export interface FleetRoute {
  readonly page: "fleet";
  readonly show: FleetFilter;
  readonly sort: FleetSort;
  readonly text: string;
  readonly reversed?: true;
  /** The word for a condition, in small letters. */
  readonly state?: string;
  readonly version?: string;
}

/** Hosts against checks. Absent: any. */
export interface MatrixRoute {
  readonly page: "posture";
  readonly text: string;
  readonly failing?: true;
  readonly severity?: (typeof matrixSeverities)[number];
  readonly area?: (typeof matrixAreas)[number];
}

/** Seconds and ids as the edge takes them; absent: any. */
export interface ActivityNarrowing {
  readonly since?: number;
  readonly until?: number;
  readonly actor?: string;
  readonly action?: string;
  readonly host?: string;
}

export interface ActivityRoute extends ActivityNarrowing {
  readonly page: "activity";
  readonly show: ActivityFilter;
  readonly text: string;
  /** Whose proof is open. */
  readonly entry?: number;
}

/** The first is what the address of a host alone shows. */
export const hostTabs = [
  "overview",
  "posture",
  "agents",
  "sessions",
  "schedule",
  "channels",
  "devices",
  "extensions",
  "configuration",
  "log",
  "approvals",
] as const;
export type HostTab = (typeof hostTabs)[number];

/** Absent: the usual. */
export interface HostRoute {
  readonly page: "host";
  readonly id: string;
  readonly tab?: HostTab;
  readonly text?: string;
  /** A column of the list; with `-` before it from the last to the first. */
  readonly sort?: string;
  /** The thing that is open: a tag of the host's, or a word of the tab. */
  readonly of?: string;
}

/** What the trust log says, one page each. */
export const peoplePages = ["people", "roles", "rules", "automation", "sessions", "addresses", "edge-keys"] as const;
export type PeoplePageName = (typeof peoplePages)[number];

export type PageName = Route["page"];

export const fleetRoute: Route = { page: "fleet", show: "all", sort: "needs-you", text: "" };
export const activityRoute: Route = { page: "activity", show: "all", text: "" };
export const alertsRoute: Route = { page: "alerts", show: "open" };

/** What a person searched for is not a document: bounded, so that a crafted link cannot fill a page. */
const MAX_SEARCH_CHARACTERS = 80;

const hostPath = /^\/hosts\/([A-Za-z0-9_-]{1,64})(?:\/([a-z]{1,16}))?$/;

export function parseRoute(url: URL): Route {
  const text = (url.searchParams.get("q") ?? "").slice(0, MAX_SEARCH_CHARACTERS);
  const host = hostRoute(url, text);
  if (host !== undefined) return host;
  switch (url.pathname) {
    case "/":
    case "/fleet":
      return parseFleet(url.searchParams, text);
    case "/activity":
      return parseActivity(url.searchParams, text);
    case "/alerts":
      return { page: "alerts", show: oneOf(alertFilters, url.searchParams.get("show")) };
    case "/posture":
      return parseMatrix(url.searchParams, text);
    case "/setup":
      return { page: "setup" };
    case "/proposals":
      return { page: "proposals" };
    case "/invitation":
      return { page: "invitation" };
    case "/sign-in":
      return { page: "sign-in" };
    default:
      return belowRoute(url.pathname) ?? peopleRoute(url.pathname) ?? { page: "not-found", path: url.pathname };
  }
}

/** A tab that there is not is a page that there is not. */
function hostRoute(url: URL, text: string): HostRoute | undefined {
  const [, id, named] = hostPath.exec(url.pathname) ?? [];
  const tab = hostTabs.find((one) => one === (named ?? "overview"));
  if (id === undefined || tab === undefined || named === "overview") return undefined;
  const sort = url.searchParams.get("sort");
  const of = url.searchParams.get("of");
  return {
    page: "host",
    id,
    ...(named === undefined ? {} : { tab }),
    ...(text === "" ? {} : { text }),
    ...(sort !== null && /^-?[a-z]{1,16}$/.test(sort) ? { sort } : {}),
    ...(of !== null && /^[a-z0-9-]{1,32}$/.test(of) ? { of } : {}),
  };
}

function parseFleet(query: URLSearchParams, text: string): FleetRoute {
  const state = query.get("state");
  const version = query.get("version");
  return {
    page: "fleet",
    show: oneOf(fleetFilters, query.get("show")),
    sort: oneOf(fleetSorts, query.get("sort")),
    text,
    ...(query.get("order") === "reversed" ? { reversed: true } : {}),
    ...(state !== null && /^[a-z ]{1,32}$/.test(state) ? { state } : {}),
    ...(version !== null && /^[0-9A-Za-z.+-]{1,40}$/.test(version) ? { version } : {}),
  };
}

function parseMatrix(query: URLSearchParams, text: string): MatrixRoute {
  const severity = matrixSeverities.find((one) => one === query.get("severity"));
  const area = matrixAreas.find((one) => one === query.get("area"));
  return {
    page: "posture",
    text,
    ...(query.get("show") === "failing" ? { failing: true } : {}),
    ...(severity === undefined ? {} : { severity }),
    ...(area === undefined ? {} : { area }),
  };
}

function parseActivity(query: URLSearchParams, text: string): ActivityRoute {
  const route = { page: "activity", show: oneOf(activityFilters, query.get("show")), text } as const;
  const given = {
    since: parseIndex(query.get("since")),
    until: parseIndex(query.get("until")),
    actor: parseId(query.get("actor")),
    action: parseId(query.get("action")),
    host: parseId(query.get("host")),
    entry: parseIndex(query.get("entry")),
  };
  return {
    ...route,
    ...(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as object),
  };
}

/** Pages below another one. */
const below = { streams: "/activity/streams", keeping: "/activity/keeping", networks: "/people/networks" } as const;

function belowRoute(path: string): Route | undefined {
  const page = (Object.keys(below) as (keyof typeof below)[]).find((name) => below[name] === path);
  return page === undefined ? undefined : { page };
}

function peopleRoute(path: string): Route | undefined {
  const page = peoplePages.find((name) => path === `/${name}`);
  return page === undefined ? undefined : { page };
}

export function formatRoute(route: Route): string {
  switch (route.page) {
    case "fleet":
      return formatFleet(route);
    case "host":
      return formatHost(route);
    case "activity":
      return formatActivity(route);
    case "streams":
    case "keeping":
    case "networks":
      return below[route.page];
    case "posture":
      return formatMatrix(route);
    case "alerts":
      return withQuery("/alerts", { show: route.show }, { show: "open" });
    case "not-found":
      return route.path;
    default:
      return `/${route.page}`;
  }
}

function formatFleet({ show, sort, text, reversed, state = "", version = "" }: FleetRoute): string {
  const order = reversed === true ? "reversed" : "";
  return withQuery("/", { show, sort, order, state, version, q: text }, { show: "all", sort: "needs-you" });
}

function formatMatrix({ text, failing, severity, area }: MatrixRoute): string {
  const show = failing === true ? "failing" : "";
  return withQuery("/posture", { show, severity: severity ?? "", area: area ?? "", q: text }, {});
}

function formatHost({ id, tab = "overview", text = "", sort = "", of = "" }: HostRoute): string {
  return withQuery(tab === "overview" ? `/hosts/${id}` : `/hosts/${id}/${tab}`, { q: text, sort, of }, {});
}

function formatActivity({ show, text, since, until, actor, action, host, entry }: ActivityRoute): string {
  const given = { since, until, actor, action, host, entry };
  const named = Object.entries(given).map(([name, value]) => [name, value === undefined ? "" : String(value)] as const);
  return withQuery("/activity", { show, q: text, ...Object.fromEntries(named) }, { show: "all" });
}

export interface Router {
  readonly route: ReadonlySignal<Route>;
  /** `replace` for typing and filters that should not fill the history. */
  go(route: Route, how?: "push" | "replace"): void;
  stop(): void;
}

/** Listens on `view` until stopped. Ordinary links work: plain clicks on our own addresses are taken over here. */
export function createRouter(view: Window): Router {
  const current = signal<Route>(parseRoute(new URL(view.location.href)));
  const read = () => {
    current.value = parseRoute(new URL(view.location.href));
  };
  const go = (route: Route, how: "push" | "replace" = "push") => {
    const address = formatRoute(route);
    if (how === "push") view.history.pushState(undefined, "", address);
    else view.history.replaceState(undefined, "", address);
    current.value = route;
  };
  const onClick = (event: MouseEvent) => {
    if (!isPlainClick(event)) return;
    const route = linkedRoute(event.target, view.location.origin);
    if (route === undefined) return;
    event.preventDefault();
    go(route);
  };
  view.addEventListener("popstate", read);
  view.document.addEventListener("click", onClick);
  return {
    route: current,
    go,
    stop() {
      view.removeEventListener("popstate", read);
      view.document.removeEventListener("click", onClick);
    },
  };
}

function isPlainClick(event: MouseEvent): boolean {
  if (event.defaultPrevented || event.button !== 0) return false;
  return !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
}

/** Where a link into this application leads that `target` is part of; any other link is the browser's business. */
export function linkedRoute(target: EventTarget | null, origin: string): Route | undefined {
  const anchor = target instanceof Element ? target.closest("a[href]") : undefined;
  if (!(anchor instanceof HTMLAnchorElement)) return undefined;
  if (anchor.target !== "" || anchor.hasAttribute("download")) return undefined;
  const url = new URL(anchor.href);
  if (url.origin !== origin || url.hash !== "") return undefined;
  const route = parseRoute(url);
  return route.page === "not-found" ? undefined : route;
}

function withQuery(
  path: string,
  values: Readonly<Record<string, string>>,
  usual: Readonly<Record<string, string>>,
): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) {
    if (value !== "" && value !== usual[key]) query.set(key, value);
  }
  const text = query.toString();
  return text === "" ? path : `${path}?${text}`;
}

function oneOf<const T extends readonly [string, ...string[]]>(allowed: T, value: string | null): T[number] {
  return allowed.find((one) => one === value) ?? allowed[0];
}

/** An id of the log, or the name of an action. */
function parseId(value: string | null): string | undefined {
  return value !== null && /^[A-Za-z0-9_.-]{1,64}$/.test(value) ? value : undefined;
}

function parseIndex(value: string | null): number | undefined {
  if (value === null || !/^(0|[1-9]\d{0,14})$/.test(value)) return undefined;
  return Number(value);
}
