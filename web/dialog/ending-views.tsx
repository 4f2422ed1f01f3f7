/** The dialog after the touch: on its way, and each way it can end. A check mark needs a receipt verified here. */
import type { ComponentChildren } from "preact";
import { Icon } from "../icons.tsx";
import { Banner } from "../components/banner.tsx";
import { Fact, TroubleText } from "../components/parts.tsx";
import { SealMark } from "../components/state.tsx";
import { explainOutcome } from "../../protocol/outcome-words.ts";
import { explainRefusal, refusalCodes } from "../../protocol/refusals.ts";
import { formatCount, formatMilliseconds, formatShortId } from "../format.ts";
import type { ReceiptView as Receipt } from "../state/backend.ts";
import { ApproveButton } from "./approve-button.tsx";
import { Frame } from "./frame.tsx";
import type { ViewProps } from "./frame.tsx";
import type { Course } from "./course.ts";
import type { DialogState, Progress } from "./machine.ts";
import { mayPrepareAgain, mayPress } from "./machine.ts";
import { wordings } from "./wording.tsx";

export function SentView({ course, state, close }: ViewProps<"sent">) {
  return (
    <Frame
      course={course}
      heading={`Sent. Waiting for ${course.hostLabel}`}
      close={close}
      class={state.command.facts.class}
      foot={<CloseButton close={close} />}
    >
      <Steps course={course} progress={state.progress} />
      <p class="small muted">You can close this. The command keeps its place and the receipt will be in Activity.</p>
    </Frame>
  );
}

interface Step {
  readonly text: ComponentChildren;
  readonly atMs: number | undefined;
}

function Steps({ course, progress }: { readonly course: Course; readonly progress: Progress }) {
  const host = course.hostLabel;
  const { ledgerIndex } = progress;
  const steps: readonly Step[] = [
    { text: "You approved", atMs: progress.approvedMs },
    {
      text: `Written to the ledger${ledgerIndex === undefined ? "" : `, #${formatCount(ledgerIndex)}`}`,
      atMs: progress.ledgeredMs,
    },
    { text: `Handed to ${host}`, atMs: progress.dispatchedMs },
    { text: wordings[course.operation].busyStep(host), atMs: undefined },
    { text: "Signed receipt", atMs: undefined },
  ];
  const now = steps.findIndex(({ atMs }) => atMs === undefined);
  return (
    <div role="status">
      <ol class="steps">
        {steps.map(({ text, atMs }, index) => {
          const stage = index < now ? "done" : index === now ? "now" : "todo";
          const icon = stage === "done" ? "ok" : stage === "now" ? "pending" : "todo";
          return (
            <li key={index} class={stage}>
              <Icon name={icon} class={stage === "now" ? "s spin" : "s"} />
              <span>{text}</span>
              <span class="faint tiny num">{atMs === undefined ? "" : `+${formatMilliseconds(atMs)}`}</span>
            </li>
          );
        })}
      </ol>
    </div>
  );
}

export function SilentView({ course, state, close }: ViewProps<"silent">) {
  const asking = course.asking.value;
  const foot = (
    <>
      <CloseButton close={close} />
      <button
        class="btn"
        type="button"
        aria-disabled={asking ? "true" : undefined}
        onClick={() => void course.askReceipt()}
      >
        <Icon name={asking ? "pending" : "restart"} class={asking ? "s spin" : "s"} />
        Ask for the receipt
      </button>
    </>
  );
  return (
    <Frame
      course={course}
      heading={`No answer from ${course.hostLabel} yet`}
      close={close}
      class={state.command.facts.class}
      foot={foot}
    >
      <p class="lead" role="status">
        The command was sent, and nothing came back for {formatMilliseconds(state.afterMs)}. It may or may not have run.
      </p>
      <p class="small muted">
        Asking for the receipt never runs anything. The page also hears of it by itself when {course.hostLabel} is back.
      </p>
    </Frame>
  );
}

export function ReceiptView({ course, state, close }: ViewProps<"receipt">) {
  const { receipt } = state;
  return (
    <Frame
      course={course}
      heading={receiptHeading(course, receipt)}
      close={close}
      class={state.command.facts.class}
      foot={<EndFoot course={course} state={state} close={close} done={isDone(receipt)} />}
    >
      <div class="stack" role="status">
        <ReceiptSentence course={course} receipt={receipt} />
        <ReceiptSeal receipt={receipt} />
      </div>
      <div class="intent">
        <dl class="facts">
          <ReceiptFacts receipt={receipt} />
        </dl>
      </div>
    </Frame>
  );
}

function isDone({ verdict, seal }: Receipt): boolean {
  return verdict === "executed" && seal.state === "verified";
}

/** What an unproven receipt says is not repeated as if it were so. */
function receiptHeading(course: Course, { verdict, code, seal }: Receipt): string {
  const words = wordings[course.operation];
  const host = course.hostLabel;
  if (seal.state === "failed") return `The receipt of ${host} does not add up`;
  if (seal.state !== "verified") return `${host} answered; not verified yet`;
  switch (verdict) {
    case "executed":
      return words.done(host);
    case "failed":
      return words.failed(host);
    case "refused":
      return `${host} refused: ${reasonOf(code)}`;
    case "interrupted":
      return `Interrupted on ${host}`;
  }
}

/** A host newer than this page may name a reason that the page has no words for. */
export function outcomeSentence(reason: string): string {
  const words = explainOutcome(reason);
  return words === undefined ? `The host says: ${reason}.` : `${words.what} ${words.next}`;
}

