/** Open sign-ins: whose, from where, since when; ending one or all others. */
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { MAX_SESSIONS_PER_PERSON, SESSION_IDLE_SECONDS } from "../../../protocol/limits.ts";
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

function List({ sessions, desk }: { readonly sessions: readonly SessionView[]; readonly desk: Desk }) {
  const { backend } = useApp();
  const busy = useSignal(false);
  const said = useSignal<string | undefined>(undefined);
  const trouble = useSignal<Trouble | undefined>(undefined);
  const others = sessions.filter(({ proof, current }) => proof?.person === desk.me && !current);
  const end = async (ids: readonly string[]) => {
    busy.value = true;
    trouble.value = undefined;
    let ended = 0;
    for (const id of ids) {
      const last = await lastOf(backend.sessions.end(id), (words) => (said.value = words));
      if (last?.kind === "failed") trouble.value = last.trouble;
      if (last?.kind !== "done") break;
      ended += 1;
    }
    said.value = ended === 0 ? "Nothing was ended." : `${formatNumberOf(ended, "session")} ended.`;
    busy.value = false;
  };
  return (
    <section class="card" aria-labelledby="sessions">
      <div class="card-head">
        <h2 id="sessions">{formatNumberOf(sessions.length, "open session")}</h2>
        {others.length > 0 && (
          <button
            class="btn sm"
            type="button"
            disabled={busy.value}
            onClick={() => void end(others.map(({ id }) => id))}
          >
            End my others: {formatNumberOf(others.length, "touch", "touches")}
          </button>
        )}
      </div>
      <ul class="list">
        {sessions.map((session) => (
          <Session
            key={session.id}
            session={session}
            desk={desk}
            busy={busy.value}
            onEnd={() => void end([session.id])}
          />
        ))}
      </ul>
      <p class="card-foot" role="status">
        {said.value ?? "Ending a session takes a touch; this one ends by its own key. Hosts refuse it from then on."}
      </p>
      {trouble.value !== undefined && (
        <Banner tone="warn" icon="warn" live>
          <TroubleText trouble={trouble.value} />
        </Banner>
      )}
    </section>
  );
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
  readonly desk: Desk;
  readonly busy: boolean;
  readonly onEnd: () => void;
}

function Session({ session, desk, busy, onEnd }: SessionProps) {
  const { proof, current } = session;
  const name = proof === undefined ? undefined : nameIn(desk.view, proof.person);
  const mayEnd = proof !== undefined && (proof.person === desk.me || desk.isAdmin);
  return (
    <li>
      <Icon name={proof?.originClass === "signer" ? "laptop" : "globe"} class="faint" />
      <div class="grow">
        <p class="row wrap">
          <span class="strong">
            <bdi>{session.device}</bdi>
          </span>
          {current && <span class="badge">this one</span>}
          {name === undefined ? (
            <State shape="unknown">Its sign-in does not verify, so it is nobody's</State>
          ) : (
            <bdi class="small muted">{name}</bdi>
          )}
        </p>
        <p class="small muted">
          <code>{session.origin}</code>
          {session.place !== undefined && (
            <>
              {" "}
              from <code>{session.place}</code>
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
          checks it. A sign-in asks for the shortest limit that anybody here has, because whose it is shows only with
          the touch.
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
