-- Full segments of the ledger, which leave the open table for an object each; and how long they are kept. What a segment
-- was never changes; what became of it is told once, in this order: moved, exported (again, if somebody takes a newer
-- copy), dropped. Oldest first. Its hashes stay for ever, here and in the tiles.

CREATE TABLE ledger_segments (
  workspace TEXT NOT NULL,
  n INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  hash TEXT NOT NULL,
  newest INTEGER NOT NULL,
  sealed_at INTEGER NOT NULL,
  moved_at INTEGER,
  exported TEXT,
  dropped_at INTEGER,
  PRIMARY KEY (workspace, n)
) WITHOUT ROWID;

CREATE TRIGGER ledger_segments_delete BEFORE DELETE ON ledger_segments
BEGIN
  SELECT RAISE(ABORT, 'ledger_segments_append_only');
END;

-- The next one, over entries that are there; also stops INSERT OR REPLACE, which fires no DELETE trigger.
CREATE TRIGGER ledger_segments_insert BEFORE INSERT ON ledger_segments
WHEN EXISTS (SELECT 1 FROM ledger_segments WHERE workspace = NEW.workspace AND n >= NEW.n)
  OR NEW.n IS NOT 1 + coalesce((SELECT max(n) FROM ledger_segments WHERE workspace = NEW.workspace), 0)
  OR NEW.first IS NOT 1 + coalesce((SELECT max(last) FROM ledger_segments WHERE workspace = NEW.workspace), 0)
  OR NEW.last < NEW.first
  OR NEW.hash IS NOT (SELECT hash FROM ledger WHERE workspace = NEW.workspace AND idx = NEW.last)
  OR coalesce(NEW.moved_at, NEW.exported, NEW.dropped_at) IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'ledger_segments_order');
END;

CREATE TRIGGER ledger_segments_update BEFORE UPDATE ON ledger_segments
WHEN NEW.workspace IS NOT OLD.workspace OR NEW.n IS NOT OLD.n OR NEW.first IS NOT OLD.first OR NEW.last IS NOT OLD.last
  OR NEW.hash IS NOT OLD.hash OR NEW.newest IS NOT OLD.newest OR NEW.sealed_at IS NOT OLD.sealed_at
  OR (NEW.moved_at IS NOT OLD.moved_at AND (OLD.moved_at IS NOT NULL OR EXISTS (
    SELECT 1 FROM ledger_segments WHERE workspace = OLD.workspace AND n < OLD.n AND moved_at IS NULL)))
  OR (NEW.exported IS NOT OLD.exported AND (
    NEW.exported IS NULL OR OLD.moved_at IS NULL OR OLD.dropped_at IS NOT NULL))
  OR (NEW.dropped_at IS NOT OLD.dropped_at AND (OLD.dropped_at IS NOT NULL OR OLD.exported IS NULL OR EXISTS (
    SELECT 1 FROM ledger_segments WHERE workspace = OLD.workspace AND n < OLD.n AND dropped_at IS NULL)))
BEGIN
  SELECT RAISE(ABORT, 'ledger_segments_append_only');
END;

-- A row may leave when a segment has it.
DROP TRIGGER ledger_delete;
CREATE TRIGGER ledger_delete BEFORE DELETE ON ledger
WHEN OLD.idx > coalesce((
  SELECT last FROM ledger_segments WHERE workspace = OLD.workspace AND moved_at IS NOT NULL ORDER BY n DESC LIMIT 1), 0)
BEGIN
  SELECT RAISE(ABORT, 'ledger_append_only');
END;

-- A receipt goes with the entry that brought it, just before that entry.
DROP TRIGGER receipts_delete;
CREATE TRIGGER receipts_delete BEFORE DELETE ON receipts
WHEN NOT EXISTS (
  SELECT 1 FROM ledger WHERE workspace = OLD.workspace AND subject = 'command.receipt:' || OLD.digest AND idx <= coalesce((
    SELECT last FROM ledger_segments WHERE workspace = OLD.workspace AND moved_at IS NOT NULL ORDER BY n DESC LIMIT 1), 0))
BEGIN
  SELECT RAISE(ABORT, 'receipts_append_only');
END;

-- Days that entries are kept at least; no row: for ever.
CREATE TABLE ledger_retention (
  workspace TEXT PRIMARY KEY NOT NULL,
  days INTEGER NOT NULL
) WITHOUT ROWID;
