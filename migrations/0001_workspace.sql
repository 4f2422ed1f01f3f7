-- People's side of a workspace: the trust log and what belongs to signing in.
-- Append-only: a later change is a new file. No column of any table holds a password, a provider key or a message.

CREATE TABLE workspaces (
  workspace TEXT PRIMARY KEY NOT NULL,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- The pending setup key (public half). `workspace` is the digest of the root that claimed it: the first claim wins.
CREATE TABLE setup (
  setup_key TEXT PRIMARY KEY NOT NULL,
  workspace TEXT,
  expires INTEGER NOT NULL
) WITHOUT ROWID;

-- The trust log: n = 0 is the root, `signed` its canonical JSON with all signatures. Signed by people; nothing here is believed unverified.
CREATE TABLE statements (
  workspace TEXT NOT NULL,
  n INTEGER NOT NULL,
  hash TEXT NOT NULL,
  signed TEXT NOT NULL,
  PRIMARY KEY (workspace, n)
) WITHOUT ROWID;

CREATE TRIGGER statements_update BEFORE UPDATE ON statements
BEGIN
  SELECT RAISE(ABORT, 'statements_append_only');
END;

CREATE TRIGGER statements_delete BEFORE DELETE ON statements
BEGIN
  SELECT RAISE(ABORT, 'statements_append_only');
END;

-- Also stops INSERT OR REPLACE, which fires no DELETE trigger.
CREATE TRIGGER statements_insert BEFORE INSERT ON statements
WHEN EXISTS (SELECT 1 FROM statements WHERE workspace = NEW.workspace AND n >= NEW.n)
BEGIN
  SELECT RAISE(ABORT, 'statements_place');
END;

-- Openings of name commitments. Erasable; the trust log stays.
CREATE TABLE names (
  workspace TEXT NOT NULL,
  person TEXT NOT NULL,
  salt TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (workspace, person)
) WITHOUT ROWID;

-- What SimpleWebAuthn needs of a registered passkey. It counts only once a statement names it; `workspace` and
-- `person` are empty until then, `ceremony` (setup key or session) says who registered it.
CREATE TABLE passkeys (
  credential_id TEXT PRIMARY KEY NOT NULL,
  workspace TEXT,
  person TEXT,
  ceremony TEXT NOT NULL,
  credential TEXT NOT NULL,
  cose TEXT NOT NULL,
  transports TEXT NOT NULL,
  counter INTEGER NOT NULL,
  registered_at INTEGER NOT NULL
) WITHOUT ROWID;

-- One-time values, one row a ceremony: sign-in nonces, registration challenges, jtis of setup requests.
CREATE TABLE nonces (
  nonce TEXT PRIMARY KEY NOT NULL,
  workspace TEXT,
  purpose TEXT NOT NULL,
  ceremony TEXT,
  expires INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX nonces_expires ON nonces (expires);
