/** How a stream is doing, in words. Pure. */
import type { DeliveryFault } from "../../../protocol/alerts.ts";
import { formatEntries, formatIndex, formatNumberOf, formatSpan } from "../../format.ts";
import type { Shape } from "../../state/condition.ts";
import type { StreamView } from "../../state/streams.ts";

export const faultWords = {
  unreachable: "it could not be reached",
  timeout: "it took longer than 10 seconds",
  redirect: "it answered with a redirect, which is never followed",
  status: "it answered with an error",
  gone: "it says that it is gone for good",
  target: "its address is not allowed any more",
  settings: "its settings cannot be opened any more; set them again",
} as const satisfies Record<DeliveryFault, string>;

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

/** The edge judges the address fully; this spares a touch for what it would refuse anyway. */
export function addressFault(url: string): string | undefined {
  if (!url.startsWith("https://") || !URL.canParse(url))
    return "The address must be a whole one, beginning with https://.";
  const { hostname } = new URL(url);
  const isName = /[a-z]$/.test(hostname) && hostname.includes(".");
  return isName ? undefined : "The address must have a public name, such as siem.example.com.";
}
