/**
 * A newer release of the agent for a fleet: one host of the owner's choice first, then, once that host says under its own key
 * that it runs well, all others in one touch. The hosts judge that word; this page only saves a refusal.
 */
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { SelectField } from "../../components/fields.tsx";
import { TroubleText } from "../../components/parts.tsx";
import { ReleaseFacts } from "../../components/release-facts.tsx";
import type { Wish } from "../../dialog/order-dialog.tsx";
import { formatNumberOf, formatSpan } from "../../format.ts";
import { useApp } from "../../state/app.ts";
import type { HostView, OperationId, Result } from "../../state/backend.ts";
import type { CanaryAnswer, KnownRelease } from "../../state/releases.ts";
import { canaryStanding, rolloutOf, type Rollout } from "../../state/rollout.ts";

interface AgentsCardProps {
  readonly hosts: readonly HostView[];
  readonly now: number;
  readonly onWish: (wish: Wish) => void;
  /** Why this person may not ask for it on these hosts. */
  readonly lacking: (operation: OperationId, hosts: readonly HostView[]) => string | undefined;
}

export function AgentsCard({ hosts, now, onWish, lacking }: AgentsCardProps) {
  const { releases } = useApp().backend;
  useEffect(() => releases.look(), [releases]);
  const known = releases.known.value;
  const release = known.state === "ready" ? known.value : undefined;
  if (release === undefined) return null;
  const rollout = rolloutOf(hosts, release, now);
  if (rollout.behind.length === 0) return null;
  const parts = { release, rollout, onWish, lacking };
  return (
    <section class="card" aria-labelledby="agents">
      <div class="card-head">
        <h2 id="agents">A newer agent</h2>
        <span class="tiny faint">{formatNumberOf(rollout.behind.length, "host")} to update</span>
      </div>
      <div class="card-body stack mid">
        <ReleaseFacts release={release} from={versionsOf(rollout.behind)} />
        {rollout.there.length > 0 && <Rest key={rollout.there.map(({ id }) => id).join()} {...parts} />}
        <First {...parts} />
      </div>
    </section>
  );
}

interface PartProps extends Pick<AgentsCardProps, "onWish" | "lacking"> {
  readonly release: KnownRelease;
  readonly rollout: Rollout;
}

function versionsOf(hosts: readonly HostView[]): string {
  return [...new Set(hosts.flatMap(({ telemetry }) => telemetry?.host.agentVersion ?? []))].join(", ");
}

function First({ release: { version, sha256 }, rollout: { behind, there }, onWish, lacking }: PartProps) {
  const chosen = useSignal(behind[0]?.id ?? "");
  const host = behind.find(({ id }) => id === chosen.value) ?? behind[0];
  if (host === undefined) return null;
  return (
    <div class="stack tight">
      <SelectField
        id="first-host"
        label={there.length === 0 ? "Which host takes it first" : "Or one more by itself"}
        chosen={host.id}
        options={behind.map(({ id, label }) => [id, label] as const)}
        onChoose={(id) => (chosen.value = id)}
      />
      <Ask
        obstacle={lacking("agent.update@1", [host])}
        onAsk={() => onWish({ operation: "agent.update@1", hosts: [named(host)], args: { version, sha256 } })}
      >
        Update {host.label}…
      </Ask>
      {there.length === 0 && (
        <p class="small muted">The others follow in one touch, ten minutes after it is back and well.</p>
      )}
    </div>
  );
}

function Rest(props: PartProps) {
  const { releases } = useApp().backend;
  const { there, behind } = props.rollout;
  const chosen = useSignal(there[0]?.id ?? "");
  const said = useSignal<Result<CanaryAnswer> | "asking" | undefined>(undefined);
  const host = there.find(({ id }) => id === chosen.value) ?? there[0];
  if (host === undefined) return null;
  const ask = async () => {
    said.value = "asking";
    said.value = await releases.askCanary(host.id);
  };
  const obstacle = props.lacking("agent.update-rest@1", [host, ...behind]);
  return (
    <div class="stack tight">
      {there.length > 1 && (
        <SelectField
          id="canary-host"
          label="Which host vouches for it"
          chosen={host.id}
          options={there.map(({ id, label }) => [id, label] as const)}
          onChoose={(id) => {
            chosen.value = id;
            said.value = undefined;
          }}
        />
      )}
      <Ask obstacle={said.value === "asking" ? "it is being asked" : obstacle} onAsk={() => void ask()}>
        Ask {host.label} how it runs
      </Ask>
      <div role="status" class="stack tight">
        {said.value === "asking" && <p class="small muted">Asking {host.label}.</p>}
        {typeof said.value === "object" && <Said {...props} host={host} said={said.value} obstacle={obstacle} />}
      </div>
    </div>
  );
}

interface SaidProps extends PartProps {
  readonly host: HostView;
  readonly said: Result<CanaryAnswer>;
  readonly obstacle: string | undefined;
}

function Said({ release, rollout: { behind }, host, said, obstacle, onWish }: SaidProps) {
  if (!said.ok)
    return (
      <p class="small">
        <TroubleText trouble={said.trouble} />
      </p>
    );
  const standing = canaryStanding(said.value, release);
  if (standing.kind === "unproven")
    return (
      <p class="small">
        {host.label} cannot vouch for it: it runs another release, or this one was brought by hand. Update one host from
        here.
      </p>
    );
  if (standing.kind === "wait")
    return (
      <p class="small">
        {host.label} is well with it. The others take it in {formatSpan(standing.seconds)}: ask again then.
      </p>
    );
  const { version, sha256 } = release;
  const args = { version, sha256, ...said.value.proof };
  return (
    <>
      <p class="small">{host.label} is well with it for ten minutes and more.</p>
      <Ask
        obstacle={obstacle}
        onAsk={() => onWish({ operation: "agent.update-rest@1", hosts: behind.map(named), args })}
      >
        Update {behind.length === 1 ? (behind[0]?.label ?? "") : `the other ${formatNumberOf(behind.length, "host")}`}…
      </Ask>
    </>
  );
}

const named = ({ id, label }: HostView) => ({ id, label });

interface AskProps {
  readonly obstacle: string | undefined;
  readonly onAsk: () => void;
  readonly children: ComponentChildren;
}

function Ask({ obstacle, onAsk, children }: AskProps) {
  return (
    <div class="acts">
      <button
        class="btn"
        type="button"
        aria-disabled={obstacle === undefined ? undefined : "true"}
        title={obstacle}
        onClick={() => {
          if (obstacle === undefined) onAsk();
        }}
      >
        {children}
        {obstacle !== undefined && <span class="sr">: not offered, {obstacle}</span>}
      </button>
    </div>
  );
}
