/** People as the trust log has them: who, what, until when, with which passkeys; and who of the hosts has heard of it. */
import { useEffect } from "preact/hooks";
import { Banner } from "../../components/banner.tsx";
import { Relative } from "../../components/time.tsx";
import { formatNumberOf } from "../../format.ts";
import { useApp } from "../../state/app.ts";
import { daysUntil, endingSoon, lastRevocation, peopleOf, type PersonView } from "../../state/people.ts";
import { CoveragePill, CoverageText, useCoverage } from "../../statement/coverage.tsx";
import { groundOf } from "../../statement/ground.ts";
import { tell } from "../../statement/wording.ts";
import { TrustFrame, type Desk } from "./frame.tsx";
import { InviteCard } from "./invite.tsx";
import { askRenewal, PersonCard } from "./person-card.tsx";

export function PeoplePage() {
  return (
    <TrustFrame page="people" lead="A view of the trust log. Hosts enforce it themselves.">
      {(desk) => <People desk={desk} />}
    </TrustFrame>
  );
}

function People({ desk }: { readonly desk: Desk }) {
  const { backend, now } = useApp();
  useEffect(() => void backend.sessions.load(), [backend]);
  const people = peopleOf(desk.view, now.value);
  const sessions = backend.sessions.list.value;
  const passkeys = backend.passkeys.value;
  const current = passkeys.state === "ready" ? passkeys.value.find((one) => one.current)?.id : undefined;
  const countOf = (person: string): number | undefined => {
    if (sessions.state !== "ready" || !(desk.isAdmin || person === desk.me)) return undefined;
    return sessions.value.filter(({ proof }) => proof?.person === person).length;
  };
  return (
    <>
      <EndingNote desk={desk} now={now.value} />
      <CoverageCard desk={desk} />
      <section class="stack mid" aria-labelledby="people-list">
        <h2 id="people-list">{formatNumberOf(people.length, "person", "people")}</h2>
        {people.map((person) => (
          <PersonCard
            key={person.id}
            person={person}
            desk={desk}
            sessions={countOf(person.id)}
            currentPasskey={current}
          />
        ))}
      </section>
      {desk.isAdmin && <InviteCard desk={desk} />}
    </>
  );
}

const AT_ONCE = 2;

/** Said well before: whoever is forgotten here stands before a closed door on that day. */
function EndingNote({ desk, now }: { readonly desk: Desk; readonly now: number }) {
  const ending = endingSoon(desk.view, now);
  if (ending.length === 0) return null;
  return (
    <>
      {ending.slice(0, AT_ONCE).map((person) => (
        <Banner
          key={person.id}
          tone="warn"
          icon="clock"
          act={
            desk.mayChange && (
              <button class="btn sm" type="button" onClick={() => askRenewal(desk, person)}>
                Renew…
              </button>
            )
          }
        >
          <strong>{endingSentence(person, desk.me, now)}</strong> Renewing takes one touch of one administrator.
        </Banner>
      ))}
      {ending.length > AT_ONCE && (
        <p class="small muted">and {formatNumberOf(ending.length - AT_ONCE, "more person", "more people")} below</p>
      )}
    </>
  );
}

export function endingSentence(person: PersonView, me: string, now: number): string {
  const whose = person.id === me ? "Your roles" : `The roles of ${person.name}`;
  if (person.ending === "over") return `${whose} ended.`;
  if (person.ending === "kept") return `${whose} ended and still count, because no other administrator is left.`;
  const days = daysUntil(person.until ?? now, now);
  return days === 0 ? `${whose} end today.` : `${whose} end in ${formatNumberOf(days, "day")}.`;
}

/** The newest thing that was taken back, and where it counts already. */
function CoverageCard({ desk }: { readonly desk: Desk }) {
  const { backend } = useApp();
  const coverage = useCoverage();
  const last = lastRevocation(desk.view);
  if (last === undefined || coverage === undefined) return null;
  const { done } = tell(last.statement, groundOf(backend, desk.view));
  return (
    <section class="card" aria-labelledby="coverage">
      <div class="card-head">
        <h2 id="coverage">
          {done}, <Relative at={last.statement.at} ago />
        </h2>
        <CoveragePill coverage={coverage} />
      </div>
      <div class="card-body stack">
        <CoverageText coverage={coverage} />
      </div>
    </section>
  );
}
