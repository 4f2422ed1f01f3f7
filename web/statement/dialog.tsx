/**
 * The dialog for every change of the trust log: what will happen, read back from the exact bytes, one touch, and who
 * has heard of it. Native <dialog>. It shows what the course says and decides nothing.
 */
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { Banner } from "../components/banner.tsx";
import { rememberFocus } from "../components/focus.ts";
import { Fact, TroubleText } from "../components/parts.tsx";
import { ApproveButton } from "../dialog/approve-button.tsx";
import { formatNumberOf } from "../format.ts";
import { Icon } from "../icons.tsx";
import { useApp } from "../state/app.ts";
import type { PreparedStatement, StatementDraft, TooFew } from "../state/statements.ts";
import { statementCourse, type Asked, type StatementCourse, type StatementState } from "./course.ts";
import { CoverageText, useCoverage } from "./coverage.tsx";
import { groundOf } from "./ground.ts";
import { tell, type FactRow, type Told } from "./wording.ts";
import { peopleWords } from "./words.ts";

export interface StatementAsking {
  ask(draft: StatementDraft): void;
  review(digest: string): void;
  /** Belongs somewhere on the page. */
  readonly dialog: ComponentChildren;
}

/** `onDone`: after the dialog was closed on a change that was made. */
export function useStatements(onDone: () => void = () => undefined): StatementAsking {
  const asked = useSignal<Asked | undefined>(undefined);
  const close = (done: boolean) => {
    asked.value = undefined;
    if (done) onDone();
  };
  return {
    ask: (draft) => (asked.value = { kind: "draft", draft }),
    review: (digest) => (asked.value = { kind: "waiting", digest }),
    dialog: asked.value === undefined ? null : <StatementDialog asked={asked.value} onClosed={close} />,
  };
}

interface DialogProps {
  readonly asked: Asked;
  readonly onClosed: (done: boolean) => void;
}

function StatementDialog({ asked, onClosed }: DialogProps) {
  const { backend } = useApp();
  const dialog = useRef<HTMLDialogElement>(null);
  const course = useMemo(() => statementCourse(backend, asked), [backend, asked]);
  useEffect(() => {
    const giveBack = rememberFocus();
    dialog.current?.showModal();
    void course.prepare();
    return giveBack;
  }, [course]);
  const close = () => dialog.current?.close();
  return (
    <dialog
      class="dialog"
      ref={dialog}
      aria-labelledby="statement-title"
      onClose={() => onClosed(course.state.peek().kind === "done")}
    >
      <Body course={course} close={close} />
    </dialog>
  );
}

interface BodyProps {
  readonly course: StatementCourse;
  readonly close: () => void;
}

function Body({ course, close }: BodyProps) {
  const { backend } = useApp();
  const state = course.state.value;
  const { kind } = state;
  const accepted = state.kind === "question" && state.accepted;
  useEffect(() => {
    if (kind !== "preparing") document.getElementById("statement-title")?.focus();
  }, [kind, accepted]);
  if (state.kind === "preparing") {
    return (
      <Frame heading="Asking for the newest trust log" close={close} foot={<CloseButton close={close} />}>
        <p class="muted" role="status">
          Nothing is signed yet.
        </p>
      </Frame>
    );
  }
  if (state.kind === "unprepared") {
    return (
      <Frame heading="This cannot be done" close={close} foot={<CloseButton close={close} />}>
        <p class="lead" role="status">
          <TroubleText trouble={state.trouble} />
        </p>
      </Frame>
    );
  }
  const view = backend.trust.value;
  if (view === undefined) return null;
  const told = tell(state.prepared.statement, groundOf(backend, view));
  return <Prepared state={state} told={told} course={course} close={close} />;
}

type AfterPrepare = Exclude<StatementState, { readonly kind: "preparing" | "unprepared" }>;

function Prepared({ state, told, course, close }: BodyProps & { readonly state: AfterPrepare; readonly told: Told }) {
  const { prepared } = state;
  switch (state.kind) {
    case "question":
      return (
        <Frame heading={told.question} close={close} foot={<Foot told={told} course={course} state={state} />}>
          {state.note === "closed" && (
            <Banner tone="honest" icon="info" live>
              The authenticator was closed. Nothing was sent.
            </Banner>
          )}
          <p class="lead">{told.sentence}</p>
          {prepared.leaves !== undefined && <Leaves leaves={prepared.leaves} />}
          <Needed prepared={prepared} />
          <FactList facts={told.facts} />
          <Exact prepared={prepared} />
        </Frame>
      );
    case "touch":
      return (
        <Frame heading={told.question} close={close} foot={<CloseButton close={close} word="Cancel" />}>
          <div class="touch">
            <Icon name="touch" class="l t-ink" />
            <p role="status">Touch your authenticator. Nothing was sent yet.</p>
          </div>
        </Frame>
      );
    case "sending":
      return (
        <Frame heading={told.question} close={close} foot={<CloseButton close={close} />}>
          <p role="status">Writing it to the trust log.</p>
        </Frame>
      );
    case "failed":
      return (
        <Frame heading="It was not done" close={close} foot={<CloseButton close={close} />}>
          <p class="lead" role="status">
            <TroubleText trouble={state.trouble} />
          </p>
          <div class="row">
            <button class="btn" type="button" onClick={() => void course.prepare()}>
              <Icon name="restart" class="s" />
              Ask again
            </button>
          </div>
        </Frame>
      );
    case "done":
      return state.outcome === "stated" ? (
        <Stated told={told} close={close} />
      ) : (
        <Proposed told={told} prepared={prepared} close={close} />
      );
  }
}