function knownCode(code: string | undefined) {
  return refusalCodes.find((one) => one === code);
}

function reasonOf(code: string | undefined): string {
  const known = knownCode(code);
  return known === undefined ? (code ?? "no reason given") : explainRefusal(known).what;
}

function ReceiptSentence({ course, receipt }: { readonly course: Course; readonly receipt: Receipt }) {
  const host = course.hostLabel;
  if (receipt.seal.state !== "verified") return null;
  switch (receipt.verdict) {
    case "executed":
      return receipt.reason === undefined ? null : <p class="lead">{outcomeSentence(receipt.reason)}</p>;
    case "failed":
      return (
        <p class="lead">
          {receipt.reason === undefined
            ? `${host} accepted the command and could not finish it. Look at the host before you repeat it.`
            : outcomeSentence(receipt.reason)}{" "}
          It will not be tried again by itself.
        </p>
      );
    case "refused":
      return <p class="lead">Nothing ran on {host}.</p>;
    case "interrupted":
      return (
        <p class="lead">
          {host} stopped while doing this. It was begun once and <strong>will not be run again</strong> by itself.
          {receipt.bootAfter !== undefined && (
            <>
              {" "}
              Seen after it came back: gateway start <code>{formatShortId(receipt.bootAfter)}</code>.
            </>
          )}
        </p>
      );
  }
}

function ReceiptSeal({ receipt }: { readonly receipt: Receipt }) {
  const { seal, hostLabel, number } = receipt;
  if (seal.state === "verified") {
    return (
      <Banner tone="ink" icon="seal">
        <strong>Receipt verified in this browser.</strong> Signed by the key of <bdi>{hostLabel}</bdi>, number{" "}
        {formatCount(number)}, bound to exactly what you approved.
      </Banner>
    );
  }
  if (seal.state === "failed") {
    return (
      <Banner tone="bad" icon="sealbad">
        <strong>This receipt does not add up.</strong> {seal.reason} Do not rely on what it says; look at {hostLabel}{" "}
        itself.
      </Banner>
    );
  }
  return (
    <Banner tone="honest" icon="sealnot">
      <strong>Not verified yet.</strong> This browser has not checked the signature of {hostLabel}.
    </Banner>
  );
}

function ReceiptFacts({ receipt }: { readonly receipt: Receipt }) {
  const { bootBefore, bootAfter, tookMs, code, ledger } = receipt;
  const known = knownCode(code);
  return (
    <>
      {code !== undefined && (
        <Fact name="Rule">
          <code>{code}</code>
        </Fact>
      )}
      {tookMs !== undefined && <Fact name="Took">{formatMilliseconds(tookMs)}</Fact>}
      {bootBefore !== undefined && bootAfter !== undefined && (
        <Fact name="Gateway start">
          <code title={bootBefore}>{formatShortId(bootBefore)}</code> →{" "}
          <code title={bootAfter}>{formatShortId(bootAfter)}</code>
        </Fact>
      )}
      <Fact name="Said by">
        <bdi>{receipt.hostLabel}</bdi>, signed receipt {formatCount(receipt.number)} <SealMark seal={receipt.seal} />
      </Fact>
      {known !== undefined && <Fact name="Next">{explainRefusal(known).next}</Fact>}
      {ledger.length > 0 && (
        <Fact name="Ledger">
          {ledger.map((index, position) => (
            <span key={index}>
              {position > 0 && " and "}
              <a href={`/activity?entry=${index}`}>#{formatCount(index)}</a>
            </span>
          ))}
        </Fact>
      )}
    </>
  );
}

const refusers = {
  page: "this page, before anything was sent",
  edge: "the edge; no host saw it",
  host: "the host, unsigned: it proves nothing",
} as const;

export function RefusedView({ course, state, close }: ViewProps<"refused">) {
  const who = state.by === "host" ? course.hostLabel : state.by === "edge" ? "The edge" : "This page";
  return (
    <Frame
      course={course}
      heading={`${who} refused`}
      close={close}
      class={state.command.facts.class}
      foot={<EndFoot course={course} state={state} close={close} done={false} />}
    >
      <p class="lead" role="status">
        <TroubleText trouble={state.trouble} />
      </p>
      <div class="intent">
        <dl class="facts">
          <Fact name="Rule">
            <code>{state.trouble.code}</code>
          </Fact>
          <Fact name="Said by">{refusers[state.by]}</Fact>
        </dl>
      </div>
    </Frame>
  );
}

interface EndFootProps {
  readonly course: Course;
  readonly state: Extract<DialogState, { kind: "receipt" | "refused" }>;
  readonly close: () => void;
  readonly done: boolean;
}

/** When the next step is to press again, the button is here. */
function EndFoot({ course, state, close, done }: EndFootProps) {
  return (
    <>
      <CloseButton close={close} word={done ? "Done" : "Close"} />
      {mayPress(state) && (
        <ApproveButton
          title="Approve again"
          effect={wordings[course.operation].effect(course.hostLabel)}
          focus={false}
          onApprove={() => void course.press()}
        />
      )}
      {mayPrepareAgain(state) && (
        <button class="btn" type="button" onClick={() => void course.prepare()}>
          <Icon name="restart" class="s" />
          Ask again
        </button>
      )}
    </>
  );
}

function CloseButton({ close, word = "Close" }: { readonly close: () => void; readonly word?: string }) {
  return (
    <button class="btn" type="button" onClick={close}>
      {word}
    </button>
  );
}
