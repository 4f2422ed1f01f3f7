/** The dialog in which somebody proposes a command that needs several people, or joins one. Nothing runs by it. */
import { useEffect } from "preact/hooks";
import { APPROVAL_SECONDS } from "../../protocol/limits.ts";
import { Banner } from "../components/banner.tsx";
import { TroubleText } from "../components/parts.tsx";
import { formatList } from "../format.ts";
import { Icon } from "../icons.tsx";
import { ApproveButton } from "./approve-button.tsx";
import { Frame } from "./frame.tsx";
import { focusTitle } from "./modal.tsx";
import { hostsInWords } from "./order-facts.tsx";
import type { Proposable, ProposalCourse, ProposalState } from "./proposal-course.ts";
import { ExactProposal, ProposalFactsList } from "./proposal-facts.tsx";
import { TouchView } from "./touch-view.tsx";
import { sentenceFor, wordings } from "./wording.tsx";

interface BodyProps {
  readonly course: ProposalCourse;
  readonly close: () => void;
}

interface ViewProps<K extends ProposalState["kind"]> extends BodyProps {
  readonly state: Extract<ProposalState, { kind: K }>;
}

export function ProposalBody({ course, close }: BodyProps) {
  useEffect(() => {
    void course.draft();
    return () => course.stop();
  }, [course]);
  const state = course.state.value;
  const { kind } = state;
  useEffect(focusTitle, [course, kind]);
  switch (state.kind) {
    case "drafting":
    case "sending":
      return <BusyView course={course} state={state} close={close} />;
    case "undrafted":
      return <UndraftedView course={course} state={state} close={close} />;
    case "question":
      return <ProposeView course={course} state={state} close={close} />;
    case "authenticator":
      return (
        <TouchView
          course={course}
          class={state.what.facts.class}
          doing={doing(state.what)}
          secondsLeft={APPROVAL_SECONDS}
          close={close}
        />
      );
    case "done":
      return <ProposedView course={course} state={state} close={close} />;
    case "failed":
      return <FailedView course={course} state={state} close={close} />;
  }
}

function hostsOf({ facts }: Pick<Proposable, "facts">): string {
  return hostsInWords(facts.targets.map(({ host }) => host));
}

function doing({ purpose, facts }: Proposable): string {
  const verb = purpose === "propose" ? "Proposing" : "Joining the proposal";
  return `${verb}: ${wordings[facts.operation].effect(hostsOf({ facts }))}`;
}

function BusyView({ course, state, close }: ViewProps<"drafting" | "sending">) {
  const foot = (
    <button class="btn" type="button" onClick={close}>
      {state.kind === "drafting" ? "Cancel" : "Close"}
    </button>
  );
  const says =
    state.kind === "drafting" ? "Reading what must still be true when it runs" : "Leaving it for the next person";
  return (
    <Frame
      course={course}
      heading={state.kind === "drafting" ? "More people are needed" : "Sending"}
      close={close}
      foot={foot}
    >
      <p class="row muted" role="status">
        <Icon name="pending" class="s spin" />
        {says}
      </p>
    </Frame>
  );
}

function UndraftedView({ course, state, close }: ViewProps<"undrafted">) {
  const foot = (
    <>
      <button class="btn" type="button" onClick={close}>
        Close
      </button>
      <button class="btn" type="button" onClick={() => void course.draft()}>
        <Icon name="restart" class="s" />
        Try again
      </button>
    </>
  );
  return (
    <Frame course={course} heading="It cannot be proposed now" close={close} foot={foot}>
      <p class="lead" role="status">
        <TroubleText trouble={state.trouble} />
      </p>
      <p class="small muted">Nothing was signed and nothing was sent.</p>
    </Frame>
  );
}

function ProposeView({ course, state, close }: ViewProps<"question">) {
  const { what } = state;
  const { facts, people, approvedBy, others, purpose } = what;
  const words = wordings[facts.operation];
  const hosts = hostsOf(what);
  const missing = people - approvedBy.length;
  const foot = (
    <>
      <button class="btn" type="button" onClick={close}>
        Cancel
      </button>
      <ApproveButton
        title={purpose === "propose" ? "Propose with passkey" : "Approve with passkey"}
        effect={`nothing runs yet; ${missing - 1} more must approve`}
        focus={false}
        onApprove={() => void course.press()}
      />
    </>
  );
  return (
    <Frame course={course} heading={words.question(hosts)} close={close} class={facts.class} foot={foot}>
      {state.closedAuthenticator && (
        <Banner tone="honest" icon="info" live>
          <strong>The authenticator was closed.</strong> Nothing was sent. Press again when you are ready.
        </Banner>
      )}
      <Banner tone="ink" icon="people">
        <strong>A rule asks for {people} people.</strong> Your approval alone runs nothing: it waits, at most 24 hours,
        until {missing === 2 ? "one more person approves" : `${missing - 1} more people approve`} exactly this.
        {others.length > 0 && <> {formatList(others)} could.</>}
      </Banner>
      <p class="lead">
        {sentenceFor(
          facts.operation,
          facts.targets.map(({ host }) => host),
        )}
      </p>
      <div class="stack tight">
        <p class="eyebrow">Read back from the bytes you are about to sign</p>
        <ProposalFactsList facts={facts} people={people} approvedBy={approvedBy} />
      </div>
      <ExactProposal facts={facts} />
    </Frame>
  );
}

function ProposedView({ course, state, close }: ViewProps<"done">) {
  const { facts, people, approvedBy, purpose } = state.what;
  const missing = people - approvedBy.length - 1;
  const foot = (
    <>
      <a class="btn" href="/proposals" onClick={close}>
        See what waits
      </a>
      <button class="btn" type="button" onClick={close}>
        Done
      </button>
    </>
  );
  return (
    <Frame
      course={course}
      heading={purpose === "propose" ? "Proposed. Nothing ran yet" : "Approved. Nothing ran yet"}
      close={close}
      class={facts.class}
      foot={foot}
    >
      <p class="lead" role="status">
        {missing === 1 ? "One more person" : `${missing} more people`} must approve it, on any device, before it ends.
        The last of them carries it out.
      </p>
      <p class="small muted">They find it under Proposals, where they see exactly what you signed.</p>
    </Frame>
  );
}

function FailedView({ course, state, close }: ViewProps<"failed">) {
  const foot = (
    <>
      <button class="btn" type="button" onClick={close}>
        Close
      </button>
      <button class="btn" type="button" onClick={() => void course.draft()}>
        <Icon name="restart" class="s" />
        Try again
      </button>
    </>
  );
  return (
    <Frame
      course={course}
      heading={state.what.purpose === "propose" ? "It was not proposed" : "Your approval was not taken"}
      close={close}
      class={state.what.facts.class}
      foot={foot}
    >
      <p class="lead" role="status">
        <TroubleText trouble={state.trouble} />
      </p>
      <p class="small muted">Nothing ran.</p>
    </Frame>
  );
}
