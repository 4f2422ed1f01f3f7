/** Sign-in with a passkey. Tells nothing the server knows: no workspace name, no host, no "unknown user". */
import { useSignal } from "@preact/signals";
import { Banner } from "../components/banner.tsx";
import { TouchButton, TroubleText } from "../components/parts.tsx";
import { Icon, Mark } from "../icons.tsx";
import { Gatehouse } from "../shell.tsx";
import { useApp } from "../state/app.ts";
import type { Phase, Trouble } from "../state/backend.ts";

type SignedOut = Extract<Phase, { kind: "signed-out" }>;

const reasons = {
  asked: "You are signed out. This browser kept no key of the session.",
  idle: "Your session was ended: by 15 minutes of quiet, from another place, or with your roles. Sign in again to go on.",
  ended: "Your session reached its end; your role says how long one lasts. Sign in again to go on.",
} satisfies Record<NonNullable<SignedOut["why"]>, string>;

export function SignInPage({ phase }: { readonly phase: SignedOut }) {
  const { backend } = useApp();
  const busy = useSignal(false);
  const trouble = useSignal<Trouble | undefined>(undefined);
  const signIn = async () => {
    busy.value = true;
    trouble.value = undefined;
    const result = await backend.signIn();
    busy.value = false;
    if (!result.ok) trouble.value = result.trouble;
  };
  return (
    <Gatehouse title="Sign in" foot={<span>{backend.origin.host}</span>}>
      <div class="gatehouse-card stack">
        <div class="stack mid">
          <span class="brand-l">
            <Mark />
          </span>
          <div>
            <h1>Sign in</h1>
            <p class="muted">With a passkey. There is no password to type, or to steal.</p>
          </div>
        </div>
        {phase.why !== undefined && (
          <Banner tone="honest" icon="clock" live>
            <p class="small">{reasons[phase.why]}</p>
          </Banner>
        )}
        <TouchButton
          title="Sign in with a passkey"
          effect="opens a session on this device; your role says how long"
          busy={busy.value}
          block
          onClick={() => void signIn()}
        />
        {trouble.value !== undefined && (
          <Banner tone="warn" icon="warn" live>
            <TroubleText trouble={trouble.value} />
          </Banner>
        )}
        <OtherDevice />
        {backend.origin.class === "daily" && <FromEdge />}
      </div>
    </Gatehouse>
  );
}

function OtherDevice() {
  return (
    <details class="card fold">
      <summary>
        <Icon name="info" class="faint" />
        <span class="grow">Passkey on another device?</span>
        <Icon name="right" class="s turn" />
      </summary>
      <div class="fold-body">
        <p class="muted small">
          Choose “use a phone or security key” when your browser asks. A passkey made for another address of Clawhold
          will not show up here: each address needs its own.
        </p>
      </div>
    </details>
  );
}

function FromEdge() {
  return (
    <Banner tone="honest" icon="globe">
      <p class="small">
        <strong>This page comes from the edge.</strong> Daily operations such as restart work here. For critical ones
        open the dashboard on the machine that runs Clawhold.
      </p>
    </Banner>
  );
}
