/** Sixty bars from zero, one a minute, with its largest value and its two ends written out. */
import { formatClock, formatCount } from "../../format.ts";

interface BarsProps {
  /** Oldest first; the last one is the minute that runs. */
  readonly counts: readonly number[];
  /** Seconds, in the last minute. */
  readonly endsAt: number;
}

const box = { left: 28, top: 10, width: 332, height: 78 } as const;
const baseline = box.top + box.height;

export function Bars({ counts, endsAt }: BarsProps) {
  const most = Math.max(...counts, 1);
  const step = box.width / counts.length;
  const heightOf = (count: number) => (count / most) * box.height;
  const beginsAt = endsAt - (counts.length - 1) * 60;
  return (
    <svg class="bars" viewBox="0 0 360 108" role="img" aria-label={sentenceOf(counts, beginsAt)}>
      <path class="grid" d={`M${box.left} ${box.top}H${box.left + box.width}`} />
      <path class="base" d={`M${box.left} ${baseline}H${box.left + box.width}`} />
      {counts.map((count, index) =>
        count === 0 ? null : (
          <rect
            key={index}
            class="c3"
            x={box.left + index * step}
            y={baseline - heightOf(count)}
            width={Math.max(step - 1.5, 1)}
            height={heightOf(count)}
          />
        ),
      )}
      <text x={box.left - 6} y={box.top + 4} text-anchor="end">
        {formatCount(most)}
      </text>
      <text x={box.left - 6} y={baseline + 4} text-anchor="end">
        0
      </text>
      <text x={box.left} y={baseline + 16}>
        {formatClock(beginsAt)}
      </text>
      <text x={box.left + box.width} y={baseline + 16} text-anchor="end">
        {formatClock(endsAt)}
      </text>
    </svg>
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
