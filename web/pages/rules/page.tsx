/** Rules for several people: which operations on which hosts need more than one, and what always needs one only. */
import { useSignal } from "@preact/signals";
import { operationWords } from "../../../protocol/operation-words.ts";
import { operations, type Operation, type OperationName } from "../../../protocol/operations.ts";
import type { Policy } from "../../../protocol/trust/statements.ts";
import { Empty } from "../../components/parts.tsx";
import { Icon } from "../../icons.tsx";
import { operationWords as operationsInWords } from "../../statement/wording.ts";
import { peopleWords, scopeWords } from "../../statement/words.ts";
import { TrustFrame, type Desk } from "../people/frame.tsx";
import { PhoneCard } from "./phone.tsx";
import { RuleForm } from "./rule-form.tsx";

export function RulesPage() {
  return (
    <TrustFrame page="rules" lead="What needs more than one person. Every host asks for it by itself.">
      {(desk) => <Rules desk={desk} />}
    </TrustFrame>
  );
}

function Rules({ desk }: { readonly desk: Desk }) {
  const editing = useSignal<string | undefined>(undefined);
  const rules = [...desk.view.state.policies.values()].filter(({ people }) => people > 1);
  return (
    <>
      <section class="card" aria-labelledby="rules">
        <div class="card-head">
          <h2 id="rules">
            Rules <span class="faint num">{rules.length}</span>
          </h2>
        </div>
        {rules.length === 0 ? (
          <Empty icon="people" title="Everything needs one person">
            <p>A rule below makes operations need two or more, each with a passkey of their own.</p>
          </Empty>
        ) : (
          <ul class="list">
            {rules.map((rule) => (
              <Rule key={rule.id} rule={rule} desk={desk} onEdit={() => (editing.value = rule.id)} />
            ))}
          </ul>
        )}
      </section>
      <AlwaysOne />
      <PhoneCard desk={desk} />
      {desk.mayChange && (
        <RuleForm
          key={editing.value ?? "new"}
          desk={desk}
          rule={desk.view.state.policies.get(editing.value ?? "")}
          onCancel={() => (editing.value = undefined)}
        />
      )}
    </>
  );
}

interface RuleProps {
  readonly rule: Policy;
  readonly desk: Desk;
  readonly onEdit: () => void;
}

function Rule({ rule, desk, onEdit }: RuleProps) {
  const labelOf = (host: string) => desk.view.state.hosts.get(host)?.label ?? host;
  const { id, operations: names, hosts, labels } = rule;
  const end = () =>
    desk.statements.ask({
      kind: "policy.set",
      body: { id, operations: [...names], hosts: [...hosts], ...(labels && { labels: [...labels] }), people: 1 },
    });
  return (
    <li>
      <Icon name="people" class="t-ink" />
      <div class="grow">
        <p class="strong">
          {id}: {peopleWords(rule.people)}
        </p>
        <p class="small muted">
          {operationsInWords(names)} on {scopeWords(rule, labelOf)}
        </p>
      </div>
      {desk.mayChange && (
        <span class="row wrap end">
          <button class="btn sm" type="button" aria-label={`Change the rule ${id}`} onClick={onEdit}>
            Change…
          </button>
          <button class="btn sm danger" type="button" aria-label={`End the rule ${id}`} onClick={end}>
            End…
          </button>
        </span>
      )}
    </li>
  );
}

/** Stopping something bad, and taking power away, never wait for a second person. */
function AlwaysOne() {
  const table: Readonly<Record<string, Operation>> = operations;
  const free = Object.entries(table).filter(([, { alwaysOnePerson }]) => alwaysOnePerson === true);
  return (
    <section class="card" aria-labelledby="always-one">
      <div class="card-head">
        <h2 id="always-one">What always needs one person only</h2>
      </div>
      <div class="card-body small">
        <ul class="stack tight">
          {free.map(([name]) => (
            <li key={name}>
              {operationWords[name as OperationName].verb} <code>{name}</code>
            </li>
          ))}
          <li>Revoking a passkey, a person, a role, a key, an address; removing a host</li>
          <li>Renewing roles that somebody holds, or taking some away; making a rule stricter</li>
          <li>Admitting a host; adding a passkey of one's own</li>
        </ul>
      </div>
      <p class="card-foot">
        Adding a person, somebody else's passkey, an automation key, an address or a role, and loosening a rule, needs
        as many people as the strictest rule.
      </p>
    </section>
  );
}
