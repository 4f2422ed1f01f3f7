-- Hosts that joined, with the certificate each may use now. What a host claims here is shown only while it is
-- quarantined; afterwards the trust log's words count.

CREATE TABLE hosts (
  workspace TEXT NOT NULL,
  host TEXT NOT NULL,
  host_key TEXT NOT NULL,
  cosign_key TEXT NOT NULL,
  label TEXT NOT NULL,
  colocated INTEGER NOT NULL,
  fingerprint TEXT NOT NULL,
  certificate_not_after INTEGER NOT NULL,
  revoked INTEGER NOT NULL,
  joined_at INTEGER NOT NULL,
  PRIMARY KEY (workspace, host)
) WITHOUT ROWID;

CREATE UNIQUE INDEX hosts_fingerprint ON hosts (fingerprint);

-- `hash` is the token's SHA-256. A used token stays for a while so that its second use can be named.
CREATE TABLE join_tokens (
  hash TEXT PRIMARY KEY NOT NULL,
  workspace TEXT NOT NULL,
  expires INTEGER NOT NULL,
  used_at INTEGER
) WITHOUT ROWID;

-- Signed receipts beside the ledger: the entry holds the digest, this the host's signed bytes.
CREATE TABLE receipts (
  workspace TEXT NOT NULL,
  digest TEXT NOT NULL,
  intent TEXT NOT NULL,
  host TEXT NOT NULL,
  number INTEGER NOT NULL,
  body TEXT NOT NULL,
  signature TEXT NOT NULL,
  PRIMARY KEY (workspace, digest)
) WITHOUT ROWID;

CREATE TRIGGER receipts_update BEFORE UPDATE ON receipts
BEGIN
  SELECT RAISE(ABORT, 'receipts_append_only');
END;

CREATE TRIGGER receipts_delete BEFORE DELETE ON receipts
BEGIN
  SELECT RAISE(ABORT, 'receipts_append_only');
END;
