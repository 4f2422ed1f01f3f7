/**
 * What every page about the trust log shares: its tabs, what stands in the way of changes, and what waits for somebody.
 * Nothing is shown as true before this browser verified the log.
 */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { hasPermission } from "../../../protocol/trust/state.ts";
import { Banner } from "../../components/banner.tsx";
import { Command, Waiting } from "../../components/parts.tsx";
import { peoplePages, type PeoplePageName } from "../../router.ts";
import { useApp } from "../../state/app.ts";
import type { TrustView } from "../../state/people.ts";
import { useStatements, type StatementAsking } from "../../statement/dialog.tsx";
import { ForkCard } from "./fork-card.tsx";
import { WaitingChanges } from "./waiting.tsx";

const tabs = {
  people: "People",
  roles: "Roles",
  rules: "Rules",
  automation: "Automation",
  sessions: "Sessions",
  addresses: "Addresses",
  "edge-keys": "Keys of the edge",
} as const satisfies Record<PeoplePageName, string>;

/** What a page's parts need to show and to ask. */
export interface Desk {
  readonly view: TrustView;
  readonly me: string;
  readonly statements: StatementAsking;
  /** This person's role allows changes. */
  readonly isAdmin: boolean;
  /** Changes are taken from here: an administrator, in a signer that the log lists. */
  readonly mayChange: boolean;
}

interface FrameProps {
  readonly page: PeoplePageName;
  readonly lead: string;
  readonly onDone?: () => void;
  readonly children: (desk: Desk) => ComponentChildren;
}

export function TrustFrame({ page, lead, onDone, children }: FrameProps) {
  const { backend } = useApp();
  const view = backend.trust.value;
  const statements = useStatements(onDone);
  useEffect(() => void backend.statements.loadWaiting(), [backend, page]);
  const me = backend.person.value?.id ?? "";
  const isAdmin = view !== undefined && isAdministrator(view, me, backend.now());
  const mayChange = isAdmin && backend.origin.class === "signer";
  return (
    <>
      <div class="page-head">
        <div>
          <h1>{tabs[page]}</h1>
          <p>
            {lead}
            {view !== undefined && ` Trust log, statement ${view.state.head.n}.`}
          </p>
        </div>
      </div>
      <TrustTabs page={page} isAdmin={isAdmin} />
      {view === undefined ? (
        <Waiting what="Verifying the trust log" />
      ) : (
        <>
          <OriginNote view={view} isAdmin={isAdmin} />
          <ForkCard desk={{ view, me, statements, isAdmin, mayChange }} />
          <WaitingChanges desk={{ view, me, statements, isAdmin, mayChange }} />
          {children({ view, me, statements, isAdmin, mayChange })}
        </>
      )}
      {statements.dialog}
    </>
  );
}

interface TabsProps {
  readonly page: PeoplePageName | "networks";
  readonly isAdmin: boolean;
}

/** Networks are no part of the trust log, and an administrator's alone, but stand among what is set up for people. */
export function TrustTabs({ page, isAdmin }: TabsProps) {
  const tabRow = useRef<HTMLElement>(null);
  // Eight tabs are wider than a phone.
  useEffect(() => tabRow.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" }), [page]);
  const currentIf = (name: TabsProps["page"]) => (name === page ? "page" : undefined);
  return (
    <nav class="tabs" aria-label="Trust log" ref={tabRow}>
      {peoplePages.map((name) => (
        <a key={name} href={`/${name}`} aria-current={currentIf(name)}>
          {tabs[name]}
        </a>
      ))}
      {isAdmin && (
        <a href="/people/networks" aria-current={currentIf("networks")}>
          Networks
        </a>
      )}
    </nav>
  );
}

export function isAdministrator({ state }: TrustView, person: string, now: number): boolean {
  return hasPermission(state, person, { permission: "workspace.administer", now });
}

/** Why nothing can be changed from this very page, and where it can. */
function OriginNote({ view, isAdmin }: { readonly view: TrustView; readonly isAdmin: boolean }) {
  const { origin } = useApp().backend;
  const isListed = view.state.origins.some((listed) => new URL(listed.origin).host === origin.host);
  if (!isListed) {
    return (
      <Banner tone="warn" icon="warn">
        <strong>This address is not listed by the workspace.</strong> Hosts refuse whatever is approved on{" "}
        <code>{origin.host}</code>. Open a signer that is listed, go to Addresses there, and add this one.
      </Banner>
    );
  }
  if (origin.class === "signer" || !isAdmin) return null;
  return (
    <Banner tone="honest" icon="globe">
      <strong>Changes need your own machine.</strong> This page comes from the edge, so who may do what can be looked at
      here and changed only in the signer.
      <Command
        caption="On your own machine"
        command={`clawhold ui --edge https://${origin.host} --workspace=${view.state.workspace}`}
      />
    </Banner>
  );
}
