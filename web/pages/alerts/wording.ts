/** What an alert says to a person: its measure, and what became of its messages. Pure; states no more than it knows. */
import type { AlertDelivery, AlertState } from "../../../protocol/alerts.ts";
import { explainRefusal, refusalCodes } from "../../../protocol/refusals.ts";
import { faultWords } from "../../components/delivery-words.ts";
import { formatList, formatNumberOf, formatRelative, formatShortId, formatSpan } from "../../format.ts";
import type { AlertView } from "../../state/alerts.ts";
import { personName } from "./title.ts";

/** Two logs of one length differ by their root. */
function viewOf({ size, root }: { readonly size: number; readonly root: string }): string {
  return `${formatNumberOf(size, "entry", "entries")}, root ${root.slice(0, 12)}`;
}

/** The numbers of this one; undefined: the kind says it all. */
export function measureOf({ detail, lastAt, times, kind }: AlertView, now: number): string | undefined {
  const { refusals, windowSeconds, until, place, held, shown } = detail;
  if (held !== undefined && shown !== undefined) return `Held: ${viewOf(held)}. Shown: ${viewOf(shown)}.`;
  if (refusals !== undefined && windowSeconds !== undefined)
    return `${formatNumberOf(refusals, "refusal")} within ${windowSeconds === 60 ? "a minute" : "an hour"}.`;
  if (until !== undefined && until > now) return `${formatSpan(until - now)} are left.`;
  if (place !== undefined && kind === "trust.forked") return `The two part at statement ${place}.`;
  if (times > 1) return `It happened ${times} times, last ${agoOf(lastAt, now)}.`;
  return undefined;
}

function agoOf(at: number, now: number): string {
  const relative = formatRelative(at, now);
  return now - at < 86_400 ? `${relative} ago` : relative;
}

export const stateWords = {
  open: "Open",
  acknowledged: "Acknowledged",
  resolved: "Resolved",
} as const satisfies Record<AlertState, string>;

/** Who took it, and who closed it. */
export function stepsOf(alert: AlertView): readonly string[] {
  const { acknowledged, resolved } = alert;
  return [
    ...(acknowledged === undefined ? [] : [`${personName(alert, acknowledged.by)} has it`]),
    ...(resolved === undefined
      ? []
      : [
          resolved.by === undefined
            ? "resolved by itself: the reason is gone"
            : `resolved by ${personName(alert, resolved.by)}`,
        ]),
  ];
}

const channelNames = { webhook: "webhook", ntfy: "ntfy" } as const;

/** One sentence part for each, those that arrived together. */
export function deliveriesOf(deliveries: readonly AlertDelivery[], now: number): readonly string[] {
  const sent = deliveries.filter(({ state }) => state === "sent").map(({ channel }) => channelNames[channel]);
  const others = deliveries.filter(({ state }) => state !== "sent");
  return [
    ...(sent.length === 0 ? [] : [`sent to ${formatList(sent)}`]),
    ...others.map((delivery) => pendingOf(delivery, now)),
  ];
}

function pendingOf({ channel, state, attempts, fault, at }: AlertDelivery, now: number): string {
  const name = channelNames[channel];
  const why = fault === undefined ? "" : `: ${faultWords[fault]}`;
  if (state === "failed") return `not sent to ${name} after ${formatNumberOf(attempts, "attempt")}${why}`;
  if (attempts === 0) return `on its way to ${name}`;
  return `${name} is tried again in ${formatSpan(Math.max(0, at - now))}${why}`;
}

/** Whose refusals a rate counts. */
export function rateName(by: "host" | "session" | "rule", name: string, labels: ReadonlyMap<string, string>): string {
  if (name === "others") return "all others together";
  if (by === "host") return labels.get(name) ?? formatShortId(name);
  return by === "session" ? `sign-in ${name.slice(0, 8)}` : name;
}

/** What a rule of the protocol means; undefined: a rule of the edge's own door. */
export function ruleMeaning(name: string): string | undefined {
  const code = refusalCodes.find((known) => known === name);
  return code === undefined ? undefined : explainRefusal(code).what;
}
