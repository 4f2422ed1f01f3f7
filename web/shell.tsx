/**
 * What surrounds every page of a signed-in person: navigation, top bar with the origin chip, the foot of trust.
 * May not: show a page that does not exist, or a claim of verification that is not the ledger status.
 */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Icon, Mark, Wordmark } from "./icons.tsx";
import type { IconName } from "./icons.tsx";
import { SealWith } from "./components/state.tsx";
import { Left } from "./components/time.tsx";
import { formatCount, formatIndex } from "./format.ts";
import { useApp } from "./state/app.ts";
import type { Backend, LedgerStatus } from "./state/backend.ts";
import { peoplePages, type PageName } from "./router.ts";

interface NavItem {
  readonly page: PageName;
  readonly href: string;
  readonly icon: IconName;
  readonly label: string;
  /** How many things there wait for this person, and the word for them. */
  readonly waiting?: { readonly count: (backend: Backend) => number; readonly word: string };
}

/** In the order of use. Only pages that exist. */
const items: readonly NavItem[] = [
  { page: "fleet", href: "/", icon: "fleet", label: "Fleet" },
  {
    page: "proposals",
    href: "/proposals",
    icon: "approvals",
    label: "Proposals",
    waiting: { count: ({ proposals }) => proposals.forMe.value, word: "for you" },
  },
  { page: "activity", href: "/activity", icon: "activity", label: "Activity" },
  { page: "alerts", href: "/alerts", icon: "alerts", label: "Alerts" },
  {
    page: "people",
    href: "/people",
    icon: "people",
    label: "People",
    waiting: { count: ({ statements }) => statements.forMe.value, word: "for you" },
  },
];

/** The item under which a page stands. */
function sectionOf(page: PageName): PageName {
  if (page === "host" || page === "posture") return "fleet";
  if (page === "streams" || page === "keeping") return "activity";
  if (page === "networks") return "people";
  return peoplePages.some((name) => name === page) ? "people" : page;
}

export function Brand() {
  return (
    <a class="brand" href="/" aria-label="Clawhold, fleet">
      <Mark />
      <Wordmark />
    </a>
  );
}

export function ThemeButton() {
  const { theme } = useApp();
  return (
    <button
      class="btn quiet icon-only"
      type="button"
      title={`Theme: ${theme.choice.value}`}
      aria-label={`Theme: ${theme.choice.value}. Change`}
      onClick={() => theme.next()}
    >
      <Icon name="theme" />
    </button>
  );
}

function Nav() {
  const page = useApp().router.route.value.page;
  const current = sectionOf(page);
  return (
    <nav class="nav" aria-label="Main">
      <div class="nav-brand">
        <Brand />
      </div>
      <ul class="nav-list">
        {items.map((item) => (
          <li key={item.page}>
            <a
              class="nav-item"
              href={item.href}
              title={item.label}
              aria-current={item.page === current ? "page" : undefined}
            >
              <Icon name={item.icon} />
              <span class="nav-label">{item.label}</span>
              {item.page === "alerts" && <OpenAlerts />}
              {item.waiting !== undefined && <NavCount {...item.waiting} />}
            </a>
          </li>
        ))}
      </ul>
      <div class="nav-foot">
        <TrustFoot />
      </div>
    </nav>
  );
}

function NavCount({ count, word }: NonNullable<NavItem["waiting"]>) {
  const waiting = count(useApp().backend);
  if (waiting === 0) return null;
  return (
    <span class="nav-count">
      <span class="sr">, </span>
      {waiting}
      <span class="sr"> {word}</span>
    </span>
  );
}

/** Alerts of others are counted here, not read out. */
function OpenAlerts() {
  const open = useApp().backend.alerts.open.value;
  if (open === 0) return null;
  return (
    <span class="nav-count">
      <span class="sr">, </span>
      {formatCount(open)}
      <span class="sr"> open</span>
    </span>
  );
}

/** How far this browser verified the ledger, and who else vouches for it. */
function TrustFoot() {
  const { witness, ...status } = useApp().backend.activity.status.value;
  return (
    <>
      <LedgerSeal {...status} />
      <span>{witnessWords(witness)}</span>
    </>
  );
}

function witnessWords({ size, cosigned, eligible }: LedgerStatus["witness"]): string {
  const hosts = `${eligible} ${eligible === 1 ? "host" : "hosts"}`;
  if (size > 0) return `Witnessed by ${cosigned} of ${hosts}`;
  return cosigned === 0 ? "Never witnessed" : `Seen by ${cosigned} of ${hosts}, not witnessed`;
}

