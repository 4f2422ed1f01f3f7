-- What waits for people: invitations that somebody enrols with, and proposals that need another person's touch. Neither
-- changes who may do what; only the trust log does.

-- `hash` is the token's SHA-256. `label` is what the administrator called the person, `name_salt` and `name_value`
-- what the person called themselves: personal, erasable. The row of an ended invitation goes a day later.
CREATE TABLE invitations (
  workspace TEXT NOT NULL,
  invitation TEXT NOT NULL,
  hash TEXT NOT NULL,
  label TEXT NOT NULL,
  made_by TEXT NOT NULL,
  made_at INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  withdrawn INTEGER NOT NULL,
  credential_id TEXT,
  credential TEXT,
  name_salt TEXT,
  name_value TEXT,
  person TEXT,
  PRIMARY KEY (workspace, invitation)
) WITHOUT ROWID;

CREATE UNIQUE INDEX invitations_token ON invitations (hash);
CREATE INDEX invitations_credential ON invitations (workspace, credential_id);

-- Exact bytes of what the first person approved, with every approval so far.
CREATE TABLE proposals (
  workspace TEXT NOT NULL,
  digest TEXT NOT NULL,
  kind TEXT NOT NULL,
  body TEXT NOT NULL,
  approvals TEXT NOT NULL,
  knew TEXT NOT NULL,
  made_by TEXT NOT NULL,
  made_at INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  PRIMARY KEY (workspace, digest)
) WITHOUT ROWID;
