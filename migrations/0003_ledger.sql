-- The append-only ledger. The triggers stop accidents and careless code; a holder of the database can drop them, and
-- the hash chain is what tells. No rowid: it would be a second key by which INSERT OR REPLACE could overwrite a row.

CREATE TABLE ledger (
  workspace TEXT NOT NULL,
  idx INTEGER NOT NULL,
  body TEXT NOT NULL,
  previous TEXT NOT NULL,
  hash TEXT NOT NULL,
  subject TEXT,
  PRIMARY KEY (workspace, idx)
) WITHOUT ROWID;

-- (action, subject) is written once.
CREATE UNIQUE INDEX ledger_subject ON ledger (workspace, subject) WHERE subject IS NOT NULL;

CREATE TRIGGER ledger_update BEFORE UPDATE ON ledger
BEGIN
  SELECT RAISE(ABORT, 'ledger_append_only');
END;

CREATE TRIGGER ledger_delete BEFORE DELETE ON ledger
BEGIN
  SELECT RAISE(ABORT, 'ledger_append_only');
END;

-- INSERT OR REPLACE fires no DELETE trigger, so every row that it could replace is refused here: the same place, a
-- later place, the same subject. A row must name the one before it: no gap, no fork.
CREATE TRIGGER ledger_insert BEFORE INSERT ON ledger
WHEN EXISTS (SELECT 1 FROM ledger WHERE workspace = NEW.workspace AND idx >= NEW.idx)
  OR EXISTS (SELECT 1 FROM ledger WHERE workspace = NEW.workspace AND subject = NEW.subject)
  OR NEW.idx < 1
  OR NEW.previous IS NOT iif(
    NEW.idx = 1,
    'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    (SELECT hash FROM ledger WHERE workspace = NEW.workspace AND idx = NEW.idx - 1)
  )
BEGIN
  SELECT RAISE(ABORT, 'ledger_chain');
END;

-- Openings of the commitments in entries. Erasing a row erases the value; the entry stays.
CREATE TABLE ledger_values (
  workspace TEXT NOT NULL,
  idx INTEGER NOT NULL,
  field TEXT NOT NULL,
  salt TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (workspace, idx, field)
) WITHOUT ROWID;
