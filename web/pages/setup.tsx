/**
 * First run: make a passkey, sign in once (which signs the root), admit this machine. Or: why the link does not work.
 * Shown to somebody who is nobody yet, so it tells nothing the server knows.
 */
import type { ComponentChildren } from "preact";
import { useSignal } from "@preact/signals";
import { MAX_LABEL_CHARACTERS } from "../../protocol/limits.ts";
import { Banner } from "../components/banner.tsx";
import { Command, Delayed, Empty, TouchButton, TroubleText, Waiting, Words } from "../components/parts.tsx";
import { Left } from "../components/time.tsx";
import { Icon } from "../icons.tsx";
import type { IconName } from "../icons.tsx";
import { formatClock } from "../format.ts";
import { Gatehouse } from "../shell.tsx";
import { useApp } from "../state/app.ts";
import type { LinkProblem, SetupState, SetupStep } from "../state/backend.ts";

type StepState = Extract<SetupState, { kind: "step" }>;

export function SetupPage() {
  const { backend } = useApp();
  const state = backend.setup.state.value;
  return (
    <Gatehouse title="Set up" foot={<SetupFoot />}>
      <div class="gatehouse-card wide stack">
        <SetupBody state={state} />
      </div>
    </Gatehouse>
  );
}

function SetupBody({ state }: { readonly state: SetupState }) {
  switch (state.kind) {
    case "checking":
      return state.trouble === undefined ? (
        <Waiting what="Checking the setup link" />
      ) : (
        <Delayed trouble={state.trouble} />
      );
    case "link":
      return <LinkProblemView problem={state.problem} />;
    case "step":
      return <Steps state={state} />;
    case "done":
      return (
        <Empty
          icon="seal"
          title={state.hostId === undefined ? "The workspace is yours" : "This machine is yours"}
          level={1}
        >
          <p role="status">
            {state.hostId === undefined
              ? "The root of the trust log is signed. Opening it now."
              : "The root of the trust log is signed and your machine obeys only its keys. Opening it now."}
          </p>
        </Empty>
      );
  }
}

function SetupFoot() {
  const { origin } = useApp().backend;
  return (
    <>
      <span>
        {origin.class === "signer" ? "Served from your own machine" : "Served by the edge"}: {origin.host}
      </span>
    </>
  );
}

const order: readonly SetupStep[] = ["passkey", "sign-in", "admit"];

const headings = {
  passkey: {
    title: "Make the first passkey",
    lead: "It becomes the first administrator of this workspace. There is no password, here or anywhere, so nothing can be guessed or leaked.",
  },
  "sign-in": {
    title: "Sign in with it once",
    lead: "One touch does both: it opens your session, and it signs the root of the trust log, from which every host learns whom to obey.",
  },
  admit: {
    title: "Admit this machine",
    lead: "Until you do, its agent is in quarantine: it may say hello, and nothing more.",
  },
} satisfies Record<SetupStep, { title: string; lead: string }>;

function Steps({ state }: { readonly state: StepState }) {
  const position = order.indexOf(state.step);
  return (
    <>
      <div class="stack tight">
        <p class="eyebrow">
          Step {position + 1} of {order.length}
        </p>
        <h1>{headings[state.step].title}</h1>
        <p class="lead muted">{headings[state.step].lead}</p>
      </div>
      <div class="card">
        <ol class="list setup-steps">
          <Step step="passkey" state={state} icon="key" title="Your passkey" later="next">
            <PasskeyStep state={state} />
          </Step>
          <Step step="sign-in" state={state} icon="lock" title="Sign in with it once" later="next">
            <SignInStep state={state} />
          </Step>
          <Step step="admit" state={state} icon="host" title="Admit this machine" later="last">
            <AdmitStep state={state} />
          </Step>
        </ol>
      </div>
      {state.step !== "admit" && <LinkTime endsAt={state.linkEndsAt} />}
    </>
  );
}

interface StepProps {
  readonly step: SetupStep;
  readonly state: StepState;
  readonly icon: IconName;
  readonly title: string;
  readonly later: string;
  readonly children: ComponentChildren;
}

const doneWords = {
  passkey: "Made. Only its public half left the device.",
  "sign-in": "Done. The root is signed.",
  admit: "Admitted.",
} satisfies Record<SetupStep, string>;

const laterWords = {
  passkey: "Kept by this device or a security key. Only the public half leaves it.",
  "sign-in": "This touch also signs the root of the trust log: who may do what, from now on.",
  admit: "Compare the six words with your terminal. Same words, same key.",
} satisfies Record<SetupStep, string>;

function Step({ step, state, icon, title, later, children }: StepProps) {
  const place = order.indexOf(step) - order.indexOf(state.step);
  if (place < 0) {
    return (
      <li>
        <Icon name="ok" class="t-ink" />
        <div class="grow">
          <h2>{title}</h2>
          <p class="muted small">{doneWords[step]}</p>
        </div>
        <span class="end tiny faint">done</span>
      </li>
    );
  }
  return (
    <li aria-current={place === 0 ? "step" : undefined}>
      <Icon name={icon} class={place === 0 ? "t-ink" : "faint"} />
      <div class="grow stack mid">
        <div>
          <h2>{title}</h2>
          <p class="muted small">{laterWords[step]}</p>
        </div>
        {place === 0 && children}
        {place === 0 && state.trouble !== undefined && (
          <Banner tone="warn" icon="warn" live>
            <TroubleText trouble={state.trouble} />
          </Banner>
        )}
      </div>
      {place > 0 && <span class="end tiny faint">{place === 1 ? later : "last"}</span>}
    </li>
  );
}

