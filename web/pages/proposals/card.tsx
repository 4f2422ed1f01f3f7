/** One proposed command: what, where, who approved, how long it still waits, and what the reader can do. */
import { useSignal } from "@preact/signals";
import { Banner } from "../../components/banner.tsx";
import { TroubleText } from "../../components/parts.tsx";
import { Left, Relative } from "../../components/time.tsx";
import { hostsInWords } from "../../dialog/order-facts.tsx";
import { ExactProposal, ProposalFactsList } from "../../dialog/proposal-facts.tsx";
import { wordings } from "../../dialog/wording.tsx";
import { Icon } from "../../icons.tsx";
import { useApp } from "../../state/app.ts";
import type { Trouble } from "../../state/backend.ts";
import type { Standing, WaitingCommand } from "../../state/proposals.ts";

interface CardProps {
  readonly one: WaitingCommand;
  readonly onOpen: () => void;
}

export function ProposalCard({ one, onOpen }: CardProps) {
  const { facts, approvals, people, by, madeAt, mine, standing } = one;
  const id = `proposal-${facts.digest}`;
  const hosts = hostsInWords(facts.targets.map(({ host }) => host));
  return (
    <article class="card" aria-labelledby={id}>
      <div class="card-head">
        <h2 id={id}>{wordings[facts.operation].question(hosts)}</h2>
        <span class={`badge ${facts.class}`}>{facts.class}</span>
      </div>
      <div class="card-body stack mid">
        <p class="small muted">
          {mine ? "You proposed" : <bdi>{by.name}</bdi>}
          {mine ? " it" : " proposed it"} <Relative at={madeAt} ago />
          {standing.kind === "over" ? "." : "; "}
          {standing.kind !== "over" && (
            <>
              it waits <Left at={facts.endsAt} /> more.
            </>
          )}
        </p>
        <div class="stack tight">
          <p class="eyebrow">Read back from the bytes that were signed</p>
          <ProposalFactsList facts={facts} people={people} approvedBy={approvals.map(({ name }) => name)} />
        </div>
        <ExactProposal facts={facts} />
        <StandingNote standing={standing} />
        <Acts one={one} onOpen={onOpen} />
      </div>
    </article>
  );
}

function StandingNote({ standing }: { readonly standing: Standing }) {
  switch (standing.kind) {
    case "join":
      return (
        <p class="small muted">
          With your approval {standing.missing === 1 ? "one more person is" : `${standing.missing} more people are`}{" "}
          needed. Nothing runs by yours alone.
        </p>
      );
    case "carry-out":
      return (
        <p class="small muted">
          You are the last: your approval carries it out. The hosts are asked first, and you see the command once more
          before the touch.
        </p>
      );
    case "waits":
      return (
        <p class="small muted">
          You approved it. {standing.missing === 1 ? "One more person" : `${standing.missing} more people`} must, on any
          device; another passkey of yours does not count.
        </p>
      );
    case "not-you":
      return (
        <Banner tone="warn" icon="warn">
          <TroubleText trouble={standing.trouble} />
        </Banner>
      );
    case "over":
      return (
        <Banner tone="bad" icon="bad">
          <TroubleText trouble={standing.trouble} />
        </Banner>
      );
  }
}

function Acts({ one, onOpen }: CardProps) {
  const { backend } = useApp();
  const trouble = useSignal<Trouble | undefined>(undefined);
  const busy = useSignal(false);
  const withdraw = async () => {
    busy.value = true;
    const result = await backend.proposals.withdraw(one.facts.digest);
    trouble.value = result.ok ? undefined : result.trouble;
    busy.value = false;
  };
  const { kind } = one.standing;
  return (
    <>
      <div class="row wrap">
        {(kind === "join" || kind === "carry-out") && (
          <button class="btn" type="button" onClick={onOpen}>
            <Icon name="touch" class="s" />
            {kind === "join" ? "Approve…" : "Approve and carry out…"}
          </button>
        )}
        {one.mayWithdraw && (
          <button
            class="btn quiet"
            type="button"
            aria-disabled={busy.value ? "true" : undefined}
            onClick={() => {
              if (!busy.value) void withdraw();
            }}
          >
            {one.mine ? "Withdraw it" : "Withdraw it as an administrator"}
          </button>
        )}
      </div>
      {trouble.value !== undefined && (
        <Banner tone="warn" icon="warn" live>
          <TroubleText trouble={trouble.value} />
        </Banner>
      )}
    </>
  );
}
