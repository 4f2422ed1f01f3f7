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
  "gateway.restart@1": OPERATORS_HERE,
  "host.check@1": OPERATORS_HERE,
  "host.drill@1": CONFIGURERS_HERE,
};

/** Which operations must be approved in the signer. */
export const goldenCritical: readonly string[] = ["host.drill@1"];

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
