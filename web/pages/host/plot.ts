/**
 * Draws one plot with uPlot. Fetched when a plot is shown. May not: put a text of a gateway anywhere, or a style
 * attribute (uPlot sets styles through the CSSOM, which the policy allows).
 */
import uPlot from "uplot";

export interface Drawing {
  readonly kind: "bars" | "lines";
  /** Seconds; beginnings of steps. */
  readonly times: readonly number[];
  readonly step: number;
  /** Bars stand on each other, in this order from below. */
  readonly series: readonly { readonly values: readonly (number | null)[]; readonly colour: number }[];
  readonly restarts: readonly number[];
  readonly format: (value: number) => string;
  readonly formatTime: (at: number) => string;
  /** Index of the step under the pointer. */
  readonly onPoint: (index: number | undefined) => void;
}

export interface Plot {
  destroy(): void;
}

const HEIGHT = 168;
const TICK_WIDTH = 64;
const TIMES_HEIGHT = 28;
const FONT = "12px system-ui, sans-serif";
const MAX_BAR = 48;

export function drawPlot(place: HTMLElement, drawing: Drawing): Plot {
  const plot = new uPlot(optionsOf(place, drawing), dataOf(drawing), place);
  const observer = new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: HEIGHT }));
  observer.observe(place);
  return {
    destroy() {
      observer.disconnect();
      plot.destroy();
    },
  };
}

/** Of stacked series the topmost is drawn first, and each next one over it. */
function dataOf({ kind, times, series }: Drawing): uPlot.AlignedData {
  if (kind === "lines") return [[...times], ...series.map(({ values }) => [...values])];
  const sums = times.map(() => 0);
  const stacked = series.map(({ values }) =>
    values.map((value, index) => {
      if (value === null) return null;
      const sum = (sums[index] ?? 0) + value;
      sums[index] = sum;
      return sum;
    }),
  );
  return [[...times], ...stacked.toReversed()];
}

function optionsOf(place: HTMLElement, drawing: Drawing): uPlot.Options {
  const { kind, times, step, series, format, formatTime } = drawing;
  const style = getComputedStyle(place);
  const colourOf = (name: string): string => style.getPropertyValue(name).trim();
  const axis = { stroke: colourOf("--chart-axis"), font: FONT, ticks: { show: false } };
  const grid = { stroke: colourOf("--chart-grid"), width: 1 };
  const drawn = kind === "bars" ? series.toReversed() : series;
  return {
    width: place.clientWidth,
    height: HEIGHT,
    // The last time is written around its tick: half of it stands beside the figure.
    padding: [8, 20, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { show: kind === "lines" }, y: false },
    scales: {
      x: { time: true, range: () => [times[0] ?? 0, (times.at(-1) ?? 0) + (kind === "bars" ? step : 0)] },
      y: { range: (_plot, _least, most) => [0, most > 0 ? most * 1.1 : 1] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: TIMES_HEIGHT,
        space: TICK_WIDTH,
        values: (_plot, at) => at.map(formatTime),
      },
      { ...axis, grid, size: TICK_WIDTH, values: (_plot, values) => unlikeBefore(values.map(format)) },
    ],
    series: [{}, ...drawn.map(({ colour }) => seriesOf(kind, colourOf(`--chart-${colour}`)))],
    hooks: {
      setCursor: [(plot) => drawing.onPoint(plot.cursor.idx ?? undefined)],
      draw: [(plot) => drawRestarts(plot, drawing.restarts, colourOf("--chart-axis"))],
    },
  };
}

function seriesOf(kind: Drawing["kind"], colour: string): uPlot.Series {
  const paths = kind === "bars" ? uPlot.paths.bars?.({ size: [0.85, MAX_BAR], align: 1 }) : undefined;
  if (paths === undefined) return { stroke: colour, width: 1.5, points: { show: onlyAlone } };
  return { stroke: colour, fill: colour, width: 0, paths, points: { show: false } };
}

/** A value between two gaps has no line to be on. */
function onlyAlone(plot: uPlot, index: number): boolean {
  const values = plot.data[index];
  return values?.some((value, at) => value != null && values[at - 1] == null && values[at + 1] == null) === true;
}

function drawRestarts(plot: uPlot, restarts: readonly number[], colour: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  for (const at of restarts) {
    const x = plot.valToPos(at, "x", true);
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
  }
  ctx.stroke();
  ctx.restore();
}

/** Where figures are small, several lines of the grid round to one number: it is said once. */
function unlikeBefore(labels: readonly string[]): string[] {
  return labels.map((label, index) => (label === labels[index - 1] ? "" : label));
}
