/**
 * What each action of the log is called elsewhere: its class and activity in OCSF 1.8, how serious it is, and one plain
 * sentence. Closed: a new action does not compile until it has its row. Knows no entry.
 */
import type { LedgerAction } from "../../protocol/ledger.ts";

/** How serious an action is on each of the three scales that far ends use. */
export const levels = {
  info: { ocsf: 1, cef: 2, syslog: 6 },
  low: { ocsf: 2, cef: 4, syslog: 5 },
  medium: { ocsf: 3, cef: 6, syslog: 4 },
  high: { ocsf: 4, cef: 8, syslog: 3 },
  critical: { ocsf: 5, cef: 10, syslog: 2 },
} as const satisfies Record<string, { readonly ocsf: number; readonly cef: number; readonly syslog: number }>;
export type Level = keyof typeof levels;

/** Classes of OCSF 1.8 by their `class_uid`; the thousands are the category. */
export const ocsfClasses = {
  base: 0,
  finding: 2004,
  account: 3001,
  authentication: 3002,
  entity: 3004,
  api: 6003,
} as const;
export type OcsfClass = keyof typeof ocsfClasses;

/** Activities by class, as the published schema numbers them. */
const base = { class: "base", activity: 99 } as const;
const logon = { class: "authentication", activity: 1 } as const;
const logoff = { class: "authentication", activity: 2 } as const;
const create = { class: "entity", activity: 1 } as const;
const update = { class: "entity", activity: 3 } as const;
const remove = { class: "entity", activity: 4 } as const;
const enroll = { class: "entity", activity: 6 } as const;
const deactivate = { class: "entity", activity: 11 } as const;
const resume = { class: "entity", activity: 13 } as const;
const found = { class: "finding", activity: 1 } as const;
const worked = { class: "finding", activity: 2 } as const;
const closed = { class: "finding", activity: 3 } as const;
const call = { class: "api", activity: 99 } as const;
const read = { class: "api", activity: 2 } as const;
const accountCreate = { class: "account", activity: 1 } as const;
const factorEnable = { class: "account", activity: 10 } as const;

interface Row {
  readonly ocsf: { readonly class: OcsfClass; readonly activity: number };
  readonly level: Level;
  /** `verdict`: as the host's receipt says. */
  readonly outcome: "success" | "failure" | "verdict";
  readonly sentence: string;
}

type Rest = Partial<Pick<Row, "level" | "outcome">>;
const low: Rest = { level: "low" };
const refused: Rest = { level: "medium", outcome: "failure" };
const attacked: Rest = { level: "critical", outcome: "failure" };

const row = (sentence: string, ocsf: Row["ocsf"], rest: Rest = {}): Row => ({
  ocsf,
  level: "info",
  outcome: "success",
  ...rest,
  sentence,
});

export const exportedActions = {
  "workspace.created": row("The workspace was created.", create, low),
  "session.started": row("A person signed in.", logon),
  "session.ended": row("A session ended.", logoff),
  "session.refused": row("A sign-in was refused.", logon, refused),
  "trust.stated": row("Who may do what was changed.", update, low),
  "trust.refused": row("A change of who may do what was refused.", update, refused),
  "host.joined": row("A host asked to join.", enroll, low),
  "host.connected": row("A host connected.", base),
  "host.disconnected": row("A host disconnected.", base),
  "certificate.issued": row("A certificate was issued.", create),
  "command.accepted": row("A command was accepted for a host.", call),
  "command.refused": row("A command was refused.", call, refused),
  "command.receipt": row("A host signed what became of a command.", call, { outcome: "verdict" }),
  "passkey.registered": row("A passkey was registered.", factorEnable, low),
  "session.revoked": row("A session was ended early.", logoff, low),
  "invitation.made": row("A person was invited.", create, low),
  "invitation.enrolled": row("An invited person enrolled a passkey.", accountCreate, low),
  "invitation.withdrawn": row("An invitation was taken back.", remove),
  "proposal.made": row("Something that needs several people was proposed.", create),
  "proposal.approved": row("One more person approved a proposal.", update),
  "proposal.withdrawn": row("A proposal was taken back.", remove),
  "join-token.made": row("A join file for a host was made.", create, low),
  "certificate.revoked": row("A host's client certificate was revoked.", deactivate, low),
  "host.frozen": row("A host was shown two histories of who may do what, and obeys neither.", found, attacked),
  "host.reset": row("A host's owner made it forget whom it obeys.", found, { level: "critical" }),
  "alert.raised": row("An alert was raised.", found, { level: "medium" }),
  "alert.acknowledged": row("A person took an alert.", worked),
  "alert.resolved": row("An alert was closed.", closed),
  "setting.changed": row("A setting of the control plane was changed.", update, low),
  "evidence.read": row("A person read what was signed for a command.", read),
  "calls.counted": row("Ordinary requests were counted.", call),
  "ledger.exported": row("A copy of the activity log was taken.", read, low),
  "ledger.erased": row("A personal value was erased.", remove, low),
  "ledger.sealed": row("A full segment of the activity log was sealed.", update),
  "ledger.dropped": row("A sealed segment of the activity log was dropped; its hashes stay.", remove, low),
  "checkpoint.refused": row("The log was found to differ from what had been signed or seen.", found, attacked),
  "witness.refused": row("A host refused to witness the activity log.", found, attacked),
  "witness.reset": row("A host's owner made it forget what it had witnessed.", found, { level: "high" }),
  "stream.set-aside": row("A far end would not take entries; they were set aside.", base, refused),
  "stream.replayed": row("Entries that were set aside are sent again.", resume),
  "address.banned": row("An address failed to prove itself too often and was banned for a while.", logon, refused),
  "address.unbanned": row("A person ended the ban of an address.", update, low),
  "approval.refused": row("Something that a signed-in person signed was refused.", update, refused),
} as const satisfies Record<LedgerAction, Row>;
