/**
 * Two histories, or a history written on by somebody revoked: hosts that saw it obey nothing new until somebody says
 * which one is kept. What is shown of either is decoded from statements that this browser verified.
 */
import { chainAt, type Freeze, type TrustState } from "../../../protocol/trust/state.ts";
import { Fact } from "../../components/parts.tsx";
import { Pill } from "../../components/state.tsx";
import { formatExact, formatList } from "../../format.ts";
import { Icon } from "../../icons.tsx";
import { useApp } from "../../state/app.ts";
import type { HostView } from "../../state/backend.ts";
import type { TrustView } from "../../state/people.ts";
import { groundOf } from "../../statement/ground.ts";
import { tell } from "../../statement/wording.ts";
import type { Desk } from "./frame.tsx";

interface Frozen {
  readonly freeze: Freeze;
  /** Empty: this browser's own log is frozen. */
  readonly hosts: readonly HostView[];
}

/** One card for each freeze: this browser's own, and those that hosts signed. */
export function frozenIn(state: Pick<TrustState, "frozen">, hosts: readonly HostView[]): readonly Frozen[] {
  const found = new Map<string, Frozen>();
  if (state.frozen !== undefined) found.set(keyOf(state.frozen), { freeze: state.frozen, hosts: [] });
  for (const host of hosts) {
    if (host.frozen === undefined) continue;
    const key = keyOf(host.frozen);
    const before = found.get(key)?.hosts ?? [];
    found.set(key, { freeze: host.frozen, hosts: [...before, host] });
  }
  return [...found.values()];
}

function keyOf({ place, mine, other }: Freeze): string {
  return [place, ...[mine, other].toSorted()].join(" ");
}

export function ForkCard({ desk }: { readonly desk: Desk }) {
  const fleet = useApp().backend.fleet.value;
  const all = frozenIn(desk.view.state, fleet.state === "ready" ? fleet.value : []);
  return (
    <>
      {all.map((frozen) => (
        <Card key={keyOf(frozen.freeze)} frozen={frozen} desk={desk} />
      ))}
    </>
  );
}

function Card({ frozen, desk }: { readonly frozen: Frozen; readonly desk: Desk }) {
  const { freeze, hosts } = frozen;
  const { view, statements, mayChange } = desk;
  const ours = chainAt(view.state.chain, freeze.place)?.hash;
  const other = ours === freeze.mine ? freeze.other : freeze.mine;
  const names = hosts.map(({ label }) => label);
  const keep = () => {
    if (ours === undefined) return;
    const drop = freeze.reason === "fork" ? { drop: other } : {};
    statements.ask({ kind: "fork.resolve", body: { keep: ours, ...drop } });
  };
  return (
    <section class="card" aria-labelledby={`fork-${freeze.place}`}>
      <div class="card-head">
        <h2 id={`fork-${freeze.place}`}>
          {freeze.reason === "fork" ? "Two histories are claimed" : "A revoked person wrote on"}
        </h2>
        <Pill shape="bad">Frozen</Pill>
      </div>
      <div class="card-body stack">
        <p class="lead">
          {names.length === 0
            ? "Nothing but revocations can be written"
            : `${formatList(names)} ${names.length === 1 ? "obeys" : "obey"} nothing new`}{" "}
          until an administrator says which history is kept. Revoking still works everywhere.
        </p>
        <div class="grid-2">
          <History title="The history of this control plane" hash={ours} view={view} />
          <History
            title={freeze.reason === "fork" ? "The other one" : "What stands against it"}
            hash={other}
            view={view}
          />
        </div>
        {ours !== undefined && mayChange && (
          <div class="row wrap">
            <button class="btn" type="button" onClick={keep}>
              <Icon name="ok" class="s" />
              Keep this one…
            </button>
            <p class="small muted grow">
              If the statement here should not count, keep it and take back what it gave, or do not press and look at
              the machine that runs the control plane first.
            </p>
          </div>
        )}
      </div>
    </section>
  );
}

interface HistoryProps {
  readonly title: string;
  readonly hash: string | undefined;
  readonly view: TrustView;
}

function History({ title, hash, view }: HistoryProps) {
  const { backend } = useApp();
  const found = view.applied.find((one) => one.hash === hash);
  return (
    <div class="stack tight">
      <h3>{title}</h3>
      {found === undefined ? (
        <p class="small muted">
          This control plane does not show that statement. A host holds it: <code>clawhold trust show</code> there says
          what it is.
        </p>
      ) : (
        <dl class="facts">
          <Fact name="Statement">
            {found.statement.prev.n + 1}, {found.statement.kind}
          </Fact>
          <Fact name="Made">{formatExact(found.statement.at)}</Fact>
          {tell(found.statement, groundOf(backend, view)).facts.map(([name, value], index) => (
            <Fact key={index} name={name}>
              <bdi>{value}</bdi>
            </Fact>
          ))}
        </dl>
      )}
      <p class="hash tiny">{hash ?? "not known here"}</p>
    </div>
  );
}
