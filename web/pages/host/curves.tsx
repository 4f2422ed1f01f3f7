/** What one gateway did over time: tokens and cost, sessions, scheduled jobs, memory, event loop, restarts. */
import { useEffect, useMemo } from "preact/hooks";
import { useSignal, type Signal } from "@preact/signals";
import { historyRangeNames, type HistoryPoint, type HistoryRange } from "../../../protocol/history.ts";
import { TroubleText, Waiting } from "../../components/parts.tsx";
import { formatBytes, formatClock, formatCost, formatCount, formatMilliseconds, formatSpan } from "../../format.ts";
import { useApp } from "../../state/app.ts";
import type { HostView, Trouble } from "../../state/backend.ts";
import {
  countSeries,
  levelSeries,
  shareSeries,
  type HistoryAnswer,
  type Measure,
  type ShareBy,
} from "../../state/curves.ts";
import { CurveCard } from "./curve-card.tsx";
import { useNames } from "./names.ts";

/** A host says a new sample to whoever looks within some minutes; asking each minute finds it. */
const READ_AGAIN_MS = 60_000;
/** Whoever begins to look makes the host say what it has not said yet: that is here a moment later. */
const FIRST_AGAIN_MS = 2_500;

export function Curves({ host }: { readonly host: HostView }) {
  const range = useSignal<HistoryRange>("24h");
  const { answer, trouble } = useHistoryOf(host.id, range.value);
  const names = useNames(host);
  return (
    <section class="stack mid" aria-labelledby="curves">
      <div class="row spread">
        <h2 id="curves">Over time</h2>
        <div class="filters scroll" role="group" aria-label="How far back">
          {historyRangeNames.map((name) => (
            <button
              key={name}
              class="chip"
              type="button"
              aria-pressed={range.value === name}
              onClick={() => (range.value = name)}
            >
              {rangeWords[name]}
            </button>
          ))}
        </div>
      </div>
      {trouble !== undefined && (
        <p class="small" role="status">
          <TroubleText trouble={trouble} />
        </p>
      )}
      {answer === undefined ? (
        trouble === undefined && <Waiting what="Reading the figures" />
      ) : (
        <Cards answer={answer} names={names} />
      )}
    </section>
  );
}

const rangeWords: Readonly<Record<HistoryRange, string>> = {
  "1h": "1 hour",
  "6h": "6 hours",
  "24h": "24 hours",
  "7d": "7 days",
  "30d": "30 days",
  "90d": "90 days",
};

interface HistoryOf {
  readonly answer: HistoryAnswer | undefined;
  readonly trouble: Trouble | undefined;
}

/** What was read stays until something else is; when reading fails, beside why. */
function useHistoryOf(host: string, range: HistoryRange): HistoryOf {
  const { history } = useApp().backend;
  const answer = useSignal<HistoryAnswer | undefined>(undefined);
  const trouble = useSignal<Trouble | undefined>(undefined);
  useEffect(() => {
    let isOver = false;
    const look = async () => {
      if (document.hidden) return;
      const result = await history.read(host, range);
      if (isOver) return;
      trouble.value = result.ok ? undefined : result.trouble;
      if (result.ok) answer.value = result.value;
    };
    answer.value = undefined;
    trouble.value = undefined;
    void look();
    const soon = setTimeout(() => void look(), FIRST_AGAIN_MS);
    const timer = setInterval(() => void look(), READ_AGAIN_MS);
    return () => {
      isOver = true;
      clearTimeout(soon);
      clearInterval(timer);
    };
  }, [history, host, range]);
  return { answer: answer.value, trouble: trouble.value };
}

interface CardsProps {
  readonly answer: HistoryAnswer;
  readonly names: ReadonlyMap<string, string>;
}

