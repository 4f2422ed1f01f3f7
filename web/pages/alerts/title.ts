/** The heading of an alert: also above every page, so it is in the first script. Pure; states no more than it knows. */
import type { AlertKind } from "../../../protocol/alerts.ts";
import { formatShortId } from "../../format.ts";
import type { AlertView } from "../../state/alerts.ts";

/** The host's label, or its id where the trust log does not know it. */
export function hostName({ host, hostLabel }: AlertView): string {
  return hostLabel ?? (host === undefined ? "a host" : formatShortId(host));
}

export function personName(alert: AlertView, id: string | undefined): string {
  return id === undefined ? "somebody" : (alert.names.get(id) ?? formatShortId(id));
}

type Title = string | ((alert: AlertView, now: number) => string);

const titles = {
  "refusals.many": refusalsTitle,
  "witness.refused": (alert) => `${hostName(alert)} refuses to witness the activity log`,
  "witness.stalled": (alert) => `${hostName(alert)} no longer witnesses the activity log`,
  "witness.reset": (alert) => `${hostName(alert)} forgot what it had seen of the activity log`,
  "ledger.rewritten": "The activity log does not fit what was signed",
  "stream.failing": "A stream of the activity log does not arrive",
  "address.banned": "An address was turned away for failing to sign in",
  "host.cloned": (alert) => `A second machine came with the key of ${hostName(alert)}`,
  "receipts.forked": (alert) => `${hostName(alert)} signed two receipts under one number`,
  "trust.forked": (alert) => `${hostName(alert)} was shown two histories of who may do what`,
  "certificate.ending": (alert, now) =>
    `The certificate of ${hostName(alert)} ${isOver(alert, now) ? "has ended" : "ends soon"}`,
  "grant.ending": (alert, now) =>
    `The roles of ${personName(alert, alert.person)} ${isOver(alert, now) ? "have ended" : "end soon"}`,
  "host.reset": (alert) => `${hostName(alert)} was made to forget whom it obeys`,
  "gateway.exposed": (alert) => `The gateway on ${hostName(alert)} is reachable from other machines`,
  "exec.waiting": (alert) => `A command waits for an answer on ${hostName(alert)}`,
  "posture.drift": (alert) => `${checkName(alert)} fails on ${hostName(alert)}, and passed before`,
  "posture.drift-critical": (alert) => `${checkName(alert)} fails on ${hostName(alert)}, and passed before`,
  "posture.waiver-ending": (alert) => `What was accepted for a while on ${hostName(alert)} ends soon`,
  "exec.flood": (alert) => `${hostName(alert)} asks to run more commands than anybody can judge`,
} as const satisfies Record<AlertKind, Title>;

export function titleOf(alert: AlertView, now: number): string {
  const title: Title = titles[alert.kind];
  return typeof title === "string" ? title : title(alert, now);
}

/** Its id: the catalogue's words come with the posture page. */
function checkName({ detail }: AlertView): string {
  return detail.check === undefined ? "A check" : `The check ${detail.check}`;
}

function isOver({ detail }: AlertView, now: number): boolean {
  return (detail.until ?? Infinity) <= now;
}

function refusalsTitle(alert: AlertView): string {
  const { by, name = "" } = alert.detail;
  if (by === "host") return `${hostName(alert)} refuses more than usual`;
  if (by === "session") return "One sign-in is refused more than usual";
  return `The rule ${name} refuses more than usual`;
}