function LedgerSeal({ size, verified, failure }: Omit<LedgerStatus, "witness">) {
  if (failure?.of === "entry") return <SealWith state="failed">Ledger fails at #{formatIndex(failure.index)}</SealWith>;
  if (failure !== undefined) return <SealWith state="failed">Not the ledger of before</SealWith>;
  if (verified === 0) return <SealWith state="unverified">Ledger not verified yet</SealWith>;
  return <SealWith state="verified">Ledger verified to #{formatIndex(size)}</SealWith>;
}

export function OriginChip() {
  const { origin } = useApp().backend;
  const signer = origin.class === "signer";
  return (
    <>
      <button class={signer ? "origin" : "origin daily"} type="button" popovertarget="origin-note">
        <Icon name={signer ? "laptop" : "globe"} class="s" />
        <span>{signer ? "Signer" : "Daily page"}</span>
      </button>
      <div class="note" id="origin-note" popover="auto">
        <p class="strong">{signer ? "Served from your own machine" : "This page comes from the edge"}</p>
        <p class="small muted">
          {signer
            ? "What you see here is what you sign: the edge does not serve this page, it only carries messages. Everything your role allows works here."
            : "Daily operations such as restart work here. Critical ones need the dashboard of the machine that runs Clawhold."}
        </p>
        <p class="small">
          <code>{origin.host}</code>
        </p>
      </div>
    </>
  );
}

function PersonMenu() {
  const { backend } = useApp();
  const person = backend.person.value;
  if (person === undefined) return null;
  return (
    <>
      <button
        class="btn quiet icon-only"
        type="button"
        popovertarget="person-menu"
        aria-label={`${person.name}, signed in`}
      >
        <span class="avatar" aria-hidden="true">
          <Icon name="user" class="s" />
        </span>
      </button>
      <div class="note" id="person-menu" popover="auto">
        <p class="strong">
          <bdi>{person.name}</bdi>
        </p>
        <p class="small muted">
          {person.role}. This session ends in <Left at={person.sessionEndsAt} />; a passkey opens a new one.
        </p>
        <button class="btn sm" type="button" onClick={() => void backend.signOut()}>
          Sign out
        </button>
      </div>
    </>
  );
}

function TopBar() {
  const workspace = useApp().backend.workspace.value;
  return (
    <header class="topbar">
      <span class="phone-only">
        <Brand />
      </span>
      {workspace !== undefined && (
        <span class="small faint wide-only" title={`Workspace ${workspace}`}>
          workspace <code>{workspace.slice(0, 8)}</code>
        </span>
      )}
      <span class="topbar-space" />
      <OriginChip />
      <ThemeButton />
      <PersonMenu />
    </header>
  );
}

interface ShellProps {
  /** For the document title and the announcement after a change of page. */
  readonly title: string;
  readonly children: ComponentChildren;
}

export function Shell({ title, children }: ShellProps) {
  return (
    <>
      <SkipLink />
      <div class="app">
        <Nav />
        <TopBar />
        <Main title={title} class="main">
          {children}
        </Main>
      </div>
    </>
  );
}

export function SkipLink() {
  return (
    <a class="skip" href="#main">
      Skip to content
    </a>
  );
}

/** Focus goes here after each change of page, so that a keyboard or a screen reader starts at the new content. */
export function Main({ title, class: name, children }: ShellProps & { readonly class: string }) {
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    document.title = `${title} · Clawhold`;
  }, [title]);
  const { page } = useApp().router.route.value;
  useEffect(() => {
    if (!first.current) {
      main.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    first.current = false;
  }, [page]);
  return (
    <main class={name} id="main" tabIndex={-1} ref={main} aria-label={title}>
      {children}
    </main>
  );
}

/** Pages without the shell: setup, sign-in, unsupported. They tell nothing that the server knows. */
export function Gatehouse({ title, children, foot }: ShellProps & { readonly foot: ComponentChildren }) {
  return (
    <>
      <SkipLink />
      <div class="gatehouse">
        <header class="gatehouse-head">
          <span class="brand">
            <Mark />
            <Wordmark />
          </span>
          <ThemeButton />
        </header>
        <Main title={title} class="gatehouse-body">
          {children}
        </Main>
        <footer class="gatehouse-foot">{foot}</footer>
      </div>
    </>
  );
}
