/** A proposed command, read back from the exact bytes that the first person signed. */
import { Fact } from "../components/parts.tsx";
import { Left } from "../components/time.tsx";
import type { ProposalFacts } from "../state/proposals.ts";
import { ExactBytes } from "./facts.tsx";
import { ArgumentFacts, TargetList } from "./order-facts.tsx";

interface FactsProps {
  readonly facts: ProposalFacts;
  readonly people: number;
  readonly approvedBy: readonly string[];
}

export function ProposalFactsList({ facts, people, approvedBy }: FactsProps) {
  return (
    <div class="intent stack tight">
      <TargetList targets={facts.targets} />
      <dl class="facts">
        <ArgumentFacts args={facts.args} />
        <Fact name="Needs">
          {people} people; approved by {approvedBy.length === 0 ? "nobody yet" : <bdi>{approvedBy.join(", ")}</bdi>}
        </Fact>
        <Fact name="Waits">
          <Left at={facts.endsAt} /> at most
        </Fact>
      </dl>
    </div>
  );
}

export function ExactProposal({ facts }: { readonly facts: ProposalFacts }) {
  return <ExactBytes what="proposal" text={facts.exact} digest={facts.digest} />;
}
