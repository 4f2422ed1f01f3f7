/** A person's passkeys: what each is good for, taking one back, and adding another of one's own. */
import { useSignal } from "@preact/signals";
import { Banner } from "../../components/banner.tsx";
import { TouchButton, TroubleText } from "../../components/parts.tsx";
import { Relative } from "../../components/time.tsx";
import { Icon } from "../../icons.tsx";
import { useApp } from "../../state/app.ts";
import type { TouchStep, Trouble } from "../../state/backend.ts";
import type { PasskeyView, PersonView } from "../../state/people.ts";
import type { Desk } from "./frame.tsx";

interface PasskeysProps {
  readonly person: PersonView;
  readonly desk: Desk;
  /** Ids of the passkeys that open sessions were opened with; own ones only. */
  readonly current: string | undefined;
}

export function PasskeyList({ person, desk, current }: PasskeysProps) {
  if (person.passkeys.length === 0) return <p class="small muted">No passkey: nobody can sign in as this person.</p>;
  return (
    <ul class="list card">
      {person.passkeys.map((passkey) => (
        <PasskeyItem
          key={passkey.id}
          passkey={passkey}
          person={person}
          desk={desk}
          isCurrent={passkey.id === current}
        />
      ))}
    </ul>
  );
}

interface ItemProps {
  readonly passkey: PasskeyView;
  readonly person: PersonView;
  readonly desk: Desk;
  readonly isCurrent: boolean;
}

function PasskeyItem({ passkey, person, desk, isCurrent }: ItemProps) {
  const { backend } = useApp();
  const own = person.id === desk.me;
  const mayRevoke = desk.mayChange || (own && backend.origin.class === "signer");
  return (
    <li>
      <Icon name={passkey.synced ? "device" : "key"} class="t-ink" />
      <div class="grow">
        <p class="row wrap">
          <code class="strong">{passkey.id.slice(0, 12)}…</code>
          {isCurrent && <span class="badge">used for this session</span>}
          {passkey.originClass === "daily" && <span class="badge">daily only</span>}
        </p>
        <p class="small muted">
          {passkey.synced ? "May be copied to other devices" : "Stays on one device"}, for <code>{passkey.rpId}</code>
          {passkey.originClass === "signer" ? ", good for everything the roles allow" : ""}. Added{" "}
          <Relative at={passkey.addedAt} ago />.
        </p>
      </div>
      {mayRevoke && (
        <button
          class="btn sm danger end"
          type="button"
          aria-label={`Revoke the passkey ${passkey.id.slice(0, 12)} of ${person.name}`}
          onClick={() => desk.statements.ask({ kind: "credential.revoke", body: { credential: passkey.id } })}
        >
          Revoke…
        </button>
      )}
    </li>
  );
}

const waits = {
  create: "Touch the new authenticator.",
  approve: "Now approve it with the passkey you have.",
} as const;

function describe(step: TouchStep | undefined): string | undefined {
  switch (step?.kind) {
    case "touch":
      return waits[step.purpose];
    case "sending":
      return "Writing it to the trust log.";
    case "done":
      return "Added. Every host learns of it with the next word it hears.";
    case "cancelled":
      return "The authenticator was closed. Nothing was added.";
    case "failed":
    case undefined:
      return undefined;
  }
}

export function AddPasskey({ first }: { readonly first: boolean }) {
  const { backend } = useApp();
  if (backend.origin.class === "daily") {
    return (
      <p class="small muted">
        A passkey is added in the signer: approving it changes whom hosts obey. One for this address comes by an
        invitation that an administrator gives to you as another passkey of yours.
      </p>
    );
  }
  return <AddHere first={first} />;
}

function AddHere({ first }: { readonly first: boolean }) {
  const { backend } = useApp();
  const step = useSignal<TouchStep | undefined>(undefined);
  const busy = step.value?.kind === "touch" || step.value?.kind === "sending";
  const trouble: Trouble | undefined = step.value?.kind === "failed" ? step.value.trouble : undefined;
  const add = async () => {
    for await (const one of backend.addPasskey()) step.value = one;
  };
  return (
    <div class="stack mid">
      <div class="row">
        <TouchButton
          title={first ? "Add a second passkey" : "Add a passkey"}
          effect="two touches: the new one, then one you have"
          busy={busy}
          onClick={() => void add()}
        />
      </div>
      <p class="small muted" role="status">
        {describe(step.value) ??
          "Another device, or a security key. A passkey copied by the same account is not a second one."}
      </p>
      {trouble !== undefined && (
        <Banner tone="warn" icon="warn" live>
          <TroubleText trouble={trouble} />
        </Banner>
      )}
    </div>
  );
}
