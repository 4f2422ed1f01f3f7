/** The dialog of a command to many hosts before the touch: asking, who gave no answer, the question. */
import { useEffect } from "preact/hooks";
import { Banner } from "../components/banner.tsx";
import { TroubleText } from "../components/parts.tsx";
import { Icon } from "../icons.tsx";
import { formatList, formatNumberOf } from "../format.ts";
import { ApproveButton } from "./approve-button.tsx";
import { ExactIntent } from "./facts.tsx";
import { Frame } from "./frame.tsx";
import { focusTitle } from "./modal.tsx";
import type { OrderCourse } from "./order-course.ts";
import { hostsInWords, OrderFactsList } from "./order-facts.tsx";
import { mayLeaveOut, type OrderState } from "./order-machine.ts";
import { OutcomesView, OrderRefusedView } from "./order-outcomes.tsx";
import { TouchView } from "./touch-view.tsx";
import { sentenceFor, wordings } from "./wording.tsx";

interface OrderProps {
  readonly course: OrderCourse;
  readonly close: () => void;
}

export interface OrderViewProps<K extends OrderState["kind"]> extends OrderProps {
  readonly state: Extract<OrderState, { kind: K }>;
}

export function OrderBody({ course, close }: OrderProps) {
  useEffect(() => {
    void course.ask();
    return () => course.stop();
  }, [course]);
  const state = course.state.value;
  const { kind } = state;
  useEffect(focusTitle, [course, kind]);
  switch (state.kind) {
    case "asking":
      return <AskingView course={course} state={state} close={close} />;
    case "unasked":
      return <UnaskedView course={course} state={state} close={close} />;
    case "gaps":
      return <GapsView course={course} state={state} close={close} />;
    case "question":
      return <OrderQuestionView course={course} state={state} close={close} />;
    case "authenticator":
      return (
        <TouchView
          course={course}
          class={state.command.facts.class}
          doing={wordings[course.operation].doing(hostsInWords(state.command.hosts))}
          secondsLeft={state.secondsLeft}
          close={close}
        />
      );
    case "sent":
      return <OutcomesView course={course} state={state} close={close} />;
    case "refused":
      return <OrderRefusedView course={course} state={state} close={close} />;
  }
}

function AskingView({ course, close }: OrderViewProps<"asking">) {
  const foot = (
    <button class="btn" type="button" onClick={close}>
      Cancel
    </button>
  );
  return (
    <Frame course={course} heading="Asking the hosts" close={close} foot={foot}>
      <div class="stack mid" role="status">
        <p class="row muted">
          <Icon name="pending" class="s spin" />
          Each host is asked for a one-time challenge of its own
        </p>
        <div class="skeleton w3" />
        <div class="skeleton w2" />
      </div>
    </Frame>
  );
}

function UnaskedView({ course, state, close }: OrderViewProps<"unasked">) {
  return (
    <Frame
      course={course}
      heading="The hosts cannot be asked now"
      close={close}
      foot={<AgainFoot course={course} close={close} again="Try again" />}
    >
      <p class="lead" role="status">
        <TroubleText trouble={state.trouble} />
      </p>
      <p class="small muted">Nothing was signed and nothing was sent.</p>
    </Frame>
  );
}

interface AgainProps extends OrderProps {
  readonly again: string;
}

function AgainFoot({ course, close, again }: AgainProps) {
  return (
    <>
      <button class="btn" type="button" onClick={close}>
        Close
      </button>
      <button class="btn" type="button" onClick={() => void course.askAgain()}>
        <Icon name="restart" class="s" />
        {again}
      </button>
    </>
  );
}

/** Nobody is left out silently: each is named with its reason, and the person decides. */
function GapsView({ course, state, close }: OrderViewProps<"gaps">) {
  const { answered, unanswered } = state.asked;
  const canGoOn = mayLeaveOut(state.asked);
  const foot = (
    <>
      <AgainFoot course={course} close={close} again={unanswered.length === 1 ? "Ask it again" : "Ask them again"} />
      {canGoOn && (
        <button class="btn primary" type="button" onClick={() => course.leaveOut()}>
          Go on without {unanswered.length === 1 ? "it" : `these ${unanswered.length}`}
        </button>
      )}
    </>
  );
  return (
    <Frame
      course={course}
      heading={`${formatNumberOf(unanswered.length, "host")} cannot be asked now`}
      close={close}
      foot={foot}
    >
      <div role="status">
        <ul class="targets" aria-label="Hosts that cannot be asked">
          {unanswered.map(({ id, label, trouble }) => (
            <li key={id}>
              <strong>
                <bdi>{label}</bdi>
              </strong>
              <span class="small">
                <TroubleText trouble={trouble} />
              </span>
            </li>
          ))}
        </ul>
      </div>
      <p class="small muted">
        {gapSentence({ canGoOn, whole: !state.asked.mayLeaveOut, answered: answered.map(({ label }) => label) })}{" "}
        Nothing was signed and nothing was sent.
      </p>
    </Frame>
  );
}

interface Gap {
  readonly canGoOn: boolean;
  readonly whole: boolean;
  readonly answered: readonly string[];
}

function gapSentence({ canGoOn, whole, answered }: Gap): string {
  if (whole) return "What several people approved is carried out on exactly its hosts, or on none.";
  return canGoOn ? `The command would go to ${formatList(answered)} only.` : "No host is left to send it to.";
}

function OrderQuestionView({ course, state, close }: OrderViewProps<"question">) {
  const { command, leftOut } = state;
  const words = wordings[command.facts.operation];
  const hosts = hostsInWords(command.hosts);
  const foot = (
    <>
      <button class="btn" type="button" onClick={close}>
        Cancel
      </button>
      <ApproveButton
        title="Approve with passkey"
        effect={words.effect(hosts)}
        focus={false}
        onApprove={() => void course.press()}
      />
    </>
  );
  return (
    <Frame course={course} heading={words.question(hosts)} close={close} class={command.facts.class} foot={foot}>
      {state.closedAuthenticator && (
        <Banner tone="honest" icon="info" live>
          <strong>The authenticator was closed.</strong> Nothing was sent. Press again when you are ready.
        </Banner>
      )}
      <p class="lead">{sentenceFor(command.facts.operation, command.hosts, command.activeSessions)}</p>
      {leftOut.length > 0 && (
        <Banner tone="warn" icon="warn">
          <strong>Without {formatList(leftOut.map(({ label }) => label))}.</strong> You left{" "}
          {leftOut.length === 1 ? "it" : "them"} out because no challenge came.
        </Banner>
      )}
      <OrderFactsList command={command} />
      <ExactIntent command={command} />
      <p class="small muted">
        One touch approves it for {hosts}. Each host checks your signature itself, acts for itself and answers with its
        own signed receipt. {words.undo}
      </p>
    </Frame>
  );
}
