/**
 * The command that an agent wants to run: whole, set apart, with everything that deceives made visible; and the answer, a
 * touch over exactly that. Where answering is off, what switching it on would change.
 * May not: shorten the command, or show anything of it as a word of ours.
 */
import { useEffect } from "preact/hooks";
import { useSignal, type Signal } from "@preact/signals";
import { Empty, Fact, TroubleText, Waiting } from "../../components/parts.tsx";
import { Foreign, Runs } from "../../components/foreign.tsx";
import { hiddenIn } from "../../components/visible.ts";
import type { Wish } from "../../dialog/order-dialog.tsx";
import { formatAge, formatNumberOf } from "../../format.ts";
import { Icon } from "../../icons.tsx";
import { useApp } from "../../state/app.ts";
import type { HostView, Loadable, OperationId } from "../../state/backend.ts";
import { mandateObstacle } from "../../state/mandate.ts";
import type { ReadResult } from "../../state/readings.ts";

type Reading = ReadResult<"gateway.questions@1">;
type Question = NonNullable<Reading["question"]>;

/** While this tab is open: the next question follows the last one. */
const LOOK_MILLISECONDS = 3_000;

interface ApprovalsProps {
  readonly host: HostView;
  readonly onAsk: (wish: Wish) => void;
}

export default function Approvals({ host, onAsk }: ApprovalsProps) {
  const reading = useQuestions(host);
  const { value } = reading;
  if (value.state === "loading") return <Waiting what="Asking the host what waits" />;
  if (value.state === "failed") {
    return (
      <div class="card">
        <Empty icon="offline" title="What waits cannot be shown">
          <p>
            <TroubleText trouble={value.trouble} />
          </p>
        </Empty>
      </div>
    );
  }
  const asking: Asking = { host, reading: value.value, onAsk };
  return (
    <div class="split">
      <div class="stack">
        {value.value.question === undefined ? (
          <Nothing {...asking} />
        ) : (
          <QuestionCard {...asking} question={value.value.question} />
        )}
      </div>
      <div class="stack">
        <SwitchCard {...asking} />
        <RulesCard {...asking} />
      </div>
    </div>
  );
}

interface Asking {
  readonly host: HostView;
  readonly reading: Reading;
  readonly onAsk: (wish: Wish) => void;
}

/** Read again and again, and at once when the host's figures say that something waits. */
function useQuestions(host: HostView): Signal<Loadable<Reading>> {
  const { backend } = useApp();
  const kept = useSignal<Loadable<Reading>>({ state: "loading" });
  const waiting = host.telemetry?.questions?.waiting;
  useEffect(() => {
    let isOpen = true;
    const look = async (): Promise<void> => {
      const answer = await backend.readings.read({ host: host.id, operation: "gateway.questions@1", args: {} });
      if (!isOpen) return;
      if (answer.ok) kept.value = { state: "ready", value: answer.value.value };
      // What is known stays on the page while one look fails.
      else if (kept.value.state !== "ready") kept.value = { state: "failed", trouble: answer.trouble };
    };
    void look();
    const timer = setInterval(() => void look(), LOOK_MILLISECONDS);
    return () => {
      isOpen = false;
      clearInterval(timer);
    };
  }, [backend, host.id, waiting, kept]);
  return kept;
}

function Nothing({ host, reading }: Asking) {
  return (
    <div class="card">
      <Empty icon="ok" title={reading.watching ? "Nothing waits" : "Nobody is asked here"}>
        <p>
          {reading.watching
            ? `No agent on ${host.label} waits for an answer. A question appears here the moment it is asked.`
            : `The gateway on ${host.label} refuses at once whatever its rules would have somebody decide.`}
        </p>
        {reading.deniedUnasked > 0 && <Flood count={reading.deniedUnasked} />}
      </Empty>
    </div>
  );
}

function Flood({ count }: { readonly count: number }) {
  return (
    <p class="small">
      {formatNumberOf(count, "question was", "questions were")} denied unasked: there were more than ten within an hour.
    </p>
  );
}

