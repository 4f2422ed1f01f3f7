/** Open sign-ins: whose, from where, since when; ending one, or all of a person with one touch. */
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { ADMIN_SESSION_SECONDS, MAX_SESSIONS_PER_PERSON, SESSION_IDLE_SECONDS } from "../../../protocol/limits.ts";
import { sessionLimit } from "../../../protocol/trust/state.ts";
import { Banner } from "../../components/banner.tsx";
import { Empty, TroubleText, Waiting } from "../../components/parts.tsx";
import { State } from "../../components/state.tsx";
import { Left, Relative } from "../../components/time.tsx";
import { formatNumberOf, formatSpan } from "../../format.ts";
import { Icon } from "../../icons.tsx";
import { useApp } from "../../state/app.ts";
import type { Trouble } from "../../state/backend.ts";
import { nameIn } from "../../state/people.ts";
import type { SessionStep, SessionView } from "../../state/sessions.ts";
import { TrustFrame, type Desk } from "../people/frame.tsx";

const LOOK_EVERY_MS = 10_000;

export function SessionsPage() {
  return (
    <TrustFrame page="sessions" lead="Who is signed in, where, since when.">
      {(desk) => <Sessions desk={desk} />}
    </TrustFrame>
  );
}

function Sessions({ desk }: { readonly desk: Desk }) {
  const { backend } = useApp();
  useEffect(() => {
    void backend.sessions.load();
    const timer = setInterval(() => void backend.sessions.load(), LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [backend]);
  const list = backend.sessions.list.value;
  return (
    <>
      {list.state === "loading" && <Waiting what="Reading the open sessions" />}
      {list.state === "failed" && (
        <Empty icon="lock" title="The sessions cannot be shown">
          <p>
            <TroubleText trouble={list.trouble} />
          </p>
        </Empty>
      )}
      {list.state === "ready" && <List sessions={list.value} desk={desk} />}
      <Limits desk={desk} />
    </>
  );
}

/** One person's sessions: one's own first, and those whose sign-in proves nothing last. */
interface Group {
  /** Absent: nobody's. */
  readonly person?: string;
  readonly sessions: readonly SessionView[];
}

export function groupsOf(sessions: readonly SessionView[], me: string): readonly Group[] {
  const groups = new Map<string | undefined, SessionView[]>();
  for (const session of sessions) {
    const person = session.proof?.person;
    groups.set(person, [...(groups.get(person) ?? []), session]);
  }
  const place = (person: string | undefined): number => (person === me ? 0 : person === undefined ? 2 : 1);
  return [...groups]
    .toSorted(([a], [b]) => place(a) - place(b))
    .map(([person, own]) => ({ sessions: own, ...(person === undefined ? {} : { person }) }));
}

function List({ sessions, desk }: { readonly sessions: readonly SessionView[]; readonly desk: Desk }) {
  const { backend } = useApp();
  const busy = useSignal(false);
  const said = useSignal<string | undefined>(undefined);
  const trouble = useSignal<Trouble | undefined>(undefined);
  const end = async (ids: readonly string[]) => {
    busy.value = true;
    trouble.value = undefined;
    const last = await lastOf(backend.sessions.end(ids), (words) => (said.value = words));
    if (last?.kind === "failed") trouble.value = last.trouble;
    said.value = last?.kind === "done" ? `${formatNumberOf(ids.length, "session")} ended.` : "Nothing was ended.";
    busy.value = false;
  };
  return (
    <>
      {/* Outside of the cards: one is gone with the last session of its person. */}
      <p class="small muted" role="status">
        {said.value ?? "Ending takes one touch, for one session or for all of a person. Hosts refuse what ended."}
      </p>
      {trouble.value !== undefined && (
        <Banner tone="warn" icon="warn" live>
          <TroubleText trouble={trouble.value} />
        </Banner>
      )}
      {groupsOf(sessions, desk.me).map((group) => (
        <GroupCard
          key={group.person ?? "nobody"}
          group={group}
          desk={desk}
          busy={busy.value}
          onEnd={(ids) => void end(ids)}
        />
      ))}
    </>
  );
}

interface GroupProps {
  readonly group: Group;
  readonly desk: Desk;
  /** Of the whole page: one touch at a time. */
  readonly busy: boolean;
  readonly onEnd: (ids: readonly string[]) => void;
}

function GroupCard({ group: { person, sessions }, desk, busy, onEnd }: GroupProps) {
  const isMine = person === desk.me;
  const mayEnd = person !== undefined && (isMine || desk.isAdmin);
  const name = person === undefined ? undefined : nameIn(desk.view, person);
  const others = isMine ? sessions.filter(({ current }) => !current) : sessions;
  const heading = `sessions-${person ?? "nobody"}`;
  return (
    <section class="card" aria-labelledby={heading}>
      <div class="card-head">
        <h2 id={heading}>
          <bdi>{isMine ? "You" : (name ?? "Nobody")}</bdi>: {formatNumberOf(sessions.length, "open session")}
        </h2>
        {mayEnd && others.length > 1 && (
          <button class="btn sm" type="button" disabled={busy} onClick={() => onEnd(others.map(({ id }) => id))}>
            {isMine ? `End my ${others.length} others` : `End all ${others.length} of ${name ?? ""}`}
          </button>
        )}
      </div>
      <ul class="list">
        {sessions.map((session) => (
          <Session
            key={session.id}
            session={session}
            name={name}
            mayEnd={mayEnd}
            busy={busy}
            onEnd={() => onEnd([session.id])}
          />
        ))}
      </ul>
      {!mayEnd && <p class="card-foot">{whyNot(person)}</p>}
    </section>
  );
}

function whyNot(person: string | undefined): string {
  return person === undefined
    ? "Nothing can be signed that ends these: their sign-ins prove nothing, so no host obeys them."
    : "Their person or an administrator can end these.";
}

async function lastOf(
  steps: AsyncIterable<SessionStep>,
  say: (words: string) => void,
): Promise<SessionStep | undefined> {
  let last: SessionStep | undefined;
  for await (const step of steps) {
    last = step;
    if (step.kind === "touch") say("Touch your authenticator.");
    if (step.kind === "sending") say("Ending it.");
  }
  return last;
}

interface SessionProps {
  readonly session: SessionView;
  readonly name: string | undefined;
  readonly mayEnd: boolean;
  readonly busy: boolean;
  readonly onEnd: () => void;
}

function Session({ session, name, mayEnd, busy, onEnd }: SessionProps) {
  const { proof, current } = session;
  return (
    <li>
      <Icon name={proof?.originClass === "signer" ? "laptop" : "globe"} class="faint" />
      <div class="grow">
        <p class="row wrap">
          <span class="strong">
            <bdi>{session.device}</bdi>
          </span>
          {current && <span class="badge">this one</span>}
          {proof === undefined && <State shape="unknown">Its sign-in does not verify, so it is nobody's</State>}
        </p>
        <p class="small muted">
          <code class="break">{session.origin}</code>
          {session.place !== undefined && (
            <>
              {" "}
              from <code class="break">{session.place}</code>
            </>
          )}
          , signed in <Relative at={session.startedAt} ago />, last seen <Relative at={session.lastSeenAt} ago />. Ends
          in <Left at={session.endsAt} />.
        </p>
      </div>
      {mayEnd && (
        <button
          class="btn sm end"
          type="button"
          disabled={busy}
          aria-label={
            current ? "Sign out of this session" : `End it: the session of ${name ?? "nobody"} on ${session.device}`
          }
          onClick={onEnd}
        >
          {current ? "Sign out" : "End it"}
        </button>
      )}
    </li>
  );
}

function Limits({ desk }: { readonly desk: Desk }) {
  const { backend } = useApp();
  const seconds = sessionLimit(desk.view.state, desk.me, backend.now());
  return (
    <section class="card" aria-labelledby="session-limits">
      <div class="card-head">
        <h2 id="session-limits">Limits</h2>
      </div>
      <div class="card-body small stack tight">
        <p>
          Yours last at most <strong>{formatSpan(seconds)}</strong>; the shortest of your roles decides, and every host
          checks it. This browser remembers that for your next sign-in; one that does not know you asks for{" "}
          {formatSpan(ADMIN_SESSION_SECONDS)}. A session ends at once when your roles do, or when new ones allow less.
        </p>
        <p class="muted">
          The control plane also ends a session after {formatSpan(SESSION_IDLE_SECONDS)} of quiet or sooner, and keeps
          at most {MAX_SESSIONS_PER_PERSON} of one person. Device and address are what it was told; whose a session is
          was proven in this browser.
        </p>
      </div>
    </section>
  );
}
