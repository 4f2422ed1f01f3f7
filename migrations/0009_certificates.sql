-- Every client certificate that a host was given. Of one host at most two are good at a time: the one in use, and the
-- newest until it was used once. `key_digest` keeps a key from being certified twice; `zone` and `reference` say where a
-- provider keeps the certificate, and `told_at` that it knows of the revocation.

CREATE TABLE certificates (
  fingerprint TEXT PRIMARY KEY NOT NULL,
  workspace TEXT NOT NULL,
  host TEXT NOT NULL,
  key_digest TEXT,
  valid_from INTEGER NOT NULL,
  valid_until INTEGER NOT NULL,
  issued_at INTEGER NOT NULL,
  used_at INTEGER,
  revoked_at INTEGER,
  zone TEXT,
  reference TEXT,
  told_at INTEGER
) WITHOUT ROWID;

CREATE INDEX certificates_host ON certificates (workspace, host);
CREATE UNIQUE INDEX certificates_key ON certificates (key_digest);

-- Those so far lasted 90 days and began five minutes before they were issued.
INSERT INTO certificates (fingerprint, workspace, host, valid_from, valid_until, issued_at, used_at, revoked_at)
SELECT fingerprint, workspace, host, certificate_not_after - 7776300, certificate_not_after,
  certificate_not_after - 7776000, certificate_not_after - 7776000,
  CASE WHEN revoked THEN certificate_not_after - 7776000 END
FROM hosts;

DROP INDEX hosts_fingerprint;
ALTER TABLE hosts DROP COLUMN fingerprint;
ALTER TABLE hosts DROP COLUMN certificate_not_after;
ALTER TABLE hosts DROP COLUMN revoked;
