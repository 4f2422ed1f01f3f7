/** The next person's gesture: one more approval, or, for the last, the command itself. */
import { useMemo } from "preact/hooks";
import { Modal } from "../../dialog/modal.tsx";
import { createOrderCourse } from "../../dialog/order-course.ts";
import { OrderBody } from "../../dialog/order-views.tsx";
import { createProposalCourse, type Proposable } from "../../dialog/proposal-course.ts";
import { ProposalBody } from "../../dialog/proposal-views.tsx";
import { useApp } from "../../state/app.ts";
import type { Backend } from "../../state/backend.ts";
import type { WaitingCommand } from "../../state/proposals.ts";

interface DialogProps {
  readonly one: WaitingCommand;
  readonly onClosed: () => void;
}

export function ProposalDialog({ one, onClosed }: DialogProps) {
  const { backend } = useApp();
  return (
    <Modal
      onClosed={() => {
        void backend.proposals.load();
        onClosed();
      }}
    >
      {(close) =>
        one.standing.kind === "carry-out" ? <CarryOut one={one} close={close} /> : <Join one={one} close={close} />
      }
    </Modal>
  );
}

interface PartProps {
  readonly one: WaitingCommand;
  readonly close: () => void;
}

function CarryOut({ one, close }: PartProps) {
  const { backend } = useApp();
  const { digest, operation } = one.facts;
  const course = useMemo(
    () => createOrderCourse(operation, () => backend.proposals.carryOut(digest)),
    [backend, digest, operation],
  );
  return <OrderBody course={course} close={close} />;
}

function Join({ one, close }: PartProps) {
  const { backend } = useApp();
  const course = useMemo(
    () => createProposalCourse(one.facts.operation, () => Promise.resolve({ ok: true, value: joinable(backend, one) })),
    [backend, one],
  );
  return <ProposalBody course={course} close={close} />;
}

function joinable(backend: Backend, { facts, people, approvals }: WaitingCommand): Proposable {
  return {
    facts,
    people,
    approvedBy: approvals.map(({ name }) => name),
    others: [],
    purpose: "join",
    approve: (abort) => backend.proposals.join(facts.digest, abort),
  };
}
