/** The heading of an alert: also above every page, so it is in the first script. Pure; states no more than it knows. */
import { formatShortId } from "../../format.ts";
import type { AlertView } from "../../state/alerts.ts";

/** The host's label, or its id where the trust log does not know it. */
export function hostName({ host, hostLabel }: AlertView): string {
  return hostLabel ?? (host === undefined ? "a host" : formatShortId(host));
}

export function personName(alert: AlertView, id: string | undefined): string {
  return id === undefined ? "somebody" : (alert.names.get(id) ?? formatShortId(id));
}

export function titleOf(alert: AlertView, now: number): string {
  const host = hostName(alert);
  switch (alert.kind) {
    case "refusals.many":
      return refusalsTitle(alert);
    case "witness.refused":
      return `${host} refuses to witness the activity log`;
    case "witness.stalled":
      return `${host} no longer witnesses the activity log`;
    case "witness.reset":
      return `${host} forgot what it had seen of the activity log`;
    case "ledger.rewritten":
      return "The activity log does not fit what was signed";
    case "stream.failing":
      return "A stream of the activity log does not arrive";
    case "address.banned":
      return "An address was turned away for failing to sign in";
    case "host.cloned":
      return `A second machine came with the key of ${host}`;
    case "receipts.forked":
      return `${host} signed two receipts under one number`;
    case "trust.forked":
      return `${host} was shown two histories of who may do what`;
    case "certificate.ending":
      return `The certificate of ${host} ${isOver(alert, now) ? "has ended" : "ends soon"}`;
    case "grant.ending":
      return `The roles of ${personName(alert, alert.person)} ${isOver(alert, now) ? "have ended" : "end soon"}`;
    case "host.reset":
      return `${host} was made to forget whom it obeys`;
  }
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
