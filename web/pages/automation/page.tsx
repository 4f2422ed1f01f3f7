/** Automation keys: granted for named operations, hosts, a rate and an end; listed, and revoked with one touch. */
import { useEffect } from "preact/hooks";
import { Command, Empty } from "../../components/parts.tsx";
import { Relative } from "../../components/time.tsx";
import { Icon } from "../../icons.tsx";
import { useApp } from "../../state/app.ts";
import type { AutomationKey } from "../../../protocol/trust/statements.ts";
import type { ActivityLog } from "../../state/backend.ts";
import { formatNumberOf } from "../../format.ts";
import { endWords, scopeWords } from "../../statement/words.ts";
import { TrustFrame, type Desk } from "../people/frame.tsx";
import { KeyForm } from "./key-form.tsx";

export function AutomationPage() {
  return (
    <TrustFrame page="automation" lead="Keys of machines. Each runs what it is granted, without a person's touch.">
      {(desk) => <Keys desk={desk} />}
    </TrustFrame>
  );
}

function Keys({ desk }: { readonly desk: Desk }) {
  const { backend } = useApp();
  useEffect(() => backend.activity.watch(), [backend]);
  const keys = [...desk.view.state.automationKeys.values()];
  return (
    <>
      <section class="card" aria-labelledby="keys">
        <div class="card-head">
          <h2 id="keys">
            Granted <span class="faint num">{keys.length}</span>
          </h2>
        </div>
        {keys.length === 0 ? (
          <Empty icon="key" title="No machine may run anything alone">
            <p>
              Make a key on the machine that will use it.{" "}
              {desk.mayChange ? "Then grant it here." : "Then an administrator grants it here, in the signer."}
            </p>
          </Empty>
        ) : (
          <ul class="list">
            {keys.map((key) => (
              <Key key={key.id} automationKey={key} desk={desk} />
            ))}
          </ul>
        )}
      </section>
      {desk.mayChange && <KeyForm desk={desk} />}
      <section class="card" aria-labelledby="make-key">
        <div class="card-head">
          <h2 id="make-key">On the machine that uses it</h2>
        </div>
        <div class="card-body stack">
          <Command
            caption="Makes the key there; it never leaves that machine"
            command={`clawhold run --make-key ci.key --edge <address of the edge> --workspace=${desk.view.state.workspace} --label ci`}
          />
        </div>
      </section>
    </>
  );
}

/** Newest ledger entry that this key made, as far as the ledger is loaded. */
export function lastUse(activity: ActivityLog, key: string): number | undefined {
  const entries = activity.entries.value;
  if (entries.state !== "ready") return undefined;
  return entries.value.find(({ actor }) => actor.kind === "automation" && actor.id === key)?.at;
}

function Key({ automationKey: key, desk }: { readonly automationKey: AutomationKey; readonly desk: Desk }) {
  const { backend, now } = useApp();
  const used = lastUse(backend.activity, key.id);
  const labelOf = (host: string) => desk.view.state.hosts.get(host)?.label ?? host;
  const isOver = now.value > key.until;
  return (
    <li>
      <Icon name="key" class="t-ink" />
      <div class="grow stack tight">
        <p class="row wrap">
          <span class="strong">
            <bdi>{key.label}</bdi>
          </span>
          <code class="small faint">{key.id}</code>
        </p>
        <ul class="small">
          {key.operations.map(({ operation, limits }) => (
            <li key={operation}>
              <code>{operation}</code>
              {limits.map(({ argument, values }) => (
                <span key={argument} class="muted">
                  {" "}
                  only {argument} = {values.map(String).join(" or ")}
                </span>
              ))}
            </li>
          ))}
        </ul>
        <p class="small muted">
          On {scopeWords(key, labelOf)}, at most {formatNumberOf(key.rate.commands, "command")} in{" "}
          {formatNumberOf(key.rate.seconds, "second")} on each host.{" "}
          {isOver ? "Ended: it runs nothing any more." : `It ${endWords(key.until, now.value, "later")}.`}{" "}
          {used === undefined ? (
            "Not used, as far as this page has read the ledger."
          ) : (
            <>
              Last used <Relative at={used} ago />.
            </>
          )}
        </p>
      </div>
      {desk.mayChange && (
        <button
          class="btn sm danger end"
          type="button"
          aria-label={`Revoke the key ${key.label}`}
          onClick={() => desk.statements.ask({ kind: "automation-key.revoke", body: { automationKey: key.id } })}
        >
          Revoke…
        </button>
      )}
    </li>
  );
}
