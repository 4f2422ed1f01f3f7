/**
 * Who may do what, written down by hand: nothing here is computed from the product. A test holds the product's tables
 * to it, and the Worker is called as every one of these. Whoever adds an endpoint, an operation or a role adds it here,
 * from what it should be, not from what it is.
 */

/**
 * Who calls. `nobody`: not signed in. `none`: signed in when their roles were taken or ended, which ended the session; they
 * cannot sign in again.
 * `elsewhere`: operates another host only.
 */
export const callers = [
  "nobody",
  "none",
  "viewer",
  "operator",
  "admin",
  "system-administrator",
  "agent-developer",
  "channel-manager",
  "business-user",
  "auditor",
  "elsewhere",
] as const;
export type Caller = (typeof callers)[number];

/** The permissions of each role, as people were told. */
export const goldenRoles: Readonly<Record<Exclude<Caller, "nobody" | "none" | "elsewhere">, readonly string[]>> = {
  viewer: ["metadata.read", "ledger.read"],
  operator: ["metadata.read", "ledger.read", "alert.acknowledge", "gateway.operate"],
  admin: [
    "metadata.read",
    "ledger.read",
    "content.read",
    "alert.acknowledge",
    "gateway.operate",
    "gateway.configure",
    "agent.manage",
    "channel.manage",
    "host.admit",
    "workspace.administer",
  ],
  "system-administrator": [
    "metadata.read",
    "ledger.read",
    "alert.acknowledge",
    "gateway.operate",
    "gateway.configure",
    "host.admit",
  ],
  "agent-developer": ["metadata.read", "content.read", "agent.manage"],
  "channel-manager": ["metadata.read", "channel.manage"],
  "business-user": ["metadata.read"],
  auditor: ["metadata.read", "ledger.read"],
};

/** `y` gets in, `.` does not; in the order of `callers`. */
type Row = readonly [string, string, string, string, string, string, string, string, string, string, string];

function row(text: string): Readonly<Record<Caller, boolean>> {
  const cells = text.split(" ") as unknown as Row;
  if (cells.length !== callers.length || cells.some((cell) => cell !== "y" && cell !== "."))
    throw new TypeError(`golden row "${text}"`);
  return Object.fromEntries(callers.map((caller, i) => [caller, cells[i] === "y"])) as Record<Caller, boolean>;
}

/* nobody, none, viewer, operator, admin, system-administrator, agent-developer, channel-manager, business-user, auditor, elsewhere */
const EVERYBODY = row("y y y y y y y y y y y");
const NOBODY = row(". . . . . . . . . . .");
const SIGNED_IN = row(". . y y y y y y y y y");
const READERS = row(". . y y y y y y y y y");
const READERS_HERE = row(". . y y y y y y y y .");
const LEDGER_READERS = row(". . y y y y . . . y y");
const LEDGER_READERS_HERE = row(". . y y y y . . . y .");
const ACKNOWLEDGERS = row(". . . y y y . . . . y");
const ADMINISTRATORS = row(". . . . y . . . . . .");
const HOST_ADMITTERS = row(". . . . y y . . . . .");
const OPERATORS_HERE = row(". . . y y y . . . . .");
const CONFIGURERS_HERE = row(". . . . y y . . . . .");
const AGENT_MANAGERS_HERE = row(". . . . y . y . . . .");
const CHANNEL_MANAGERS_HERE = row(". . . . y . . y . . .");
const CONTENT_READERS_HERE = row(". . . . y . y . . . .");