function QuestionCard({ host, reading, onAsk, question }: Asking & { readonly question: Question }) {
  const { now } = useApp();
  const left = question.expiresAt === undefined ? undefined : Math.max(0, question.expiresAt - now.value);
  return (
    <section class="card" aria-labelledby="question">
      <div class="card-head">
        <h2 id="question">An agent on {host.label} wants to run a command</h2>
        {left !== undefined && <span class="tiny num nowrap">{formatAge(left)} left, then it does not run</span>}
      </div>
      <div class="card-body stack mid">
        <Command text={question.command} />
        <QuestionFacts question={question} />
        {reading.behind > 0 && (
          <p class="small muted">
            {formatNumberOf(reading.behind, "more question waits", "more questions wait")} behind this one.
          </p>
        )}
        {reading.deniedUnasked > 0 && <Flood count={reading.deniedUnasked} />}
        <Answers host={host} question={question} onAsk={onAsk} />
      </div>
    </section>
  );
}

function Command({ text }: { readonly text: string }) {
  const hidden = hiddenIn(text);
  const bytes = new TextEncoder().encode(text).length;
  return (
    <>
      <div class="untrusted">
        <div class="cap">
          <span>Written by the agent, not by us</span>
          <span>
            {formatNumberOf(bytes, "byte")}, whole
            {hidden > 0 && `; ${formatNumberOf(hidden, "hidden character")} made visible`}
          </span>
        </div>
        <pre tabIndex={0} role="region" aria-label="The command">
          <Runs text={text} />
        </pre>
      </div>
      {hidden > 0 && (
        <div class="banner warn">
          <Icon name="warn" />
          <p class="grow small">
            <strong>It is not what it looks like.</strong> It holds characters that a terminal would not show, or that
            turn what is shown.
          </p>
        </div>
      )}
    </>
  );
}

function QuestionFacts({ question }: { readonly question: Question }) {
  const { argv, cwd, agent, session, resolvedPath, warning } = question;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ["Program", resolvedPath],
    ["Words", argv === undefined ? undefined : JSON.stringify(argv)],
    ["Folder", cwd],
    ["Agent", agent],
    ["Session", session],
    ["The gateway warns", warning],
  ];
  return (
    <div class="intent">
      <dl class="facts">
        {facts.map(
          ([name, value]) =>
            value !== undefined && (
              <Fact key={name} name={name}>
                <Foreign text={value} whole />
              </Fact>
            ),
        )}
        <Fact name="Bound to">
          the command as shown, its folder, and every program and file that it names, as they are on the host now
        </Fact>
      </dl>
    </div>
  );
}

const answers = [
  { operation: "exec.deny@1", decision: "deny", title: "Deny…", class: "btn" },
  { operation: "exec.allow-once@1", decision: "allow-once", title: "Allow once…", class: "btn primary" },
  { operation: "exec.allow-always@1", decision: "allow-always", title: "Allow always…", class: "btn" },
] as const;

function Answers({
  host,
  question,
  onAsk,
}: {
  readonly host: HostView;
  readonly question: Question;
  readonly onAsk: (wish: Wish) => void;
}) {
  const obstacle = useObstacle(host);
  const { tag, subject, may } = question;
  const offered = answers.filter(({ decision }) => may.includes(decision));
  return (
    <>
      <div class="row wrap">
        {offered.map(({ operation, title, class: look }) => (
          <Ask
            key={operation}
            look={look}
            title={title}
            why={obstacle(operation)}
            onAsk={() =>
              onAsk({
                operation,
                hosts: [{ id: host.id, label: host.label }],
                args: { subject: tag },
                expect: { subject },
              })
            }
          />
        ))}
      </div>
      <p class="small muted">
        Allowing runs code, so it needs the signer: <code>clawhold ui</code> on your own machine; allowing once also
        works elsewhere for people whom a rule names. Denying works from anywhere. Without an answer it does not run.
      </p>
    </>
  );
}

function useObstacle(host: HostView): (operation: OperationId) => string | undefined {
  const { backend, now } = useApp();
  const asker = { view: backend.trust.value, person: backend.person.value?.id, now: now.value };
  if (!host.connected) return () => "when the host is heard from";
  return (operation) => mandateObstacle(asker, operation, [host.id]);
}

interface AskProps {
  readonly title: string;
  readonly look: string;
  readonly why: string | undefined;
  readonly onAsk: () => void;
}

