/**
 * Content behind a touch: offers `content.read@1`, counts down while it is open, and hides what was read when it is over.
 * The host decides; when it says that the grant is gone, the page offers the touch again.
 */
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { Empty } from "../../components/parts.tsx";
import { Left } from "../../components/time.tsx";
import { useApp } from "../../state/app.ts";
import type { ContentKind, ReadName } from "../../state/readings.ts";
import { grantFor, useDesk, type Grant } from "./desk.ts";
import { Act } from "./parts.tsx";
import type { ReadState } from "./reading.tsx";

/** As long as a host may hold one. */
export const GRANT_SECONDS = 900;

interface UsedGrant {
  readonly grant: Grant | undefined;
  /** What `children` read with it: a refusal for want of a grant ends it here too. */
  readonly end: () => void;
}

export function useGrant(kind: ContentKind, session?: string): UsedGrant {
  const { now } = useApp();
  const desk = useDesk();
  const grant = grantFor(desk.grants, { kind, ...(session === undefined ? {} : { session }) }, now.value);
  return { grant, end: () => desk.dropGrants(kind) };
}

interface GrantedProps {
  readonly kind: ContentKind;
  readonly session?: string;
  /** What is behind it, as the object of "shows …". */
  readonly what: string;
  readonly children: () => ComponentChildren;
}

export function Granted({ kind, session, what, children }: GrantedProps) {
  const { grant, end } = useGrant(kind, session);
  if (grant === undefined) return <Closed kind={kind} session={session} what={what} />;
  return (
    <div class="stack mid">
      <p class="row wrap tiny faint" role="status">
        <span>
          Open for this sign-in alone, <Left at={grant.until} /> left.
        </span>
        <button class="btn quiet sm" type="button" onClick={end}>
          Close on this page
        </button>
      </p>
      {children()}
    </div>
  );
}

interface ClosedProps {
  readonly kind: ContentKind;
  readonly session: string | undefined;
  readonly what: string;
}

function Closed({ kind, session, what }: ClosedProps) {
  const { host } = useDesk();
  const args = { kinds: [kind], seconds: GRANT_SECONDS, ...(session === undefined ? {} : { session }) };
  return (
    <Empty
      icon="lock"
      title="Behind a touch"
      actions={
        <Act wish={{ operation: "content.read@1", args }} icon="touch">
          Open for 15 minutes…
        </Act>
      }
    >
      <p>
        One touch shows {what}, sealed on {host.label} for this browser alone. Activity records that you read it, and
        not what it said.
      </p>
    </Empty>
  );
}

/** The grant ended on the host: nothing more is shown as open. */
export function useGrantEnd<N extends ReadName>(kind: ContentKind, read: ReadState<N>): void {
  const desk = useDesk();
  const isGone = read.trouble?.code === "grant";
  useEffect(() => {
    if (isGone) desk.dropGrants(kind);
  }, [isGone, kind]);
}
