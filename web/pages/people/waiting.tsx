/** Changes that wait for more people, decoded from the bytes that the first of them signed. */
import { useSignal } from "@preact/signals";
import { Banner } from "../../components/banner.tsx";
import { TroubleText } from "../../components/parts.tsx";
import { Left, Relative } from "../../components/time.tsx";
import { formatList } from "../../format.ts";
import { Icon } from "../../icons.tsx";
import { useApp } from "../../state/app.ts";
import type { Trouble } from "../../state/backend.ts";
import type { WaitingStatement } from "../../state/statements.ts";
import { groundOf } from "../../statement/ground.ts";
import { tell } from "../../statement/wording.ts";
import type { Desk } from "./frame.tsx";

export function WaitingChanges({ desk }: { readonly desk: Desk }) {
  const { backend } = useApp();
  const waiting = backend.statements.waiting.value;
  if (waiting.state !== "ready" || waiting.value.length === 0) return null;
  return (
    <section class="card" aria-labelledby="waiting-changes">
      <div class="card-head">
        <h2 id="waiting-changes">
          Waiting for another person <span class="faint num">{waiting.value.length}</span>
        </h2>
      </div>
      <ul class="list">
        {waiting.value.map((one) => (
          <Item key={one.digest} one={one} desk={desk} />
        ))}
      </ul>
    </section>
  );
}

function Item({ one, desk }: { readonly one: WaitingStatement; readonly desk: Desk }) {
  const { backend } = useApp();
  const trouble = useSignal<Trouble | undefined>(undefined);
  const { question } = tell(one.statement, groundOf(backend, desk.view));
  const names = one.approvedBy.map((person) => desk.view.names.get(person) ?? person);
  const withdraw = async () => {
    const result = await backend.statements.withdraw(one.digest);
    trouble.value = result.ok ? undefined : result.trouble;
  };
  return (
    <li>
      <Icon name="people" class="t-ink" />
      <div class="grow stack tight">
        <p class="strong">{question}</p>
        <p class="small muted">
          Approved by <bdi>{formatList(names)}</bdi>, <Relative at={one.madeAt} ago />.{" "}
          {one.trouble === undefined ? (
            <>
              Needs {one.people} people; waits for <Left at={one.expires} /> more.
            </>
          ) : (
            <>It can no longer be completed. {one.trouble.what}</>
          )}
        </p>
        <div class="row wrap">
          {one.trouble === undefined && !one.mine && desk.mayChange && (
            <button class="btn sm" type="button" onClick={() => desk.statements.review(one.digest)}>
              Look and approve…
            </button>
          )}
          {one.mine && one.trouble === undefined && (
            <span class="small muted">You approved it. Ask another administrator.</span>
          )}
          {(one.mine || desk.isAdmin) && (
            <button class="btn quiet sm" type="button" onClick={() => void withdraw()}>
              Withdraw
            </button>
          )}
        </div>
        {trouble.value !== undefined && (
          <Banner tone="warn" icon="warn" live>
            <TroubleText trouble={trouble.value} />
          </Banner>
        )}
      </div>
    </li>
  );
}
