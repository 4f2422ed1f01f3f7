/** How a stream is doing, in words. Pure. */
import { faultWords } from "../../components/delivery-words.ts";
import { formatEntries, formatIndex, formatNumberOf, formatSpan } from "../../format.ts";
import type { Shape } from "../../state/condition.ts";
import type { StreamView } from "../../state/streams.ts";

export interface StreamWords {
  readonly shape: Shape;
  readonly word: string;
  readonly sentence: string;
}

export function wordsOf(stream: StreamView, now: number): StreamWords {
  const { state, fault, behind, attempts, retryAt } = stream;
  const waiting = behind === 0 ? "Nothing waits." : `${formatEntries(behind)} not looked at yet.`;
  if (state === "paused") {
    const why = fault === undefined ? "" : ` The last attempt: ${faultWords[fault]}.`;
    return { shape: "stopped", word: "Paused", sentence: `Nothing is sent until somebody goes on.${why} ${waiting}` };
  }
  if (state === "waiting" && fault !== undefined) {
    const again = retryAt === undefined ? "soon" : `in ${formatSpan(Math.max(0, retryAt - now))}`;
    const tries = formatNumberOf(attempts, "attempt");
    return {
      shape: "warn",
      word: "Not taking",
      sentence: `After ${tries}, ${faultWords[fault]}. Tried again ${again}; order is kept, nothing is lost. ${waiting}`,
    };
  }
  if (behind > 0) return { shape: "pending", word: "Catching up", sentence: waiting };
  return { shape: "ok", word: "Live", sentence: "Everything so far was taken." };
}

export function asideWords(setAside: StreamView["setAside"]): string {
  const [one] = setAside;
  if (one === undefined) return "";
  const entries = setAside.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const where = setAside.length === 1 ? `#${formatIndex(one.first)} to #${formatIndex(one.last)}` : "in several places";
  return `${formatEntries(entries)} set aside (${where}): ${faultWords[one.fault]}.`;
}
