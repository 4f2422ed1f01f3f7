/** One person: what they may do and until when, their passkeys, and what an administrator can change about it. */
import { useSignal } from "@preact/signals";
import { Banner } from "../../components/banner.tsx";
import { State } from "../../components/state.tsx";
import { formatNumberOf } from "../../format.ts";
import { Icon } from "../../icons.tsx";
import { useApp } from "../../state/app.ts";
import type { Shape } from "../../state/condition.ts";
import { isOnlyAdministrator, type Ending, type PersonView } from "../../state/people.ts";
import { endWords, roleWords } from "../../statement/words.ts";
import { EndField, RoleChoices, untilOf } from "./fields.tsx";
import type { Desk } from "./frame.tsx";
import { AddPasskey, PasskeyList } from "./passkeys.tsx";

interface PersonProps {
  readonly person: PersonView;
  readonly desk: Desk;
  /** Absent: this page was not told of anybody's sessions. */
  readonly sessions: number | undefined;
  readonly currentPasskey: string | undefined;
}

export function PersonCard({ person, desk, sessions, currentPasskey }: PersonProps) {
  const isMe = person.id === desk.me;
  const { now } = useApp();
  return (
    <details class="card fold" open={isMe}>
      <summary>
        <span class={isMe ? "avatar" : "avatar soft"} aria-hidden="true">
          <Icon name="user" class="s" />
        </span>
        <span class="grow">
          <span class="fold-head">
            <span class="strong">
              <bdi>{person.name}</bdi> {isMe && <span class="faint">you</span>}
            </span>
            <span class="small muted">{roleWords(person.roles)}</span>
            {person.roles.length > 0 && <End person={person} now={now.value} />}
          </span>
          <span class="fold-head small">
            <Passkeys count={person.passkeys.length} />
            {sessions !== undefined && <span class="muted">{formatNumberOf(sessions, "open session")}</span>}
          </span>
        </span>
        <Icon name="right" class="s turn" />
      </summary>
      <div class="fold-body">
        {!person.named && (
          <p class="small muted">
            The name is not shown: the log carries only a commitment to it, and the control plane gave no name that
            fits.
          </p>
        )}
        <h3>{formatNumberOf(person.passkeys.length, "passkey")}</h3>
        {isMe && person.passkeys.length === 1 && (
          <Banner tone="ink" icon="key">
            <strong>You have one passkey.</strong> If it is lost,{" "}
            {isOnlyAdministrator(desk.view, person.id)
              ? "nobody can administer this workspace any more."
              : "an administrator has to invite you for another."}{" "}
            Add a second, best a security key that you keep elsewhere.
          </Banner>
        )}
        <PasskeyList person={person} desk={desk} current={isMe ? currentPasskey : undefined} />
        {isMe && <AddPasskey first={person.passkeys.length < 2} />}
        {desk.mayChange && <Manage person={person} desk={desk} />}
      </div>
    </details>
  );
}

const endShapes = {
  never: undefined,
  later: undefined,
  soon: "warn",
  over: "bad",
  kept: "bad",
} as const satisfies Record<Ending, Shape | undefined>;

function End({ person, now }: { readonly person: PersonView; readonly now: number }) {
  const words = endWords(person.until, now, person.ending);
  const shape = endShapes[person.ending];
  return <span class="small muted">{shape === undefined ? words : <State shape={shape}>{words}</State>}</span>;
}

function Passkeys({ count }: { readonly count: number }) {
  if (count === 0) return <State shape="bad">no passkey</State>;
  if (count === 1) return <State shape="warn">1 passkey, add a second</State>;
  return <State shape="ok">{formatNumberOf(count, "passkey")}</State>;
}

export function askRenewal(desk: Desk, person: PersonView): void {
  desk.statements.ask({ kind: "role.assign", body: { person: person.id, roles: [...person.roles] } });
}

function Manage({ person, desk }: { readonly person: PersonView; readonly desk: Desk }) {
  const { backend } = useApp();
  const chosen = useSignal<readonly string[]>(person.roles);
  const days = useSignal(90);
  const change = () =>
    desk.statements.ask({
      kind: "role.assign",
      body: { person: person.id, roles: [...chosen.value], ...untilOf(days.value, backend.now()) },
    });
  return (
    <>
      <h3>{person.id === desk.me ? "Change what you may do" : "Change what they may do"}</h3>
      <RoleChoices view={desk.view} chosen={chosen} />
      <EndField id={`end-${person.id}`} value={days} what="These roles end" />
      <div class="row wrap">
        <button class="btn" type="button" onClick={change}>
          Set these roles…
        </button>
        {person.until !== undefined && person.roles.length > 0 && (
          <button class="btn" type="button" onClick={() => askRenewal(desk, person)}>
            <Icon name="restart" class="s" />
            Renew for 90 days…
          </button>
        )}
      </div>
      <h3>Take back</h3>
      <p class="small muted">
        One administrator and one touch. It counts on a host from the moment that the host confirms it, and this page
        says which have.
      </p>
      <div class="row wrap">
        {person.roles.length > 0 && (
          <button
            class="btn danger"
            type="button"
            onClick={() => desk.statements.ask({ kind: "role.revoke", body: { grant: person.grant } })}
          >
            Take all roles…
          </button>
        )}
        <button
          class="btn danger"
          type="button"
          onClick={() => desk.statements.ask({ kind: "person.revoke", body: { person: person.id } })}
        >
          <span>
            Revoke <bdi>{person.name}</bdi>…
          </span>
        </button>
      </div>
    </>
  );
}