function Cards({ answer, names }: CardsProps) {
  const { points, step } = answer;
  const by = useSignal<ShareBy>("models");
  const measure = useSignal<Measure>("tokens");
  const formatTime = useMemo(() => timeFormat(answer), [answer]);
  const common = { points, step, names, formatTime };
  const shares = useMemo(() => shareSeries(points, by.value, measure.value), [points, by.value, measure.value]);
  const levels = useMemo(() => levelsOf(points), [points]);
  if (points.every(({ samples }) => samples === 0)) return <NothingYet />;
  return (
    <>
      <CurveCard
        {...common}
        id="curve-usage"
        title={`${measure.value === "tokens" ? "Tokens" : "Cost"} by ${by.value === "models" ? "model" : "agent"}`}
        kind="bars"
        series={shares}
        format={measure.value === "tokens" ? formatCount : formatCost}
      >
        <Choices by={by} measure={measure} />
      </CurveCard>
      <div class="grid-2">
        <CurveCard {...common} {...levels.sessions} format={formatCount} />
        <CurveCard {...common} {...levels.jobs} format={formatCount} />
        <CurveCard {...common} {...levels.loop} format={formatMilliseconds} />
        <CurveCard {...common} {...levels.memory} format={formatBytes} />
      </div>
      <p class="tiny faint">
        One step is {formatSpan(step)}. A dashed line is a restart of the gateway; where nothing is drawn, nothing was
        heard. Tokens and cost are what the gateway counted.
      </p>
    </>
  );
}

function levelsOf(points: readonly HistoryPoint[]) {
  return {
    sessions: {
      id: "curve-sessions",
      title: "Active sessions",
      kind: "lines",
      series: [levelSeries(points, "sessions", { word: "mean", colour: 1 })],
    },
    jobs: {
      id: "curve-jobs",
      title: "Scheduled jobs",
      kind: "bars",
      series: [
        countSeries(points, "jobsOk", { word: "went well", colour: 2 }),
        countSeries(points, "jobsFailed", { word: "failed", colour: 3 }),
      ],
    },
    loop: {
      id: "curve-loop",
      title: "Event-loop delay",
      kind: "lines",
      series: [
        levelSeries(points, "loopMs", { word: "mean", colour: 1 }),
        levelSeries(points, "loopMsWorst", { word: "worst", colour: 3 }),
      ],
    },
    memory: {
      id: "curve-memory",
      title: "Memory of the gateway",
      kind: "lines",
      series: [levelSeries(points, "rssBytes", { word: "mean", colour: 4 })],
    },
  } as const;
}

interface ChoicesProps {
  readonly by: Signal<ShareBy>;
  readonly measure: Signal<Measure>;
}

function Choices({ by, measure }: ChoicesProps) {
  const chip = (word: string, isOn: boolean, choose: () => void) => (
    <button class="chip" type="button" aria-pressed={isOn} onClick={choose}>
      {word}
    </button>
  );
  return (
    <div class="filters">
      <div class="filters" role="group" aria-label="What is drawn">
        {chip("Tokens", measure.value === "tokens", () => (measure.value = "tokens"))}
        {chip("Cost", measure.value === "costMicros", () => (measure.value = "costMicros"))}
      </div>
      <div class="filters" role="group" aria-label="By what it is divided">
        {chip("By model", by.value === "models", () => (by.value = "models"))}
        {chip("By agent", by.value === "agents", () => (by.value = "agents"))}
      </div>
    </div>
  );
}

function NothingYet() {
  return (
    <div class="card">
      <div class="card-body">
        <p class="small muted">
          Nothing was noted in this time. A host notes its figures once a minute while its agent runs, and says them
          every quarter of an hour, or at once when somebody looks.
        </p>
      </div>
    </div>
  );
}

const DAYS = 2 * 86_400;

/** Clock times within two days, dates beyond. */
function timeFormat({ points }: HistoryAnswer): (at: number) => string {
  const span = (points.at(-1)?.at ?? 0) - (points[0]?.at ?? 0);
  if (span <= DAYS) return (at) => formatClock(at);
  const date = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
  return (at) => date.format(at * 1_000);
}