/** Endpoints that ask for a session or for nothing. Whoever gets in may still be refused for what they bring. */
export const goldenEndpoints: Readonly<Record<string, Readonly<Record<Caller, boolean>>>> = {
  health: EVERYBODY,
  signInNonce: EVERYBODY,
  signIn: EVERYBODY,
  // Only the holder of a setup link, and only before there is a workspace.
  setupState: NOBODY,
  setupOptions: NOBODY,
  setupPasskey: NOBODY,
  setupRoot: NOBODY,
  // One's own business: whoever is signed in, until that session ends.
  signOut: SIGNED_IN,
  me: SIGNED_IN,
  passkeyOptions: SIGNED_IN,
  passkey: SIGNED_IN,
  sessions: SIGNED_IN,
  sessionEnd: SIGNED_IN,
  // Everybody checks for themselves whose keys count; a statement is judged by its touches.
  trust: SIGNED_IN,
  trustState: SIGNED_IN,
  // A command or a proposal is judged by its touches and its operation.
  command: SIGNED_IN,
  propose: SIGNED_IN,
  joinProposal: SIGNED_IN,
  withdrawProposal: SIGNED_IN,
  proposals: READERS,
  hosts: READERS,
  alerts: READERS,
  refusalRates: READERS,
  // About one host: not with a role for another.
  host: READERS_HERE,
  prepare: READERS_HERE,
  // The host asks for more where more is read.
  hostRead: READERS_HERE,
  hostHistory: READERS_HERE,
  ticket: READERS_HERE,
  commandStatus: READERS_HERE,
  commandEvidence: LEDGER_READERS_HERE,
  // A socket opens with a ticket and with nothing else.
  live: NOBODY,
  activity: LEDGER_READERS,
  entryProof: LEDGER_READERS,
  checkpoints: LEDGER_READERS,
  consistency: LEDGER_READERS,
  looking: LEDGER_READERS,
  exportStart: LEDGER_READERS,
  exportPart: LEDGER_READERS,
  exportTicket: LEDGER_READERS,
  // A file is fetched with a ticket and with nothing else.
  exportDownload: NOBODY,
  streams: ADMINISTRATORS,
  streamChange: ADMINISTRATORS,
  streamTest: ADMINISTRATORS,
  streamReplay: ADMINISTRATORS,
  erase: ADMINISTRATORS,
  retention: LEDGER_READERS,
  retentionChange: ADMINISTRATORS,
  hostInvite: HOST_ADMITTERS,
  networks: ADMINISTRATORS,
  networksChange: ADMINISTRATORS,
  edgeKeys: ADMINISTRATORS,
  alertAcknowledge: ACKNOWLEDGERS,
  alertResolve: ACKNOWLEDGERS,
  alertSettings: ADMINISTRATORS,
  alertSettingsChange: ADMINISTRATORS,
  alertTest: ADMINISTRATORS,
  invitations: ADMINISTRATORS,
  invite: ADMINISTRATORS,
  uninvite: ADMINISTRATORS,
  // The token in the body is the authority.
  invitationState: EVERYBODY,
  invitationOptions: EVERYBODY,
  invitationPasskey: EVERYBODY,
  // Signed by an automation key: no person and no cookie gets in.
  automationTrust: NOBODY,
  automationPrepare: NOBODY,
  automationCommand: NOBODY,
  automationStatus: NOBODY,
};

