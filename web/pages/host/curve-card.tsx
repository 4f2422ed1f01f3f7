/** One plot with its title, its legend, and the same figures as a table for whoever cannot see it or wants to copy them. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import type { HistoryPoint } from "../../../protocol/history.ts";
import { arrived } from "../../client/late.ts";
import { runsOf } from "../../components/visible.ts";
import { formatTitle } from "../../format.ts";
import { useApp } from "../../state/app.ts";
import { hasValues, largestOf, restartsIn, type Series } from "../../state/curves.ts";
import type { Plot } from "./plot.ts";

export interface CurveCardProps {
  readonly id: string;
  readonly title: string;
  readonly kind: "bars" | "lines";
  readonly points: readonly HistoryPoint[];
  readonly step: number;
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  readonly formatTime: (at: number) => string;
  /** What the gateway calls things, by their short names; read sealed, and absent until then. */
  readonly names: ReadonlyMap<string, string>;
  /** Choices beside the title. */
  readonly children?: ComponentChildren;
}

export function CurveCard(props: CurveCardProps) {
  const { id, title, points, series, format, names, children } = props;
  const at = useSignal<number | undefined>(undefined);
  const pointed = at.value;
  const time = pointed === undefined ? undefined : points[pointed]?.at;
  return (
    <section class="card curve" aria-labelledby={id}>
      <div class="card-head">
        <h2 id={id}>{title}</h2>
        {children}
      </div>
      <div class="card-body stack tight">
        {hasValues(series) ? (
          <>
            <Drawn {...props} onPoint={(index) => (at.value = index)} />
            <ul class="legend" aria-hidden="true">
              {series.map((one) => (
                <li key={one.key}>
                  <svg class="swatch" viewBox="0 0 12 10">
                    <rect class={`c${one.colour}`} width="12" height="10" rx="2" />
                  </svg>
                  <SeriesName series={one} names={names} />{" "}
                  <strong class="num">{legendValue(one, pointed, format)}</strong>
                </li>
              ))}
              <li class="faint num">{time === undefined ? "" : formatTitle(time)}</li>
            </ul>
            <AsNumbers {...props} />
          </>
        ) : (
          <p class="small muted">No figures in this time.</p>
        )}
      </div>
    </section>
  );
}

function legendValue(
  { values, total }: Series,
  pointed: number | undefined,
  format: (value: number) => string,
): string {
  if (pointed === undefined) return total === undefined ? "" : format(total);
  const value = values[pointed];
  return value === undefined || value === null ? "no figures" : format(value);
}

function SeriesName({ series, names }: { readonly series: Series; readonly names: ReadonlyMap<string, string> }) {
  const { name } = series;
  if (name.kind === "word") return <>{name.word}</>;
  const known = names.get(name.tag);
  return known === undefined ? <code class="faint">{name.tag}</code> : <GatewayName text={known} />;
}

/** A name that the gateway gave: set apart, and with nothing in it that cannot be seen. */
function GatewayName({ text }: { readonly text: string }) {
  return (
    <bdi class="mono">
      {runsOf(text).map(({ text: run, hidden }, index) =>
        hidden === undefined ? (
          run
        ) : (
          <code key={index} title={hidden}>
            {run}
          </code>
        ),
      )}
    </bdi>
  );
}

function Drawn(props: CurveCardProps & { readonly onPoint: (index: number | undefined) => void }) {
  const { title, kind, points, step, series, format, formatTime, onPoint } = props;
  const { theme } = useApp();
  const place = useRef<HTMLDivElement>(null);
  const isMissing = useSignal(false);
  const isDark = useDark();
  useEffect(() => {
    let plot: Plot | undefined;
    let isOver = false;
    const draw = async () => {
      const { drawPlot } = await arrived(import("./plot.ts"));
      if (isOver || place.current === null) return;
      const times = points.map(({ at }) => at);
      const restarts = restartsIn(points);
      plot = drawPlot(place.current, { kind, times, step, series, restarts, format, formatTime, onPoint });
    };
    draw().catch(() => (isMissing.value = true)); // the figures are in the table either way
    return () => {
      isOver = true;
      plot?.destroy();
    };
  }, [points, series, kind, step, theme.choice.value, isDark]);
  return (
    <>
      <div class="plot" ref={place} role="img" aria-label={sentenceOf({ title, kind, points, series, format })} />
      {isMissing.value && <p class="small muted">The plot did not arrive. The figures are below, as numbers.</p>}
    </>
  );
}

const DARK = "(prefers-color-scheme: dark)";

/** The colours of a canvas do not follow the theme by themselves. */
function useDark(): boolean {
  const isDark = useSignal(matchMedia(DARK).matches);
  useEffect(() => {
    const query = matchMedia(DARK);
    const change = () => (isDark.value = query.matches);
    query.addEventListener("change", change);
    return () => query.removeEventListener("change", change);
  }, []);
  return isDark.value;
}

type Described = Pick<CurveCardProps, "title" | "kind" | "points" | "series" | "format">;

/** What the plot shows, for whoever hears it. */
export function sentenceOf({ title, kind, points, series, format }: Described): string {
  const largest = largestOf(points, series, kind === "bars");
  if (largest === undefined || largest.value === 0) return `${title}: nothing in this time.`;
  const restarts = restartsIn(points).length;
  const more = restarts === 0 ? "" : ` Restarts of the gateway: ${restarts}.`;
  return `${title}: most at ${formatTitle(largest.at)} with ${format(largest.value)}.${more} The figures follow as numbers.`;
}

function AsNumbers({ title, points, series, format, names }: CurveCardProps) {
  const isOpen = useSignal(false);
  return (
    <details class="as-numbers" onToggle={({ currentTarget }) => (isOpen.value = currentTarget.open)}>
      <summary>As numbers</summary>
      {isOpen.value && (
        <div class="table-wrap" tabIndex={0} role="region" aria-label={`${title}, as numbers`}>
          <table class="table">
            <thead>
              <tr>
                <th scope="col">From</th>
                {series.map((one) => (
                  <th key={one.key} scope="col" class="r">
                    <SeriesName series={one} names={names} />
                  </th>
                ))}
                <th scope="col" class="r">
                  Restarts
                </th>
              </tr>
            </thead>
            <tbody>
              {points.map((point, index) =>
                point.samples === 0 ? null : (
                  <tr key={point.at}>
                    <th scope="row" class="num">
                      {formatTitle(point.at)}
                    </th>
                    {series.map((one) => {
                      const value = one.values[index];
                      return (
                        <td key={one.key} class="r num">
                          {value === undefined || value === null ? "–" : format(value)}
                        </td>
                      );
                    })}
                    <td class="r num">{point.restarts}</td>
                  </tr>
                ),
              )}
            </tbody>
          </table>
          <p class="tiny faint">Times of which nothing was heard are left out.</p>
        </div>
      )}
    </details>
  );
}
