/**
 * The typed view of the tables in the SQL files beside it; a test compares the two. Describes, never creates: the SQL
 * files are the truth, applied in order and never edited afterwards. Every row carries its workspace.
 */
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { sql } from "drizzle-orm";

export const workspaces = sqliteTable("workspaces", {
  workspace: text("workspace").primaryKey().notNull(),
  /** Edge clock, seconds; so are all times below. */
  createdAt: integer("created_at").notNull(),
});

export const setup = sqliteTable("setup", {
  setupKey: text("setup_key").primaryKey().notNull(),
  workspace: text("workspace"),
  expires: integer("expires").notNull(),
});

export const statements = sqliteTable(
  "statements",
  {
    workspace: text("workspace").notNull(),
    n: integer("n").notNull(),
    hash: text("hash").notNull(),
    signed: text("signed").notNull(),
  },
  (table) => [primaryKey({ columns: [table.workspace, table.n] })],
);

export const revocations = sqliteTable(
  "revocations",
  {
    workspace: text("workspace").notNull(),
    digest: text("digest").notNull(),
    n: integer("n").notNull(),
    signed: text("signed").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.workspace, table.digest] }),
    index("revocations_place").on(table.workspace, table.n),
  ],
);

export const names = sqliteTable(
  "names",
  {
    workspace: text("workspace").notNull(),
    person: text("person").notNull(),
    salt: text("salt").notNull(),
    value: text("value").notNull(),
  },
  (table) => [primaryKey({ columns: [table.workspace, table.person] })],
);

export const passkeys = sqliteTable("passkeys", {
  credentialId: text("credential_id").primaryKey().notNull(),
  workspace: text("workspace"),
  person: text("person"),
  ceremony: text("ceremony").notNull(),
  /** Canonical JSON of the credential as the trust log would pin it. */
  credential: text("credential").notNull(),
  /** base64url of the COSE key. */
  cose: text("cose").notNull(),
  /** JSON list. */
  transports: text("transports").notNull(),
  counter: integer("counter").notNull(),
  registeredAt: integer("registered_at").notNull(),
});

export const nonces = sqliteTable(
  "nonces",
  {
    nonce: text("nonce").primaryKey().notNull(),
    workspace: text("workspace"),
    purpose: text("purpose", {
      enum: ["sign-in", "registration", "setup-request", "edge-action", "automation-request"],
    }).notNull(),
    ceremony: text("ceremony"),
    expires: integer("expires").notNull(),
  },
  (table) => [index("nonces_expires").on(table.expires)],
);

export const hosts = sqliteTable(
  "hosts",
  {
    workspace: text("workspace").notNull(),
    host: text("host").notNull(),
    hostKey: text("host_key").notNull(),
    cosignKey: text("cosign_key").notNull(),
    label: text("label").notNull(),
    colocated: integer("colocated", { mode: "boolean" }).notNull(),
    joinedAt: integer("joined_at").notNull(),
    /** base64url of the signed bytes of the join; null for hosts that joined before these columns. */
    joinBody: text("join_body"),
    joinSignature: text("join_signature"),
  },
  (table) => [primaryKey({ columns: [table.workspace, table.host] })],
);
export type HostRecord = typeof hosts.$inferSelect;

export const certificates = sqliteTable(
  "certificates",
  {
    fingerprint: text("fingerprint").primaryKey().notNull(),
    workspace: text("workspace").notNull(),
    host: text("host").notNull(),
    /** SHA-256 of the public key, hex; null for certificates from before this table. */
    keyDigest: text("key_digest"),
    validFrom: integer("valid_from").notNull(),
    validUntil: integer("valid_until").notNull(),
    issuedAt: integer("issued_at").notNull(),
    /** When a tunnel with it was first welcomed. */
    usedAt: integer("used_at"),
    revokedAt: integer("revoked_at"),
    /** Where the provider keeps it; null for those that this edge signed itself. */
    zone: text("zone"),
    reference: text("reference"),
    /** When the provider took note of the revocation. */
    toldAt: integer("told_at"),
  },
  (table) => [
    uniqueIndex("certificates_key").on(table.keyDigest),
    index("certificates_host").on(table.workspace, table.host),
  ],
);
export type CertificateRecord = typeof certificates.$inferSelect;

export const joinTokens = sqliteTable("join_tokens", {
  hash: text("hash").primaryKey().notNull(),
  workspace: text("workspace").notNull(),
  expires: integer("expires").notNull(),
  usedAt: integer("used_at"),
});

export const invitations = sqliteTable(
  "invitations",
  {
    workspace: text("workspace").notNull(),
    invitation: text("invitation").notNull(),
    hash: text("hash").notNull(),
    label: text("label").notNull(),
    madeBy: text("made_by").notNull(),
    madeAt: integer("made_at").notNull(),
    expires: integer("expires").notNull(),
    withdrawn: integer("withdrawn", { mode: "boolean" }).notNull(),
    credentialId: text("credential_id"),
    /** Canonical JSON of the credential that was enrolled. */
    credential: text("credential"),
    nameSalt: text("name_salt"),
    nameValue: text("name_value"),
    person: text("person"),
  },
  (table) => [
    primaryKey({ columns: [table.workspace, table.invitation] }),
    index("invitations_credential").on(table.workspace, table.credentialId),
    uniqueIndex("invitations_token").on(table.hash),
  ],
);
export type InvitationRecord = typeof invitations.$inferSelect;