/** Operations on a host, alone and without a rule for two. */
export const goldenOperations: Readonly<Record<string, Readonly<Record<Caller, boolean>>>> = {
  // What is downtime at worst, or only tightens: whoever operates.
  "gateway.restart@1": OPERATORS_HERE,
  "gateway.stop@1": OPERATORS_HERE,
  "gateway.start@1": OPERATORS_HERE,
  "gateway.kill@1": OPERATORS_HERE,
  "gateway.lockdown@1": OPERATORS_HERE,
  "gateway.bind-loopback@1": OPERATORS_HERE,
  "gateway-token.rotate@1": OPERATORS_HERE,
  "cron.disable@1": OPERATORS_HERE,
  "session.abort@1": OPERATORS_HERE,
  "device.revoke@1": OPERATORS_HERE,
  "pairing.deny@1": OPERATORS_HERE,
  "channel.tighten@1": OPERATORS_HERE,
  "channel.disallow@1": OPERATORS_HERE,
  "plugin.disable@1": OPERATORS_HERE,
  "exec.deny@1": OPERATORS_HERE,
  "exec.watch-off@1": OPERATORS_HERE,
  "host.check@1": OPERATORS_HERE,
  // Only what tightens, and undoes itself when it would lock somebody out.
  "posture.fix@1": OPERATORS_HERE,
  "posture.unwaive@1": OPERATORS_HERE,
  // What can run code, loosen or destroy.
  "config.set@1": CONFIGURERS_HERE,
  "config.rollback@1": CONFIGURERS_HERE,
  "device.rotate@1": CONFIGURERS_HERE,
  "plugin.enable@1": CONFIGURERS_HERE,
  "exec.allow-once@1": CONFIGURERS_HERE,
  "exec.allow-always@1": CONFIGURERS_HERE,
  "exec.watch-on@1": CONFIGURERS_HERE,
  "exec.policy@1": CONFIGURERS_HERE,
  "host.drill@1": CONFIGURERS_HERE,
  "posture.fix-with@1": CONFIGURERS_HERE,
  "profile.apply@1": CONFIGURERS_HERE,
  // Makes the edge connect to the host's address: for whoever decides about the host.
  "posture.look@1": CONFIGURERS_HERE,
  "gateway.isolate@1": CONFIGURERS_HERE,
  "posture.rollback@1": CONFIGURERS_HERE,
  "posture.waive@1": CONFIGURERS_HERE,
  "agent.update@1": CONFIGURERS_HERE,
  "agent.update-rest@1": CONFIGURERS_HERE,
  // Agents, their schedules and conversations.
  "cron.add@1": AGENT_MANAGERS_HERE,
  "cron.edit@1": AGENT_MANAGERS_HERE,
  "cron.enable@1": AGENT_MANAGERS_HERE,
  "cron.run@1": AGENT_MANAGERS_HERE,
  "cron.remove@1": AGENT_MANAGERS_HERE,
  "agent.create@1": AGENT_MANAGERS_HERE,
  "agent.edit@1": AGENT_MANAGERS_HERE,
  "agent.deploy@1": AGENT_MANAGERS_HERE,
  "agent.delete@1": AGENT_MANAGERS_HERE,
  "session.reset@1": AGENT_MANAGERS_HERE,
  "session.compact@1": AGENT_MANAGERS_HERE,
  // Who may talk to the gateway.
  "pairing.approve@1": CHANNEL_MANAGERS_HERE,
  "channel.loosen@1": CHANNEL_MANAGERS_HERE,
  "channel.allow@1": CHANNEL_MANAGERS_HERE,
  "content.read@1": CONTENT_READERS_HERE,
};

/** Which operations must be approved in the signer. */
export const goldenCritical: readonly string[] = [
  "config.set@1",
  "config.rollback@1",
  "device.rotate@1",
  "plugin.enable@1",
  "exec.allow-once@1",
  "exec.allow-always@1",
  "exec.watch-on@1",
  "exec.policy@1",
  "host.drill@1",
  "posture.fix-with@1",
  "profile.apply@1",
  "gateway.isolate@1",
  "posture.rollback@1",
  "posture.waive@1",
  "agent.update@1",
  "agent.update-rest@1",
  "cron.add@1",
  "cron.edit@1",
  "cron.enable@1",
  "cron.run@1",
  "cron.remove@1",
  "agent.create@1",
  "agent.edit@1",
  "agent.deploy@1",
  "agent.delete@1",
  "session.reset@1",
  "session.compact@1",
  "pairing.approve@1",
  "channel.loosen@1",
  "channel.allow@1",
];

/** Kinds of statements that one person with the permission may approve in a workspace with a rule for two. */
export const goldenStatements: Readonly<Record<string, { readonly permission: string; readonly people: 1 | 2 }>> = {
  "person.add": { permission: "workspace.administer", people: 2 },
  // Of one's own second passkey: anybody, alone.
  "credential.add": { permission: "workspace.administer", people: 2 },
  "role.define": { permission: "workspace.administer", people: 2 },
  // The same roles again, or fewer: one.
  "role.assign": { permission: "workspace.administer", people: 2 },
  "host.admit": { permission: "host.admit", people: 1 },
  "host.remove": { permission: "host.admit", people: 1 },
  "automation-key.add": { permission: "workspace.administer", people: 2 },
  "origin.add": { permission: "workspace.administer", people: 2 },
  "dispatch-key.rotate": { permission: "workspace.administer", people: 1 },
  "ledger-key.rotate": { permission: "workspace.administer", people: 1 },
  // What loosens: two.
  "policy.set": { permission: "workspace.administer", people: 1 },
  "fork.resolve": { permission: "workspace.administer", people: 2 },
  "root.rotate": { permission: "workspace.administer", people: 2 },
  "person.revoke": { permission: "workspace.administer", people: 1 },
  "credential.revoke": { permission: "workspace.administer", people: 1 },
  "role.revoke": { permission: "workspace.administer", people: 1 },
  "automation-key.revoke": { permission: "workspace.administer", people: 1 },
  "origin.revoke": { permission: "workspace.administer", people: 1 },
};
