/** What became of a command on each host, live. A check mark needs a receipt that this browser verified. */
import type { ComponentChildren } from "preact";
import { TroubleText } from "../components/parts.tsx";
import { State } from "../components/state.tsx";
import { explainRefusal, refusalCodes } from "../../protocol/refusals.ts";
import { formatCount } from "../format.ts";
import { Icon } from "../icons.tsx";
import type { ReceiptView } from "../state/backend.ts";
import type { Shape } from "../state/condition.ts";
import type { HostOutcome } from "../state/orders.ts";
import { Frame } from "./frame.tsx";
import { hostsInWords } from "./order-facts.tsx";
import { isDone, mayAskAgain, notRun, type Outcomes } from "./order-machine.ts";
import type { OrderViewProps } from "./order-views.tsx";
import { outcomeSentence } from "./ending-views.tsx";
import { wordings } from "./wording.tsx";

interface Row {
  readonly id: string;
  readonly label: string;
  readonly shown: Shown;
}

interface Shown {
  readonly shape: Shape;
  readonly word: string;
  readonly sentence?: ComponentChildren;
}

const waiting: Shown = { shape: "pending", word: "Sent" };

function shownOf(outcome: HostOutcome | undefined): Shown {
  switch (outcome?.kind) {
    case undefined:
      return waiting;
    case "queued":
      return { shape: "pending", word: "Queued", sentence: "The edge keeps it until the host is there." };
    case "delivered":
      return { shape: "pending", word: "Delivered, running", sentence: "The host has it and checks it." };
    case "silent":
      return {
        shape: "unknown",
        word: "No answer yet",
        sentence: "It may or may not have run. Its receipt will be in Activity.",
      };
    case "refused":
      return { shape: "bad", word: "Refused", sentence: <TroubleText trouble={outcome.trouble} /> };
    case "receipt":
      return shownReceipt(outcome.receipt);
  }
}

/** What an unproven receipt says is not repeated as if it were so. */
function shownReceipt(receipt: ReceiptView): Shown {
  const { verdict, seal, number } = receipt;
  if (seal.state === "failed") return { shape: "bad", word: "Does not add up", sentence: seal.reason };
  if (seal.state !== "verified") return { shape: "unknown", word: "Not verified yet" };
  const signed = `Signed receipt ${formatCount(number)}.`;
  switch (verdict) {
    case "executed":
      if (receipt.reason === undefined) return { shape: "ok", word: "Executed", sentence: signed };
      return { shape: "warn", word: "Executed", sentence: `${outcomeSentence(receipt.reason)} ${signed}` };
    case "failed":
      return {
        shape: "bad",
        word: "Failed",
        sentence: `${receipt.reason === undefined ? "It began and could not finish; look at the host." : outcomeSentence(receipt.reason)} ${signed}`,
      };
    case "interrupted":
      return {
        shape: "warn",
        word: "Interrupted",
        sentence: `It began and will not be run again by itself. ${signed}`,
      };
    case "refused":
      return { shape: "bad", word: "Refused", sentence: refusalSentence(receipt) };
  }
}

function refusalSentence({ code }: ReceiptView): ComponentChildren {
  const known = refusalCodes.find((one) => one === code);
  if (known === undefined) return <code>{code ?? "no reason given"}</code>;
  const { what, next } = explainRefusal(known);
  return (
    <>
      {what.charAt(0).toUpperCase()}
      {what.slice(1)}. {next} <code class="faint">{known}</code>
    </>
  );
}

function rowsOf({ course, state }: OrderViewProps<"sent">): readonly Row[] {
  const { command, outcomes, leftOut } = state;
  const earlier = course.earlier.value;
  const labels = new Map([...command.hosts, ...leftOut].map(({ id, label }) => [id, label]));
  const before = [...earlier].filter(([id]) => !labels.has(id));
  return [
    ...command.hosts.map(({ id, label }) => ({ id, label, shown: shownOf(outcomes.get(id)) })),
    ...leftOut.map(({ id, label, trouble }) => ({
      id,
      label,
      shown: { shape: "stopped", word: "Left out", sentence: <TroubleText trouble={trouble} /> } as const,
    })),
    ...before.map(([id, outcome]) => ({ id, label: labelOf(outcome) ?? id, shown: shownOf(outcome) })),
  ];
}