function PasskeyStep({ state }: { readonly state: StepState }) {
  const { setup } = useApp().backend;
  const name = useSignal("owner");
  const missing = useSignal(false);
  const create = () => {
    const trimmed = name.value.trim();
    missing.value = trimmed === "";
    if (trimmed !== "") void setup.createPasskey(trimmed);
  };
  return (
    <form
      class="stack mid"
      onSubmit={(event) => {
        event.preventDefault();
        if (!state.busy) create();
      }}
    >
      <div class="field">
        <label for="who">What should the log call you?</label>
        <input
          class="input"
          id="who"
          value={name.value}
          maxLength={MAX_LABEL_CHARACTERS}
          autocomplete="off"
          spellcheck={false}
          aria-describedby="who-note"
          aria-invalid={missing.value}
          onInput={(event) => (name.value = event.currentTarget.value)}
        />
        <p class={missing.value ? "tiny t-bad" : "tiny faint"} id="who-note">
          {missing.value
            ? "The log needs a name for you, such as owner."
            : "Shown to your team. The log itself holds only a salted digest of it, so the name can be erased later."}
        </p>
      </div>
      <TouchButton
        title="Create passkey"
        effect="makes you the first administrator of this workspace"
        busy={state.busy}
        onClick={create}
      />
    </form>
  );
}

function SignInStep({ state }: { readonly state: StepState }) {
  const { setup } = useApp().backend;
  return (
    <TouchButton
      title="Sign in with the passkey"
      effect="opens your session and signs the root of the trust log"
      busy={state.busy}
      onClick={() => void setup.signIn()}
    />
  );
}

function AdmitStep({ state }: { readonly state: StepState }) {
  const { setup } = useApp().backend;
  const differ = useSignal(false);
  const { host } = state;
  if (host === undefined) {
    return (
      <p class="row muted small" role="status">
        <Icon name="pending" class="s spin" />
        Waiting for the agent of this machine to say hello
      </p>
    );
  }
  if (differ.value) return <WordsDiffer onBack={() => (differ.value = false)} />;
  return (
    <>
      <Words words={host.words} label={`Six words of ${host.label}`} />
      {host.matchesLink && (
        <p class="small muted row top">
          <Icon name="ok" class="s" />
          <span>Your terminal's link named the same key, so this page already compared it once.</span>
        </p>
      )}
      <div class="row wrap">
        <TouchButton
          title="They match, admit with passkey"
          effect={`${host.label} becomes a host of this workspace`}
          busy={state.busy}
          onClick={() => void setup.admit()}
        />
        <button class="btn quiet" type="button" onClick={() => (differ.value = true)}>
          They differ
        </button>
        <button class="btn quiet" type="button" onClick={() => void setup.skipAdmission()}>
          Later
        </button>
      </div>
    </>
  );
}

function WordsDiffer({ onBack }: { readonly onBack: () => void }) {
  return (
    <Banner
      tone="bad"
      icon="bad"
      act={
        <button class="btn sm" type="button" onClick={onBack}>
          Show the words again
        </button>
      }
    >
      <strong>Then do not admit it.</strong> Another key answers in the place of this machine. Stop the program in your
      terminal, and start it again with a new data directory.
    </Banner>
  );
}

function LinkTime({ endsAt }: { readonly endsAt: number }) {
  return (
    <Banner tone="honest" icon="clock">
      <p class="small">
        This link works once, until {formatClock(endsAt)} (<Left at={endsAt} /> left). If it runs out, your terminal
        shows a new one by itself.
      </p>
    </Banner>
  );
}

interface ProblemText {
  readonly title: string;
  readonly why: string;
  readonly next: string;
}

const problems = {
  absent: {
    title: "Open the link from your terminal",
    why: "Setting up needs the link that the terminal printed when Clawhold started. It works once, for 15 minutes.",
    next: "If this workspace is set up already, sign in. If not, and the terminal is gone, start Clawhold again for a new link.",
  },
  damaged: {
    title: "This link is not complete",
    why: "The part after the # does not have the right form. Terminals often break long links into two lines.",
    next: "Copy the whole link from the terminal, with both lines if there are two.",
  },
  wrong: {
    title: "This link does not fit",
    why: "It carries another setup key than the one that is waited for. A link lasts 15 minutes, and a newer one, or a later start, puts an end to it.",
    next: "Use the newest link in your terminal. If no terminal shows one, start Clawhold again.",
  },
  used: {
    title: "This link was used before",
    why: "A setup link works once, and this workspace already has its first administrator. If that was you, sign in.",
    next: "If it was not you, somebody else read the link: stop Clawhold and start again with a new data directory.",
  },
  expired: {
    title: "This link ran out",
    why: "A setup link works for 15 minutes, so that one left in a scroll-back is worth nothing. Nothing was made with it.",
    next: "Your terminal shows a new link by itself. If it is closed, start Clawhold again.",
  },
} satisfies Record<LinkProblem, ProblemText>;

function LinkProblemView({ problem }: { readonly problem: LinkProblem }) {
  const { title, why, next } = problems[problem];
  return (
    <>
      <div class="stack tight">
        <p class="eyebrow">Set up</p>
        <h1>{title}</h1>
        <p class="lead muted">{why}</p>
      </div>
      <p>{next}</p>
      {problem !== "used" && <Command caption="To start it, type this in the folder of Clawhold" command="npm start" />}
      {(problem === "used" || problem === "absent") && (
        <div class="row">
          {/* A target makes it a load of the page, which then asks the edge anew what to show. */}
          <a class={problem === "used" ? "btn primary" : "btn"} href="/sign-in" target="_self">
            Go to sign in
          </a>
        </div>
      )}
      <p class="tiny faint">
        <code>setup_link_{problem}</code>
      </p>
    </>
  );
}
