-- Revocations: statements outside the chain. `n` is the place of the head that each names, which was the newest when it
-- was accepted. Signed by people; nothing here is believed unverified.

CREATE TABLE revocations (
  workspace TEXT NOT NULL,
  digest TEXT NOT NULL,
  n INTEGER NOT NULL,
  signed TEXT NOT NULL,
  PRIMARY KEY (workspace, digest)
) WITHOUT ROWID;

CREATE INDEX revocations_place ON revocations (workspace, n);

CREATE TRIGGER revocations_update BEFORE UPDATE ON revocations
BEGIN
  SELECT RAISE(ABORT, 'revocations_append_only');
END;

CREATE TRIGGER revocations_delete BEFORE DELETE ON revocations
BEGIN
  SELECT RAISE(ABORT, 'revocations_append_only');
END;

-- Also stops INSERT OR REPLACE, which fires no DELETE trigger; and a revocation that names another head than the
-- newest, after which honest histories could differ.
CREATE TRIGGER revocations_insert BEFORE INSERT ON revocations
WHEN EXISTS (SELECT 1 FROM revocations WHERE workspace = NEW.workspace AND digest = NEW.digest)
  OR NEW.n IS NOT (SELECT MAX(n) FROM statements WHERE workspace = NEW.workspace)
BEGIN
  SELECT RAISE(ABORT, 'revocations_place');
END;