function labelOf(outcome: HostOutcome): string | undefined {
  return outcome.kind === "receipt" ? outcome.receipt.hostLabel : undefined;
}

function countDone(outcomes: Outcomes): number {
  return [...outcomes.values()].filter(isDone).length;
}

export function OutcomesView(props: OrderViewProps<"sent">) {
  const { course, state, close } = props;
  const { command, outcomes, leftOut, over } = state;
  const done = countDone(outcomes) + countDone(course.earlier.value);
  const all = rowsOf(props);
  const heading = headingOf({ done, all: all.length, over });
  // Another try of a proposal would be another proposal.
  const again = mayAskAgain(state) && command.facts.proposal === undefined ? notRun(state).length : 0;
  const open = over && command.hosts.some(({ id }) => isOpen(outcomes.get(id)));
  const foot = (
    <>
      <button class="btn" type="button" onClick={close}>
        {done === all.length ? "Done" : "Close"}
      </button>
      {open && <AskReceipts course={course} />}
      {again > 0 && (
        <button class="btn" type="button" onClick={() => void course.askAgain()}>
          <Icon name="restart" class="s" />
          Again for the {again === 1 ? "one" : again} that did not run
        </button>
      )}
    </>
  );
  return (
    <Frame course={course} heading={heading} close={close} class={command.facts.class} foot={foot}>
      <ul class="outcomes" aria-label="Outcome on each host">
        {all.map(({ id, label, shown }) => (
          <li key={id}>
            <a href={`/hosts/${id}`} target="_blank" rel="noreferrer">
              <bdi>{label}</bdi>
            </a>
            <State shape={shown.shape}>{shown.word}</State>
            {shown.sentence !== undefined && <span class="small muted">{shown.sentence}</span>}
          </li>
        ))}
      </ul>
      <p class="small muted" role="status">
        {over
          ? afterwards({ again, leftOut: leftOut.length, open })
          : "You can close this. The command keeps its place, and every receipt will be in Activity."}
      </p>
    </Frame>
  );
}

function isOpen(outcome: HostOutcome | undefined): boolean {
  return outcome === undefined || (outcome.kind !== "receipt" && outcome.kind !== "refused");
}

interface Heading {
  readonly done: number;
  readonly all: number;
  readonly over: boolean;
}

function headingOf({ done, all, over }: Heading): string {
  if (all === 1) return done === 1 ? "Executed" : over ? "Not executed" : "Sent. Waiting for the host";
  if (!over) return `${done} of ${all} executed so far`;
  return done === all ? `Executed on all ${all}` : `Executed on ${done} of ${all}`;
}

interface After {
  readonly again: number;
  readonly leftOut: number;
  readonly open: boolean;
}

function afterwards({ again, open }: After): string {
  if (open) return "Asking for receipts never runs anything.";
  return again === 0
    ? "Every receipt is in Activity."
    : "Nothing is repeated by itself. Again asks those hosts afresh and needs a new touch.";
}

function AskReceipts({ course }: Pick<OrderViewProps<"sent">, "course">) {
  const looking = course.looking.value;
  return (
    <button
      class="btn"
      type="button"
      aria-disabled={looking ? "true" : undefined}
      onClick={() => void course.askReceipts()}
    >
      <Icon name={looking ? "pending" : "restart"} class={looking ? "s spin" : "s"} />
      Ask for the receipts
    </button>
  );
}

export function OrderRefusedView({ course, state, close }: OrderViewProps<"refused">) {
  const { command, by, trouble, retry } = state;
  const foot = (
    <>
      <button class="btn" type="button" onClick={close}>
        Close
      </button>
      {retry === "prepare" && (
        <button class="btn" type="button" onClick={() => void course.askAgain()}>
          <Icon name="restart" class="s" />
          Ask again
        </button>
      )}
    </>
  );
  return (
    <Frame
      course={course}
      heading={by === "page" ? "This page refused" : "The edge refused"}
      close={close}
      class={command.facts.class}
      foot={foot}
    >
      <p class="lead" role="status">
        <TroubleText trouble={trouble} />
      </p>
      <p class="small muted">
        {wordings[course.operation].doing(hostsInWords(command.hosts))} did not begin: no host saw the command.
      </p>
    </Frame>
  );
}
