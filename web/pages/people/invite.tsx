/**
 * Inviting somebody: a link, then six words that both compare, then one touch that adds the passkey with its roles. The
 * link lets somebody enrol and nothing more; the words are what tells their passkey from another.
 */
import { useEffect } from "preact/hooks";
import { useSignal, type Signal } from "@preact/signals";
import { Banner } from "../../components/banner.tsx";
import { ChoiceField, TextField } from "../../components/fields.tsx";
import { Command, TroubleText, Words } from "../../components/parts.tsx";
import { State } from "../../components/state.tsx";
import { Left } from "../../components/time.tsx";
import { Refusal } from "../../components/touching.tsx";
import { Icon } from "../../icons.tsx";
import { useApp } from "../../state/app.ts";
import type { Trouble } from "../../state/backend.ts";
import type { InvitationView, InvitedPasskey, NewInvitation } from "../../state/invitations.ts";
import { nameIn } from "../../state/people.ts";
import { EndField, RoleChoices, untilOf } from "./fields.tsx";
import type { Desk } from "./frame.tsx";

const LOOK_EVERY_MS = 5_000;

export function InviteCard({ desk }: { readonly desk: Desk }) {
  const { backend } = useApp();
  useEffect(() => {
    void backend.invitations.load();
    const timer = setInterval(() => void backend.invitations.load(), LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [backend]);
  const made = useSignal<NewInvitation | undefined>(undefined);
  const list = backend.invitations.list.value;
  const open = list.state === "ready" ? list.value.filter(({ state }) => state !== "added") : [];
  return (
    <section class="card" aria-labelledby="invite">
      <div class="card-head">
        <h2 id="invite">Invite somebody</h2>
      </div>
      <div class="card-body stack">
        <InviteForm onMade={(invitation) => (made.value = invitation)} />
        {made.value !== undefined && <LinkCard made={made.value} />}
        {list.state === "failed" && (
          <Banner tone="warn" icon="warn">
            <TroubleText trouble={list.trouble} />
          </Banner>
        )}
      </div>
      {open.length > 0 && (
        <ul class="list">
          {open.map((invitation) => (
            <Invitation key={invitation.id} invitation={invitation} desk={desk} />
          ))}
        </ul>
      )}
    </section>
  );
}

function InviteForm({ onMade }: { readonly onMade: (made: NewInvitation) => void }) {
  const { backend } = useApp();
  const label = useSignal("");
  const trouble = useSignal<Trouble | undefined>(undefined);
  const invite = async () => {
    const result = await backend.invitations.invite(label.value.trim());
    trouble.value = result.ok ? undefined : result.trouble;
    if (!result.ok) return;
    label.value = "";
    onMade(result.value);
  };
  return (
    <form
      class="stack mid"
      onSubmit={(event) => {
        event.preventDefault();
        void invite();
      }}
    >
      <TextField
        id="invite-label"
        label="Whom do you invite?"
        value={label}
        maxLength={64}
        capitals
        hint="Only for your list."
      />
      <div class="row">
        <button class="btn" type="submit" disabled={label.value.trim() === ""}>
          <Icon name="plus" class="s" />
          Make the link
        </button>
      </div>
      {trouble.value !== undefined && <Refusal trouble={trouble.value} />}
    </form>
  );
}

/** Shown once: the control plane keeps only its hash. */
function LinkCard({ made }: { readonly made: NewInvitation }) {
  const { backend } = useApp();
  const links = backend.invitations.links(made);
  return (
    <div class="stack mid">
      <Banner tone="honest" icon="info" live>
        <strong>This link is shown once.</strong> Send it by a way that you trust. It is good for one passkey and ends
        in <Left at={made.expires} />.
      </Banner>
      <h3>On their own machine: good for everything</h3>
      <p class="small muted">
        They start the dashboard first, then open the link. What they see there is served by their own machine, so the
        six words are a check.
      </p>
      <Command caption="1. In a terminal of their machine" command={links.start.join("\n")} />
      <Command caption="2. In their browser" command={links.signer} />
      {links.daily.map(({ origin, link }) => (
        <div class="stack mid" key={origin}>
          <h3>On a page that the edge serves: daily operations only</h3>
          <p class="small muted">
            Works on a phone. An edge that was taken over could put its own passkey in the place of theirs, and the
            words would not tell.
          </p>
          <Command caption={origin} command={link} />
        </div>
      ))}
    </div>
  );
}

function Invitation({ invitation, desk }: { readonly invitation: InvitationView; readonly desk: Desk }) {
  const { backend } = useApp();
  return (
    <li>
      <Icon name="user" class="faint" />
      <div class="grow stack mid">
        <div class="row wrap between">
          <span class="strong">
            <bdi>{invitation.label}</bdi>
          </span>
          <InvitationState invitation={invitation} />
        </div>
        {invitation.state === "enrolled" && invitation.enrolled !== undefined && (
          <Enrolled enrolled={invitation.enrolled} desk={desk} />
        )}
        <div class="row">
          <button class="btn quiet sm" type="button" onClick={() => void backend.invitations.withdraw(invitation.id)}>
            Withdraw the invitation
          </button>
        </div>
      </div>
    </li>
  );
}

function InvitationState({ invitation }: { readonly invitation: InvitationView }) {
  if (invitation.state === "over") return <State shape="stopped">Ended</State>;
  if (invitation.state === "enrolled") return <State shape="warn">Enrolled, waits for you</State>;
  return (
    <State shape="pending">
      Not used yet, <Left at={invitation.expires} /> left
    </State>
  );
}

/** Both sides compute the words; a person compares them. */
function Enrolled({ enrolled, desk }: { readonly enrolled: InvitedPasskey; readonly desk: Desk }) {
  const { backend } = useApp();
  const chosen = useSignal<readonly string[]>([]);
  const days = useSignal(90);
  const owner = useSignal("");
  const isCheck = enrolled.passkeyClass === "signer";
  const add = () => {
    if (owner.value !== "") {
      desk.statements.ask({ kind: "credential.add", body: { person: owner.value, ...enrolled.credential } });
      return;
    }
    desk.statements.ask({
      kind: "person.add",
      body: {
        id: backend.statements.freshPersonId(),
        name: enrolled.commitment,
        roles: [...chosen.value],
        ...untilOf(days.value, backend.now()),
        credentials: [enrolled.credential],
      },
    });
  };
  return (
    <>
      <p>
        The name they gave is{" "}
        <strong>
          <bdi>{enrolled.name}</bdi>
        </strong>
        .{" "}
        {isCheck
          ? "Their screen shows six words. Ask by voice which address their browser shows, then for the words; they must be these:"
          : "These six words are not a check:"}
      </p>
      <Words words={enrolled.words} label={`Six words of ${enrolled.name}`} />
      {isCheck && (
        <p class="small muted">
          The address must be <code>http://{enrolled.credential.rpId}</code>, a colon and a number. On any other page
          the control plane could show them any words, and would say here that it was this one.
        </p>
      )}
      {!isCheck && (
        <Banner tone="honest" icon="globe">
          <strong>Not a check.</strong> They enrolled on a page of the edge, which could show them any words. The
          passkey counts for daily operations only, and the edge may hold its key.
        </Banner>
      )}
      <OwnerField id={`owner-${enrolled.credential.credentialId}`} owner={owner} desk={desk} />
      {owner.value === "" && (
        <>
          <RoleChoices view={desk.view} chosen={chosen} />
          <EndField id={`end-${enrolled.credential.credentialId}`} value={days} what="The roles end" />
        </>
      )}
      {desk.mayChange && (
        <div class="row wrap">
          <button class="btn" type="button" onClick={add}>
            <Icon name="plus" class="s" />
            <span>
              {isCheck ? "They match, add" : "Add"} <bdi>{enrolled.name}</bdi>…
            </span>
          </button>
          {owner.value === "" && chosen.value.length === 0 && (
            <span class="small muted">Without a role they can sign in and see nothing.</span>
          )}
        </div>
      )}
    </>
  );
}

interface OwnerProps {
  readonly id: string;
  /** Empty: somebody new. */
  readonly owner: Signal<string>;
  readonly desk: Desk;
}

/** A passkey for another device, or for a page of the edge, of somebody who is here already. */
function OwnerField({ id, owner, desk }: OwnerProps) {
  const people = [...desk.view.state.people.keys()];
  const passkeys = people.map((person) => [person, `Another passkey of ${nameIn(desk.view, person)}`] as const);
  return <ChoiceField id={id} label="Who is it?" value={owner} options={[["", "Somebody new"], ...passkeys]} />;
}
