/** Sixty bars from zero, one a minute, with its largest value and its two ends written out. */
import { formatClock, formatCount } from "../../format.ts";

interface BarsProps {
  /** Oldest first; the last one is the minute that runs. */
  readonly counts: readonly number[];
  /** Seconds, in the last minute. */
  readonly endsAt: number;
}

const HEIGHT = 80;
/** Of one minute; the drawing is stretched to the width there is, and the words beside it are not. */
const STEP = 6;
const GAP = 1.5;

export function Bars({ counts, endsAt }: BarsProps) {
  const most = Math.max(...counts, 1);
  const width = counts.length * STEP;
  const heightOf = (count: number) => (count / most) * HEIGHT;
  const beginsAt = endsAt - (counts.length - 1) * 60;
  return (
    <div class="bars" role="img" aria-label={sentenceOf(counts, beginsAt)}>
      <div class="scale" aria-hidden="true">
        <span>{formatCount(most)}</span>
        <span>0</span>
      </div>
      <svg viewBox={`0 0 ${width} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        <path class="grid" d={`M0 0H${width}`} />
        <path class="base" d={`M0 ${HEIGHT}H${width}`} />
        {counts.map((count, index) =>
          count === 0 ? null : (
            <rect
              key={index}
              class="c3"
              x={index * STEP}
              y={HEIGHT - heightOf(count)}
              width={STEP - GAP}
              height={heightOf(count)}
            />
          ),
        )}
      </svg>
      <div class="ends" aria-hidden="true">
        <span>{formatClock(beginsAt)}</span>
        <span>{formatClock(endsAt)}</span>
      </div>
    </div>
  );
}

/** What the bars show, for whoever hears them. */
export function sentenceOf(counts: readonly number[], beginsAt: number): string {
  const most = Math.max(...counts, 0);
  if (most === 0) return "Refusals per minute in the last hour: none.";
  const at = formatClock(beginsAt + counts.indexOf(most) * 60);
  const minutes = counts.filter((count) => count > 0).length;
  return `Refusals per minute in the last hour: some in ${minutes} of ${counts.length} minutes, most at ${at} with ${formatCount(most)}.`;
}
