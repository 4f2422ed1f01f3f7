/** A host that waits in quarantine: compare six words, then one touch. Admission is a statement, made in the signer. */
import { useSignal } from "@preact/signals";
import { Banner } from "../../components/banner.tsx";
import { TouchButton, TroubleText, Words } from "../../components/parts.tsx";
import { Icon } from "../../icons.tsx";
import { useApp } from "../../state/app.ts";
import type { HostView, Trouble } from "../../state/backend.ts";

export function AdmissionCard({ host }: { readonly host: HostView }) {
  const id = `admit-${host.id}`;
  return (
    <section class="card" aria-labelledby={id}>
      <div class="card-head">
        <h2 id={id}>
          <bdi>{host.label}</bdi> wants to join
        </h2>
        <span class="badge critical">
          <Icon name="posture" />
          critical
        </span>
      </div>
      <div class="card-body stack mid">
        <AdmissionBody host={host} />
      </div>
    </section>
  );
}

function AdmissionBody({ host }: { readonly host: HostView }) {
  const { backend } = useApp();
  if (host.joinTrouble !== undefined) {
    return (
      <Banner tone="bad" icon="bad">
        <TroubleText trouble={host.joinTrouble} />
      </Banner>
    );
  }
  // The key: what a person began to compare belongs to one host.
  return backend.origin.class === "signer" ? <Compare key={host.id} host={host} /> : <NeedsSigner />;
}

function Compare({ host }: { readonly host: HostView }) {
  const { backend } = useApp();
  const busy = useSignal(false);
  const differ = useSignal(false);
  const trouble = useSignal<Trouble | undefined>(undefined);
  // What the person began to compare: a row that changes under their eyes must not change what they press.
  const shown = useSignal(host.join);
  const admit = async () => {
    const { join } = host;
    busy.value = true;
    trouble.value = undefined;
    for await (const step of backend.admit(host.id, shown.value)) {
      if (step.kind === "failed") trouble.value = step.trouble;
    }
    shown.value = join; // a changed one has been told of now
    busy.value = false;
  };
  if (differ.value) {
    return (
      <Banner
        tone="bad"
        icon="bad"
        act={
          <button class="btn sm" type="button" onClick={() => (differ.value = false)}>
            Show the words again
          </button>
        }
      >
        <strong>Then do not admit it.</strong> Another key answers in its place. It stays in quarantine, where it can do
        nothing. Make a new join file, carry it over by a way that you trust, and join with an empty data directory (
        <code>--data</code>).
      </Banner>
    );
  }
  return (
    <>
      <p>The terminal of {host.label} shows six words. They must be these:</p>
      <Words words={host.words} label={`Six words of ${host.label}`} />
      <div class="row wrap">
        <TouchButton
          title="They match, admit with passkey"
          effect={`${host.label} becomes a host of this workspace`}
          busy={busy.value}
          onClick={() => void admit()}
        />
        <button class="btn quiet" type="button" onClick={() => (differ.value = true)}>
          They differ
        </button>
      </div>
      {trouble.value !== undefined && (
        <Banner tone="warn" icon="warn" live>
          <TroubleText trouble={trouble.value} />
        </Banner>
      )}
    </>
  );
}

function NeedsSigner() {
  return (
    <>
      <p>
        Admitting a host changes whom hosts obey, so it is accepted only from the signer, which the edge does not serve.
      </p>
      <p class="small muted">Open the dashboard on the machine that runs Clawhold, at clawhold.localhost.</p>
    </>
  );
}
