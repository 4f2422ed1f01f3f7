/** A small line of what was seen since the page was opened: from zero, no axis, gaps stay gaps. */
import { pathOf } from "../state/samples.ts";
import type { Sample } from "../state/samples.ts";

interface SparkProps {
  readonly samples: readonly Sample[];
  /** The sentence a screen reader gets instead of the line. */
  readonly label: string;
}

const box = { width: 320, height: 48 } as const;

export function Spark({ samples, label }: SparkProps) {
  const path = pathOf(samples, box);
  const whole = samples.every((sample) => sample.value !== undefined);
  return (
    <svg
      class="trace"
      viewBox={`0 -2 ${box.width} ${box.height + 3}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {whole && samples.length > 1 && <path class="area" d={`${path}L${box.width} ${box.height}L0 ${box.height}Z`} />}
      <path class="base" d={`M0 ${box.height}H${box.width}`} />
      {samples.length > 1 && <path class="line" d={path} />}
    </svg>
  );
}