export const proposals = sqliteTable(
  "proposals",
  {
    workspace: text("workspace").notNull(),
    digest: text("digest").notNull(),
    kind: text("kind", { enum: ["command", "statement"] }).notNull(),
    /** base64url of the exact bytes. */
    body: text("body").notNull(),
    /** JSON lists. */
    approvals: text("approvals").notNull(),
    knew: text("knew").notNull(),
    madeBy: text("made_by").notNull(),
    madeAt: integer("made_at").notNull(),
    expires: integer("expires").notNull(),
  },
  (table) => [primaryKey({ columns: [table.workspace, table.digest] })],
);
export type ProposalRecord = typeof proposals.$inferSelect;

export const receipts = sqliteTable(
  "receipts",
  {
    workspace: text("workspace").notNull(),
    digest: text("digest").notNull(),
    intent: text("intent").notNull(),
    host: text("host").notNull(),
    number: integer("number").notNull(),
    /** base64url of the signed bytes. */
    body: text("body").notNull(),
    signature: text("signature").notNull(),
  },
  (table) => [primaryKey({ columns: [table.workspace, table.digest] })],
);
export type ReceiptRecord = typeof receipts.$inferSelect;

export const ledger = sqliteTable(
  "ledger",
  {
    workspace: text("workspace").notNull(),
    idx: integer("idx").notNull(),
    /** Canonical JSON of the entry. */
    body: text("body").notNull(),
    previous: text("previous").notNull(),
    hash: text("hash").notNull(),
    /** `action:subject`, for idempotent appends. */
    subject: text("subject"),
  },
  (table) => [
    primaryKey({ columns: [table.workspace, table.idx] }),
    uniqueIndex("ledger_subject")
      .on(table.workspace, table.subject)
      .where(sql`subject IS NOT NULL`),
  ],
);

export const ledgerValues = sqliteTable(
  "ledger_values",
  {
    workspace: text("workspace").notNull(),
    idx: integer("idx").notNull(),
    field: text("field", { enum: ["source", "country", "device"] }).notNull(),
    salt: text("salt").notNull(),
    value: text("value").notNull(),
  },
  (table) => [primaryKey({ columns: [table.workspace, table.idx, table.field] })],
);

export const ledgerTiles = sqliteTable(
  "ledger_tiles",
  {
    workspace: text("workspace").notNull(),
    /** 0, 8, 16: of the nodes whose hashes it holds. */
    level: integer("level").notNull(),
    n: integer("n").notNull(),
    width: integer("width").notNull(),
    /** `width` times 32 bytes, base64url. */
    hashes: text("hashes").notNull(),
  },
  (table) => [primaryKey({ columns: [table.workspace, table.level, table.n] })],
);

export const checkpoints = sqliteTable(
  "checkpoints",
  {
    workspace: text("workspace").notNull(),
    size: integer("size").notNull(),
    /** The note with the ledger key's line only. */
    note: text("note").notNull(),
    at: integer("at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.workspace, table.size] })],
);

export const cosignatures = sqliteTable(
  "cosignatures",
  {
    workspace: text("workspace").notNull(),
    size: integer("size").notNull(),
    host: text("host").notNull(),
    /** The signature's bytes (note.ts), base64url; its name follows from the host. */
    line: text("line").notNull(),
    at: integer("at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.workspace, table.size, table.host] })],
);

export const witnesses = sqliteTable(
  "witnesses",
  {
    workspace: text("workspace").notNull(),
    host: text("host").notNull(),
    size: integer("size").notNull(),
    /** The note with the ledger key's line and this host's. */
    note: text("note").notNull(),
    at: integer("at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.workspace, table.host] })],
);

export const ledgerSegments = sqliteTable(
  "ledger_segments",
  {
    workspace: text("workspace").notNull(),
    /** From 1. */
    n: integer("n").notNull(),
    /** Indices, both included. */
    first: integer("first").notNull(),
    last: integer("last").notNull(),
    /** Digest of the last entry. */
    hash: text("hash").notNull(),
    /** Edge clock of the last entry, seconds. */
    newest: integer("newest").notNull(),
    sealedAt: integer("sealed_at").notNull(),
    /** Its object holds every row of it: from here on that is where they are read. */
    movedAt: integer("moved_at"),
    /** SHA-256 of the newest whole copy that somebody took of it. */
    exported: text("exported"),
    droppedAt: integer("dropped_at"),
  },
  (table) => [primaryKey({ columns: [table.workspace, table.n] })],
);
export type SegmentRecord = typeof ledgerSegments.$inferSelect;

export const ledgerRetention = sqliteTable("ledger_retention", {
  workspace: text("workspace").primaryKey().notNull(),
  days: integer("days").notNull(),
});
