/**
 * The last few values of a figure since the page was opened. The edge keeps no history yet, and the page says
 * "since you opened this page" instead of drawing a past it does not have. Pure.
 */

export interface Sample {
  readonly at: number;
  /** Absent: the gateway did not say. Drawn as a gap, never joined. */
  readonly value?: number;
}

/** Five minutes at one report in five seconds. */
const MAX_SAMPLES = 60;

/** One sample per report: a second look at the same report adds nothing. */
export function addSample(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  const last = samples.at(-1);
  if (last !== undefined && sample.at <= last.at) return samples;
  return [...samples, sample].slice(-MAX_SAMPLES);
}

/** Path data of runs of known values in a box, from zero at the bottom; gaps split the path. */
export function pathOf(samples: readonly Sample[], box: { readonly width: number; readonly height: number }): string {
  const top = Math.max(1, ...samples.map(({ value }) => value ?? 0)) * 1.15;
  const step = samples.length > 1 ? box.width / (samples.length - 1) : 0;
  let pen = "M";
  const parts: string[] = [];
  samples.forEach(({ value }, index) => {
    if (value === undefined) {
      pen = "M";
      return;
    }
    const y = box.height - (value / top) * box.height;
    parts.push(`${pen}${(index * step).toFixed(1)} ${y.toFixed(1)}`);
    pen = "L";
  });
  return parts.join("");
}
