/** How the score went, and which check changed when: since yesterday in a sentence, over months as a curve. */
import { useEffect, useMemo, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { checks } from "../../../../protocol/posture.ts";
import type { Moment } from "../../../../protocol/posture/history.ts";
import type { CheckState } from "../../../../protocol/posture/words.ts";
import { stateWords } from "../../../../protocol/posture-words.ts";
import { arrived } from "../../../client/late.ts";
import { Relative } from "../../../components/time.tsx";
import { formatNumberOf, formatTitle } from "../../../format.ts";
import { useApp } from "../../../state/app.ts";
import type { Plot } from "../plot.ts";
import { ListCard, useReading } from "../reading.tsx";
import { changesSince, type Change } from "./findings.ts";

const DAY_SECONDS = 86_400;
const SHOWN_CHANGES = 30;
const SAID_CHANGES = 3;

export function WhatChanged() {
  const { now } = useApp();
  const read = useReading("posture.history@1", {});
  const moments = read.kept?.value.moments;
  if (moments === undefined) return null;
  const { changes, score } = changesSince(moments, now.value - DAY_SECONDS);
  // Of a host that is looked at for the first day there is no yesterday.
  const isNew = moments.every(({ at }) => at > now.value - DAY_SECONDS);
  if (changes.length === 0 && isNew) return null;
  if (changes.length === 0) return <p class="small muted">Nothing changed since yesterday.</p>;
  return (
    <div class="small stack tight">
      <p>
        Since yesterday {formatNumberOf(changes.length, "check")} changed
        {score !== undefined && `; it was ${score} of 100 then`}:
      </p>
      <ul class="stack tight finding-short">
        {changes.slice(0, SAID_CHANGES).map((change) => (
          <li key={change.check}>
            <Changed change={change} />
          </li>
        ))}
        {changes.length > SAID_CHANGES && <li class="muted">and {changes.length - SAID_CHANGES} more, below</li>}
      </ul>
    </div>
  );
}

const beforeWords = {
  pass: "held",
  fail: "failed",
  not_applicable: "did not apply",
  error: "could not be checked",
  unverified: "was not verified",
} as const satisfies Record<CheckState, string>;

function Changed({ change: { check, from, to, at } }: { readonly change: Change }) {
  return (
    <>
      {checks[check].title}: {beforeWords[from]} before, {stateWords[to]} since{" "}
      <span class="faint">
        <Relative at={at} ago />
      </span>
    </>
  );
}

export function Course() {
  const read = useReading("posture.history@1", {});
  return (
    <ListCard id="course" title="Score over time" read={read} what="how the score went">
      {({ moments }) => <Kept moments={moments} />}
    </ListCard>
  );
}

function Kept({ moments }: { readonly moments: readonly Moment[] }) {
  const changes = moments.flatMap(({ at, changes: of }) => of.map((one) => ({ ...one, at }))).toReversed();
  if (moments.length === 0) return <p class="card-body small muted">Nothing is kept yet.</p>;
  return (
    <div class="card-body stack mid">
      {moments.length > 1 ? <Curve moments={moments} /> : <p class="small muted">The curve begins today.</p>}
      <details class="as-numbers">
        <summary>What changed when</summary>
        <div class="table-wrap" tabIndex={0} role="region" aria-label="What changed when">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Check</th>
                <th scope="col">Before</th>
                <th scope="col">Since</th>
              </tr>
            </thead>
            <tbody>
              {changes.slice(0, SHOWN_CHANGES).map(({ at, check, from, to }) => (
                <tr key={`${at} ${check}`}>
                  <td class="num">{formatTitle(at)}</td>
                  <th scope="row">{checks[check].title}</th>
                  <td>{stateWords[from]}</td>
                  <td>{stateWords[to]}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        {changes.length === 0 && <p class="tiny faint">No check changed in this time.</p>}
      </details>
    </div>
  );
}

/** A score stands until the next one: a step, not a slope. */
export function stepsOf(moments: readonly Moment[]): { readonly times: number[]; readonly values: number[] } {
  const [times, values]: [number[], number[]] = [[], []];
  for (const [index, { at, score }] of moments.entries()) {
    const before = moments[index - 1];
    if (before !== undefined && at - 1 > before.at) {
      times.push(at - 1);
      values.push(before.score);
    }
    times.push(at);
    values.push(score);
  }
  return { times, values };
}

const dayOfYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

function Curve({ moments }: { readonly moments: readonly Moment[] }) {
  const { theme } = useApp();
  const place = useRef<HTMLDivElement>(null);
  const isMissing = useSignal(false);
  const { times, values } = useMemo(() => stepsOf(moments), [moments]);
  useEffect(() => {
    let plot: Plot | undefined;
    let isOver = false;
    const draw = async () => {
      const { drawPlot } = await arrived(import("../plot.ts"));
      if (isOver || place.current === null) return;
      plot = drawPlot(place.current, {
        kind: "lines",
        times,
        step: DAY_SECONDS,
        series: [{ values, colour: 1 }],
        restarts: [],
        format: (value) => String(Math.round(value)),
        formatTime: (at) => dayOfYear.format(at * 1_000),
        onPoint: () => undefined,
      });
    };
    draw().catch(() => (isMissing.value = true)); // what changed stands below either way
    return () => {
      isOver = true;
      plot?.destroy();
    };
  }, [times, values, theme.choice.value, isMissing]);
  const [first, last] = [moments[0]?.score ?? 0, moments.at(-1)?.score ?? 0];
  const least = Math.min(...values);
  const label = `Score over time: ${first} at first, ${least} at least, ${last} now.`;
  return (
    <>
      <div class="plot" ref={place} role="img" aria-label={label} />
      {isMissing.value && <p class="small muted">The plot did not arrive.</p>}
    </>
  );
}
