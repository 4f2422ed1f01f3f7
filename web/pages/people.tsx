/** For now: your own passkeys, and the nudge to have two. */
import { useSignal } from "@preact/signals";
import { Banner } from "../components/banner.tsx";
import { Empty, TouchButton, TroubleText, Waiting } from "../components/parts.tsx";
import { Relative } from "../components/time.tsx";
import { formatNumberOf } from "../format.ts";
import { Icon } from "../icons.tsx";
import { useApp } from "../state/app.ts";
import type { Passkey, TouchStep, Trouble } from "../state/backend.ts";

export function PeoplePage() {
  const { backend } = useApp();
  const person = backend.person.value;
  const passkeys = backend.passkeys.value;
  return (
    <>
      <div class="page-head">
        <div>
          <h1>People</h1>
          <p>A view of the trust log. Hosts enforce it themselves.</p>
        </div>
      </div>
      {person !== undefined && (
        <section class="card" aria-labelledby="you">
          <div class="card-head">
            <h2 id="you" class="row">
              <span class="avatar" aria-hidden="true">
                <Icon name="user" class="s" />
              </span>
              <bdi>{person.name}</bdi> <span class="faint">you</span>
            </h2>
            <span class="small muted">{person.role}</span>
          </div>
          <div class="card-body stack">
            {passkeys.state === "loading" && <Waiting what="Reading your passkeys" />}
            {passkeys.state === "failed" && (
              <Empty icon="key" title="Your passkeys cannot be shown">
                <p>
                  <TroubleText trouble={passkeys.trouble} />
                </p>
              </Empty>
            )}
            {passkeys.state === "ready" && <Passkeys passkeys={passkeys.value} />}
          </div>
        </section>
      )}
    </>
  );
}

function Passkeys({ passkeys }: { readonly passkeys: readonly Passkey[] }) {
  return (
    <>
      {passkeys.length === 1 && (
        <Banner tone="ink" icon="key">
          <strong>You have one passkey.</strong> If it is lost, nobody can administer this workspace any more. Add a
          second, best a security key that you keep elsewhere.
        </Banner>
      )}
      <div class="stack tight">
        <h3>{formatNumberOf(passkeys.length, "passkey")}</h3>
        <ul class="list card">
          {passkeys.map((passkey) => (
            <PasskeyItem key={passkey.id} passkey={passkey} />
          ))}
        </ul>
      </div>
      <AddPasskey first={passkeys.length < 2} />
    </>
  );
}

function PasskeyItem({ passkey }: { readonly passkey: Passkey }) {
  return (
    <li>
      <Icon name={passkey.synced ? "device" : "key"} class="t-ink" />
      <div class="grow">
        <p class="row wrap">
          <span class="strong">
            <bdi>{passkey.label ?? `passkey ${passkey.id.slice(0, 8)}`}</bdi>
          </span>
          {passkey.current && <span class="badge">used for this session</span>}
          {passkey.originClass === "daily" && <span class="badge">daily only</span>}
        </p>
        <p class="small muted">
          {passkey.synced ? "May be copied to your other devices" : "Stays on one device"}, for{" "}
          <code>{passkey.rpId}</code>
        </p>
      </div>
      <span class="end tiny faint">
        added <Relative at={passkey.addedAt} ago />
      </span>
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

function AddPasskey({ first }: { readonly first: boolean }) {
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
