/**
 * Somebody was invited: a name, a passkey, six words to read aloud. Shown to somebody who is nobody yet, so it tells
 * nothing that the link does not know.
 */
import { useSignal } from "@preact/signals";
import { MAX_LABEL_CHARACTERS } from "../../protocol/limits.ts";
import { Banner } from "../components/banner.tsx";
import { Delayed, Empty, TouchButton, TroubleText, Waiting, Words } from "../components/parts.tsx";
import { Left } from "../components/time.tsx";
import type { IconName } from "../icons.tsx";
import { Gatehouse } from "../shell.tsx";
import { useApp } from "../state/app.ts";
import type { EnrolmentState, InvitationProblem } from "../state/invitations.ts";

export function InvitationPage() {
  const { backend } = useApp();
  const { origin } = backend;
  return (
    <Gatehouse
      title="Invitation"
      foot={
        <span>
          {origin.class === "signer" ? "Served from your own machine" : "Served by the edge"}: {origin.host}
        </span>
      }
    >
      <div class="gatehouse-card wide stack">
        <Body state={backend.enrolment.state.value} />
      </div>
    </Gatehouse>
  );
}

function Body({ state }: { readonly state: EnrolmentState }) {
  switch (state.kind) {
    case "checking":
      return state.trouble === undefined ? (
        <Waiting what="Checking the invitation" />
      ) : (
        <Delayed trouble={state.trouble} />
      );
    case "link":
      return <Problem problem={state.problem} />;
    case "name":
      return <Name state={state} />;
    case "words":
      return <Compare state={state} />;
    case "added":
      return <Added />;
  }
}

interface ProblemText {
  readonly icon: IconName;
  readonly title: string;
  readonly text: string;
}

const ASK_AGAIN = "Ask the person who invited you for a new link.";

const problems = {
  absent: {
    icon: "key",
    title: "This is where an invitation opens",
    text: "The address has no invitation in it. Open the whole link that you were sent.",
  },
  damaged: {
    icon: "key",
    title: "This link is not whole",
    text: `Part of it was cut off or changed on the way. Copy it again; if it stays so: ${ASK_AGAIN}`,
  },
  wrong: {
    icon: "key",
    title: "This link is not known here",
    text: `It is for another workspace, or it was never made here. ${ASK_AGAIN}`,
  },
  expired: { icon: "clock", title: "This invitation has ended", text: `It lasted seven days. ${ASK_AGAIN}` },
  withdrawn: {
    icon: "x",
    title: "This invitation was withdrawn",
    text: "Whoever made it took it back. Ask them why before you ask for a new one.",
  },
  used: {
    icon: "warn",
    title: "This link was used before",
    text: "Somebody enrolled a passkey with it, and not in this browser. If it was you, go on where you did that. If it was not, tell the person who invited you not to add it, and ask for a new link.",
  },
  other: {
    icon: "warn",
    title: "This browser belongs to another workspace",
    text: "At this address it knows another workspace than the one of the link. Open the link in another browser, or clear this site's data if the old workspace is gone.",
  },
} satisfies Record<InvitationProblem, ProblemText>;

function Problem({ problem }: { readonly problem: InvitationProblem }) {
  const { icon, title, text } = problems[problem];
  return (
    <div class="card">
      <Empty icon={icon} title={title} level={1}>
        <p>{text}</p>
        <p class="tiny faint">
          <code>invitation_{problem}</code>
        </p>
      </Empty>
    </div>
  );
}

function Name({ state }: { readonly state: Extract<EnrolmentState, { kind: "name" }> }) {
  const { backend } = useApp();
  const name = useSignal("");
  const isDaily = backend.origin.class === "daily";
  const isReady = name.value.trim() !== "" && !state.busy;
  return (
    <>
      <div class="stack tight">
        <p class="eyebrow">Step 1 of 2</p>
        <h1>You are invited</h1>
        <p class="lead muted">
          Make a passkey on this device. There is no password, here or anywhere. It counts for nothing until the person
          who invited you has compared six words with you and added it.
        </p>
      </div>
      {isDaily && (
        <Banner tone="honest" icon="globe">
          <strong>This page comes from the edge.</strong> A passkey made here is good for daily operations only, and an
          edge that was taken over could hold it. For everything else enrol with clawhold ui on your own machine.
        </Banner>
      )}
      <form
        class="card card-body stack"
        onSubmit={(event) => event.preventDefault()} // Enter in a text field opens no authenticator
      >
        <div class="field">
          <label for="name">What should the log call you?</label>
          <input
            class="input"
            id="name"
            value={name.value}
            maxLength={MAX_LABEL_CHARACTERS}
            autocomplete="off"
            onInput={(event) => (name.value = event.currentTarget.value)}
          />
          <p class="tiny faint">The trust log carries only a commitment to it; it can be erased.</p>
        </div>
        <TouchButton
          title="Create passkey"
          effect="kept by this device or a security key"
          busy={state.busy}
          onClick={() => {
            if (isReady) void backend.enrolment.enrol(name.value);
          }}
        />
        {state.trouble !== undefined && (
          <Banner tone="warn" icon="warn" live>
            <TroubleText trouble={state.trouble} />
          </Banner>
        )}
        <p class="small muted">
          The link ends in <Left at={state.expires} />.
        </p>
      </form>
    </>
  );
}

function Compare({ state }: { readonly state: Extract<EnrolmentState, { kind: "words" }> }) {
  const isDaily = useApp().backend.origin.class === "daily";
  return (
    <>
      <div class="stack tight">
        <p class="eyebrow">Step 2 of 2</p>
        <h1>{isDaily ? "Your six words" : "Read these six words aloud"}</h1>
        <p class="lead muted">
          {isDaily
            ? "They are not a check: this page comes from the edge, which could show any words."
            : "To the person who invited you, by voice or face to face. Their screen must show the same."}
        </p>
      </div>
      <div class="card card-body stack">
        <Words words={state.words} label="Your six words" />
        {isDaily && (
          <div class="row">
            <span class="badge">Not a check</span>
          </div>
        )}
        <p role="status">
          Waiting until you are added. Leave this page open; it says when. The link ends in <Left at={state.expires} />.
        </p>
        <p class="small muted">
          If their words are others, somebody else's passkey is in the place of yours. Then stop.
        </p>
      </div>
    </>
  );
}

function Added() {
  const { backend } = useApp();
  return (
    <div class="card">
      <Empty
        icon="seal"
        title="You are added"
        level={1}
        actions={
          <button class="btn primary" type="button" onClick={() => backend.enrolment.finish()}>
            Go to the sign-in
          </button>
        }
      >
        <p role="status">The trust log names your passkey. Sign in with it.</p>
      </Empty>
    </div>
  );
}
