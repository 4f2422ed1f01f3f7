/** Clawhold's own agent on this host: which release runs, and the way to a newer one that was signed. */
import { useEffect } from "preact/hooks";
import { TroubleText } from "../../components/parts.tsx";
import { ReleaseFacts } from "../../components/release-facts.tsx";
import { Pill } from "../../components/state.tsx";
import { useApp } from "../../state/app.ts";
import type { Loadable } from "../../state/backend.ts";
import type { KnownRelease } from "../../state/releases.ts";
import { isBehind } from "../../state/rollout.ts";
import { useDesk } from "./desk.ts";
import { Act, SignerNote } from "./parts.tsx";

export function AgentCard() {
  const { releases } = useApp().backend;
  const { host } = useDesk();
  useEffect(() => releases.look(), [releases]);
  const known = releases.known.value;
  const running = host.telemetry?.host.agentVersion;
  if (running === undefined) return null;
  return (
    <section class="card" aria-labelledby="agent">
      <div class="card-head">
        <h2 id="agent">Agent</h2>
        <AgentPill known={known} running={running} />
      </div>
      <div class="card-body stack mid">
        <Known known={known} running={running} />
      </div>
    </section>
  );
}

interface KnownProps {
  readonly known: Loadable<KnownRelease | undefined>;
  readonly running: string;
}

function AgentPill({ known, running }: KnownProps) {
  const { host } = useDesk();
  if (known.state !== "ready" || known.value === undefined) return <span class="tiny faint">{running}</span>;
  const { version } = known.value;
  if (isBehind(host, version)) return <Pill shape="warn">{version} is newer</Pill>;
  return running === version ? <Pill shape="ok">newest known</Pill> : <span class="tiny faint">{running}</span>;
}

function Known({ known, running }: KnownProps) {
  const { host } = useDesk();
  if (known.state === "loading") return <p class="small muted">Looking for a signed release.</p>;
  if (known.state === "failed")
    return (
      <p class="small">
        <TroubleText trouble={known.trouble} />
      </p>
    );
  if (known.value === undefined)
    return (
      <p class="small muted">
        It runs {running}. No signed release is beside this page, so none can be offered. Whoever builds Clawhold signs
        releases with a key of their own: <code>node agent/release-sign.mjs --make-key</code>.
      </p>
    );
  const release = known.value;
  if (!isBehind(host, release.version))
    return (
      <p class="small muted">
        It runs {running}. The signed release beside this page is {release.version}.
      </p>
    );
  return <Offer release={release} running={running} />;
}

function Offer({ release, running }: { readonly release: KnownRelease; readonly running: string }) {
  const { version, sha256 } = release;
  return (
    <>
      <ReleaseFacts release={release} from={running} />
      <div class="acts">
        <Act wish={{ operation: "agent.update@1", args: { version, sha256 } }} icon="touch" look="btn primary">
          Update agent…
        </Act>
      </div>
      <p class="tiny faint">One host at a time. Ten minutes after it is back, the Fleet page updates the others.</p>
      <SignerNote asks={["agent.update@1"]} />
    </>
  );
}
