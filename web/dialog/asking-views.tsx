/** The dialog before anything is sent: preparing, the question, the open authenticator. */
import { Icon } from "../icons.tsx";
import { Foreign } from "../components/foreign.tsx";
import { TroubleText } from "../components/parts.tsx";
import { Banner } from "../components/banner.tsx";
import { ApproveButton } from "./approve-button.tsx";
import { Frame } from "./frame.tsx";
import type { ViewProps } from "./frame.tsx";
import { ExactIntent, IntentFactsList } from "./facts.tsx";
import { TouchView } from "./touch-view.tsx";
import { wordings } from "./wording.tsx";

export function PreparingView({ course, close }: ViewProps<"preparing">) {
  const foot = (
    <button class="btn" type="button" onClick={close}>
      Cancel
    </button>
  );
  return (
    <Frame course={course} heading={wordings[course.operation].question(course.hostLabel)} close={close} foot={foot}>
      <div class="stack mid" role="status">
        <p class="row muted">
          <Icon name="pending" class="s spin" />
          Asking {course.hostLabel} for a one-time challenge
        </p>
        <div class="skeleton w3" />
        <div class="skeleton w2" />
      </div>
    </Frame>
  );
}

export function UnpreparedView({ course, state, close }: ViewProps<"unprepared">) {
  const foot = (
    <>
      <button class="btn" type="button" onClick={close}>
        Close
      </button>
      <button class="btn" type="button" onClick={() => void course.prepare()}>
        <Icon name="restart" class="s" />
        Try again
      </button>
    </>
  );
  return (
    <Frame course={course} heading={`${course.hostLabel} cannot be asked now`} close={close} foot={foot}>
      <p class="lead" role="status">
        <TroubleText trouble={state.trouble} />
      </p>
      <p class="small muted">Nothing was signed and nothing was sent.</p>
    </Frame>
  );
}

export function QuestionView({ course, state, close }: ViewProps<"question">) {
  const { command } = state;
  const words = wordings[command.facts.operation];
  const host = command.host.label;
  const foot = (
    <>
      <button class="btn" type="button" onClick={close}>
        Cancel
      </button>
      <ApproveButton
        title="Approve with passkey"
        effect={words.effect(host)}
        focus={command.facts.class === "daily"}
        onApprove={() => void course.press()}
      />
    </>
  );
  return (
    <Frame course={course} heading={words.question(host)} close={close} class={command.facts.class} foot={foot}>
      {state.closedAuthenticator && (
        <Banner tone="honest" icon="info" live>
          <strong>The authenticator was closed.</strong> Nothing was sent. Press again when you are ready.
        </Banner>
      )}
      <p class="lead">{words.sentence(command)}</p>
      {course.about !== undefined && (
        <p class="small">
          The host calls it <Foreign text={course.about} />
        </p>
      )}
      <IntentFactsList command={command} />
      <ExactIntent command={command} />
      <div class="stack tight">
        <p class="eyebrow">What happens after</p>
        <p class="small muted">
          Your authenticator asks for you. The edge passes the command on; {host} checks your signature itself and
          answers with a signed receipt, shown here. {words.undo}
        </p>
      </div>
    </Frame>
  );
}

export function AuthenticatorView({ course, state, close }: ViewProps<"authenticator">) {
  return (
    <TouchView
      course={course}
      class={state.command.facts.class}
      doing={wordings[course.operation].doing(course.hostLabel)}
      secondsLeft={state.secondsLeft}
      close={close}
    />
  );
}
