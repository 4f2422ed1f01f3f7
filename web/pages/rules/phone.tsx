/**
 * Who may allow a command once away from the signer. Kept apart from the rules for several people, because it loosens:
 * what one touch can do there is said before anybody is named.
 */
import { useSignal } from "@preact/signals";
import type { Policy } from "../../../protocol/trust/statements.ts";
import { EXEC_ONCE } from "../../../protocol/trust/statements.ts";
import { Icon } from "../../icons.tsx";
import { nameIn } from "../../state/people.ts";
import { scopeWords } from "../../statement/words.ts";
import { Choices, FormFoot, isEmptyScope, ScopeFields, scopeOf, useScope } from "../people/fields.tsx";
import type { Desk } from "../people/frame.tsx";

/** The one rule of this kind that the page makes; others, made elsewhere, are listed and can be ended. */
const RULE = "exec-once-anywhere";

export function PhoneCard({ desk }: { readonly desk: Desk }) {
  const rules = [...desk.view.state.policies.values()].filter(({ execOnceFrom }) => execOnceFrom !== undefined);
  return (
    <section class="card" aria-labelledby="phone">
      <div class="card-head">
        <h2 id="phone">Commands answered from a phone</h2>
      </div>
      <div class="card-body stack">
        <p class="small muted">
          An agent's command is allowed in the signer only. For people named here, allowing it <strong>once</strong>{" "}
          also works on pages that the edge serves, such as on a phone: one touch on a hostile page can then run one
          command as the gateway's user. Denying works everywhere, always.
        </p>
        {rules.map((rule) => (
          <Exception key={rule.id} rule={rule} desk={desk} />
        ))}
        {desk.mayChange && (
          <PhoneForm key={String(desk.view.state.head.n)} desk={desk} rule={rules.find(({ id }) => id === RULE)} />
        )}
      </div>
    </section>
  );
}

function Exception({ rule, desk }: { readonly rule: Policy; readonly desk: Desk }) {
  const labelOf = (host: string) => desk.view.state.hosts.get(host)?.label ?? host;
  const names = (rule.execOnceFrom?.people ?? []).map((person) => nameIn(desk.view, person)).join(", ");
  const end = () =>
    desk.statements.ask({
      kind: "policy.set",
      body: {
        id: rule.id,
        operations: [...rule.operations],
        hosts: [...rule.hosts],
        ...(rule.labels && { labels: [...rule.labels] }),
        people: 1,
      },
    });
  return (
    <div class="row wrap">
      <Icon name="warn" class="s" />
      <p class="grow">
        <strong>
          <bdi>{names}</bdi>
        </strong>{" "}
        on {scopeWords(rule, labelOf)}
      </p>
      {desk.mayChange && (
        <button class="btn sm danger" type="button" aria-label={`End the exception for ${names}`} onClick={end}>
          End…
        </button>
      )}
    </div>
  );
}

function PhoneForm({ desk, rule }: { readonly desk: Desk; readonly rule: Policy | undefined }) {
  const chosen = useSignal<readonly string[]>(rule?.execOnceFrom?.people ?? []);
  const scope = useScope(rule, true);
  const people = [...desk.view.state.people.values()].filter(({ roles }) => roles.length > 0);
  const isEmpty = chosen.value.length === 0 || isEmptyScope(scope);
  const set = () =>
    desk.statements.ask({
      kind: "policy.set",
      body: {
        id: RULE,
        operations: [EXEC_ONCE],
        ...scopeOf(scope),
        people: 1,
        execOnceFrom: { class: "daily", people: [...chosen.value] },
      },
    });
  return (
    <>
      <Choices
        legend="Who"
        options={people.map(({ id }) => ({ value: id, label: nameIn(desk.view, id) }))}
        chosen={chosen}
      />
      <ScopeFields id="phone" view={desk.view} scope={scope} />
      <FormFoot
        title={rule === undefined ? "Let them answer…" : "Change who may answer…"}
        problem={isEmpty ? "It needs at least one person and one host." : undefined}
        onAsk={set}
        onCancel={undefined}
      />
    </>
  );
}
