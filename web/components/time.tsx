/** Moments: relative up to a day, with the exact moment and zone on hover and for machines. */
import { useComputed } from "@preact/signals";
import { formatExact, formatIso, formatRelative, formatSpan, formatTitle } from "../format.ts";
import { useApp } from "../state/app.ts";

interface MomentProps {
  readonly at: number;
  /** "ago" after a relative time. */
  readonly ago?: boolean;
}

export function Relative({ at, ago = false }: MomentProps) {
  const { now, exactTimes } = useApp();
  const text = useComputed(() => {
    if (exactTimes.value) return formatExact(at);
    const seconds = now.value - at;
    if (ago && seconds < 1) return "just now";
    const relative = formatRelative(at, now.value);
    return ago && seconds < 86_400 ? `${relative} ago` : relative;
  }).value;
  return (
    <time dateTime={formatIso(at)} title={formatTitle(at)}>
      {text}
    </time>
  );
}

export function Exact({ at }: { readonly at: number }) {
  return <time dateTime={formatIso(at)}>{formatExact(at)}</time>;
}

/** Time left until `at`, counted by the page. */
export function Left({ at }: { readonly at: number }) {
  const { now } = useApp();
  // The clock of the page is 0 until the edge's first answer reached it.
  const text = useComputed(() => (now.value === 0 ? "a moment" : formatSpan(Math.max(0, at - now.value)))).value;
  return <span class="num">{text}</span>;
}