interface FrameProps {
  readonly heading: string;
  readonly close: () => void;
  readonly children: ComponentChildren;
  readonly foot: ComponentChildren;
}

function Frame({ heading, close, children, foot }: FrameProps) {
  return (
    <>
      <div class="dialog-head">
        <div class="grow stack tight">
          <div class="row">
            <span class="badge critical">trust log</span>
          </div>
          <h2 id="statement-title" tabIndex={-1}>
            {heading}
          </h2>
        </div>
        <button class="btn quiet icon-only sm" type="button" aria-label="Close" onClick={close}>
          <Icon name="x" />
        </button>
      </div>
      <div class="dialog-body">{children}</div>
      <div class="dialog-foot">{foot}</div>
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

interface FootProps {
  readonly told: Told;
  readonly course: StatementCourse;
  readonly state: Extract<StatementState, { readonly kind: "question" }>;
}

function Foot({ told, course, state: { prepared, accepted } }: FootProps) {
  if (prepared.leaves !== undefined && !accepted) {
    return (
      <button class="btn danger" type="button" onClick={() => course.accept()}>
        Go on with {formatNumberOf(prepared.leaves.administrators, "administrator")} left
      </button>
    );
  }
  const effect = prepared.outcome === "stated" ? told.effect : "your approval is kept; it does nothing alone";
  return (
    <ApproveButton title="Approve with passkey" effect={effect} focus={false} onApprove={() => void course.press()} />
  );
}

/** What is over for good: said before the first of the two presses, and still there at the second. */
function Leaves({ leaves: { administrators, people } }: { readonly leaves: TooFew }) {
  return (
    <Banner tone="bad" icon="bad">
      <strong>
        {formatNumberOf(administrators, "administrator")} would be left, and a rule asks for {people}.
      </strong>{" "}
      From then on nobody can be added, no host admitted or removed, no role renewed, and no rule, role, key or address
      changed: the
      {` ${people} people `}
      that this takes could never be found again. Revoking goes on, and so do commands of the people who are left. The
      only way back is a new workspace: clawhold trust reset on each host. If the others can be trusted for one more
      change, add an administrator first.
    </Banner>
  );
}

/** More than one person: said before anything is signed. */
function Needed({ prepared }: { readonly prepared: PreparedStatement }) {
  const { backend } = useApp();
  const view = backend.trust.value;
  if (prepared.people === 1 && prepared.outcome === "stated") return null;
  const names = prepared.approvedBy.map((person) => view?.names.get(person) ?? person);
  return (
    <Banner tone="ink" icon="people">
      <strong>This needs {peopleWords(prepared.people)}.</strong>{" "}
      {names.length === 0 ? "You are the first." : `${names.join(" and ")} approved exactly these bytes.`}{" "}
      {prepared.outcome === "stated"
        ? "With your touch it is done."
        : "It waits for a day for somebody else, and does nothing before. Somebody whom one of you added within a day does not count."}
    </Banner>
  );
}

export function FactList({ facts }: { readonly facts: readonly FactRow[] }) {
  return (
    <div class="stack tight">
      <p class="eyebrow">Read back from the bytes you are about to sign</p>
      <div class="intent">
        <dl class="facts">
          {facts.map(([name, value], index) => (
            <Fact key={index} name={name}>
              <bdi>{value}</bdi>
            </Fact>
          ))}
        </dl>
      </div>
    </div>
  );
}

export function Exact({ prepared }: { readonly prepared: Pick<PreparedStatement, "exact" | "digest"> }) {
  return (
    <details>
      <summary class="small muted">Exact statement and digest</summary>
      <div class="stack tight">
        <div class="code">
          <pre class="wrap" tabIndex={0} role="region" aria-label="Exact statement">
            {prepared.exact}
          </pre>
        </div>
        <p class="hash">digest {prepared.digest}</p>
      </div>
    </details>
  );
}

function Stated({ told, close }: { readonly told: Told; readonly close: () => void }) {
  const coverage = useCoverage();
  return (
    <Frame heading={told.done} close={close} foot={<CloseButton close={close} word="Done" />}>
      <p role="status">The trust log has it. A host obeys it from the moment it confirms.</p>
      {coverage !== undefined && <CoverageText coverage={coverage} />}
    </Frame>
  );
}

interface ProposedProps {
  readonly told: Told;
  readonly prepared: PreparedStatement;
  readonly close: () => void;
}

function Proposed({ told, prepared, close }: ProposedProps) {
  return (
    <Frame heading="It waits for another person" close={close} foot={<CloseButton close={close} word="Done" />}>
      <p class="lead" role="status">
        {told.question} Your approval is kept. It needs {peopleWords(prepared.people)}, and nothing changes before.
      </p>
      <p>
        Another administrator opens this page within a day, in a signer, and approves the same bytes. If the trust log
        changes first, it has to be proposed again.
      </p>
    </Frame>
  );
}