function Ask({ title, look, why, onAsk }: AskProps) {
  return (
    <span class="row">
      <button
        class={look}
        type="button"
        aria-disabled={why === undefined ? undefined : "true"}
        title={why}
        onClick={() => {
          if (why === undefined) onAsk();
        }}
      >
        {title}
      </button>
      {why !== undefined && <span class="tiny faint">Not offered: {why}.</span>}
    </span>
  );
}

function SwitchCard({ host, reading, onAsk }: Asking) {
  const obstacle = useObstacle(host);
  const operation = reading.watching ? "exec.watch-off@1" : "exec.watch-on@1";
  return (
    <section class="card" aria-labelledby="answering">
      <div class="card-head">
        <h2 id="answering">Answering on this host</h2>
        <span class="tiny faint">{reading.watching ? "on" : "off"}</span>
      </div>
      <div class="card-body stack mid">
        <p class="small muted">
          {reading.watching
            ? "The gateway holds commands that its rules want decided and waits for you, up to 30 minutes. At most one is shown at a time, ten in an hour; beyond that this host denies by itself and raises an alert."
            : "With answering on, the gateway holds such commands and waits for you, up to 30 minutes, where it now refuses them at once. It changes how agents here behave."}
        </p>
        {reading.asAdministrator && (
          <p class="small muted">
            This version of the gateway hands questions only to an administrator's connection, so the agent on this host
            keeps one open. It is used to list and answer questions and for nothing else.
          </p>
        )}
        <Ask
          look="btn sm"
          title={reading.watching ? "Switch off…" : "Switch on…"}
          why={obstacle(operation)}
          onAsk={() => onAsk({ operation, hosts: [{ id: host.id, label: host.label }] })}
        />
      </div>
    </section>
  );
}

const choices = {
  security: ["deny", "allowlist", "full"],
  ask: ["off", "on-miss", "always"],
  fallback: ["deny", "allowlist", "full"],
} as const;
/** The gateway's own words, said plainly. */
const meanings: Readonly<Record<string, string>> = {
  deny: "nothing",
  allowlist: "what is on the list",
  full: "anything",
  off: "never",
  "on-miss": "when it is not on the list",
  always: "always",
};
const titles = { security: "What may run", ask: "When to ask", fallback: "Without an answer" } as const;
type Rule = keyof typeof choices;

function RulesCard({ host, reading, onAsk }: Asking) {
  const obstacle = useObstacle(host);
  const { subject, ...held } = reading.policy;
  const chosen = useSignal<Partial<Record<Rule, string>>>({});
  const wanted = { ...held, ...chosen.value };
  const isSame = wanted.security === held.security && wanted.ask === held.ask && wanted.fallback === held.fallback;
  return (
    <section class="card" aria-labelledby="exec-rules">
      <div class="card-head">
        <h2 id="exec-rules">Rules for commands</h2>
      </div>
      <div class="card-body stack mid">
        <p class="small muted">
          For every agent of this gateway that has no rules of its own. Each change is in the activity log.
        </p>
        {(Object.keys(choices) as Rule[]).map((rule) => (
          <div class="field" key={rule}>
            <label for={`rule-${rule}`}>{titles[rule]}</label>
            <select
              class="select"
              id={`rule-${rule}`}
              value={wanted[rule]}
              onChange={(event) => (chosen.value = { ...chosen.value, [rule]: event.currentTarget.value })}
            >
              {[...new Set<string>([held[rule], ...choices[rule]])].map((choice) => (
                <option key={choice} value={choice}>
                  {meanings[choice] === undefined ? choice : `${meanings[choice]} (${choice})`}
                </option>
              ))}
            </select>
          </div>
        ))}
        {(wanted.security === "full" || wanted.fallback === "full") && (
          <p class="small muted">
            "Anything" lets agents here run any program as the gateway's user, without a question where none is asked.
          </p>
        )}
        <Ask
          look="btn sm"
          title="Change the rules…"
          why={isSame ? "choose something else first" : obstacle("exec.policy@1")}
          onAsk={() =>
            onAsk({
              operation: "exec.policy@1",
              hosts: [{ id: host.id, label: host.label }],
              args: wanted,
              expect: { subject },
            })
          }
        />
      </div>
    </section>
  );
}
