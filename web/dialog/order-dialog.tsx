/**
 * Opens the right course for what somebody asked for: the arguments first, then alone or together with others, to one
 * host or to many; or the reason why not, before anything is signed.
 */
import { useEffect, useMemo } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { operations } from "../../protocol/operations.ts";
import { TroubleText } from "../components/parts.tsx";
import { useApp } from "../state/app.ts";
import type { Backend, OperationId, ReceiptView, Trouble } from "../state/backend.ts";
import type { Args, Order, OrderDetails, PinnedFacts } from "../state/orders.ts";
import { Approval } from "./approval-dialog.tsx";
import { createCourse } from "./course.ts";
import { Frame } from "./frame.tsx";
import { focusTitle, Modal } from "./modal.tsx";
import { createOrderCourse } from "./order-course.ts";
import { OrderBody } from "./order-views.tsx";
import { createProposalCourse, type Proposable } from "./proposal-course.ts";
import { ProposalBody } from "./proposal-views.tsx";
import { ScenarioView } from "./scenario-view.tsx";
import { wordings } from "./wording.tsx";
import type { Result } from "../state/backend.ts";

/** What a page asks for; the arguments of a rehearsal are chosen in the dialog. */
export interface Wish {
  readonly operation: OperationId;
  readonly hosts: readonly { readonly id: string; readonly label: string }[];
  readonly args?: Args | undefined;
  /** From the reading that the page shows: what the person saw must still be so. */
  readonly expect?: PinnedFacts | undefined;
  /** Sealed for the one host. */
  readonly content?: unknown;
  /** What the host calls the thing that it is about: a claim, shown as one. */
  readonly about?: string | undefined;
}

interface OrderDialogProps {
  readonly wish: Wish;
  readonly onClosed: () => void;
  /** Once, when the one host of the wish answered with a receipt. */
  readonly onReceipt?: ((receipt: ReceiptView) => void) | undefined;
}

export function OrderDialog({ wish, onClosed, onReceipt }: OrderDialogProps) {
  const args = useSignal<Args | undefined>(wish.operation === "host.drill@1" ? undefined : (wish.args ?? {}));
  return (
    <Modal onClosed={onClosed}>
      {(close) =>
        args.value === undefined ? (
          <ScenarioView wish={wish} close={close} onChosen={(scenario) => (args.value = { scenario })} />
        ) : (
          <Planned wish={wish} args={args.value} close={close} onReceipt={onReceipt} />
        )
      }
    </Modal>
  );
}

interface PlannedProps {
  readonly wish: Wish;
  readonly args: Args;
  readonly close: () => void;
  readonly onReceipt: OrderDialogProps["onReceipt"];
}

/** Planned once: what the dialog says must not change under somebody's finger. */
function Planned({ wish, args, close, onReceipt }: PlannedProps) {
  const { backend } = useApp();
  const planned = useMemo(() => courseOf(backend, wish, args), [backend, wish, args]);
  useEffect(() => {
    if (planned.kind !== "one") return undefined;
    let told: ReceiptView | undefined;
    return planned.course.state.subscribe((state) => {
      if (state.kind !== "receipt" || state.receipt === told) return;
      told = state.receipt;
      onReceipt?.(told);
    });
  }, [planned]);
  switch (planned.kind) {
    case "one":
      return <Approval course={planned.course} close={close} />;
    case "many":
      return <OrderBody course={planned.course} close={close} />;
    case "together":
      return <ProposalBody course={planned.course} close={close} />;
    case "not-now":
      return <NotNowView wish={wish} trouble={planned.trouble} close={close} />;
  }
}

function courseOf(backend: Backend, { operation, hosts, expect, content, about }: Wish, args: Args) {
  const details: OrderDetails = { args, expect, content };
  const order: Order = { operation, ...details, hostIds: hosts.map(({ id }) => id) };
  const plan = backend.orders.plan(order);
  if (plan.kind === "not-now") return { kind: "not-now", trouble: plan.trouble } as const;
  if (plan.kind === "together")
    return { kind: "together", course: createProposalCourse(operation, () => draftOf(backend, order)) } as const;
  const [only, ...others] = hosts;
  if (only !== undefined && others.length === 0) {
    const course = createCourse(backend, { operation, hostId: only.id, hostLabel: only.label, ...details, about });
    return { kind: "one", course } as const;
  }
  const ask = (hostIds: readonly string[] = order.hostIds) => backend.orders.ask({ ...order, hostIds });
  return { kind: "many", course: createOrderCourse(operation, ask) } as const;
}

async function draftOf(backend: Backend, order: Order): Promise<Result<Proposable>> {
  const drafted = await backend.proposals.draft(order);
  if (!drafted.ok) return drafted;
  const draft = drafted.value;
  const { facts, people, others } = draft;
  const approve = (abort: AbortSignal) => draft.approve(abort);
  return { ok: true, value: { facts, people, others, approve, approvedBy: [], purpose: "propose" } };
}

interface NotNowProps {
  readonly wish: Wish;
  readonly trouble: Trouble;
  readonly close: () => void;
}

function NotNowView({ wish, trouble, close }: NotNowProps) {
  useEffect(focusTitle, []);
  const foot = (
    <button class="btn" type="button" onClick={close}>
      Close
    </button>
  );
  const hosts = wish.hosts.length === 1 ? (wish.hosts[0]?.label ?? "") : `${wish.hosts.length} hosts`;
  return (
    <Frame
      course={wish}
      heading={wordings[wish.operation].question(hosts).replace(/\?$/, ": not now")}
      close={close}
      class={operations[wish.operation].class}
      foot={foot}
    >
      <p class="lead" role="status">
        <TroubleText trouble={trouble} />
      </p>
      <p class="small muted">Nothing was signed and nothing was sent.</p>
    </Frame>
  );
}
