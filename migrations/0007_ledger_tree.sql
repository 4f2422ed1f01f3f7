-- The Merkle tree over the ledger, and what was signed of it. Hashes only; everything here can be computed again from the
-- ledger, and is compared with what the writer and the hosts remember before anything is signed.

-- 256 hashes of one level of the tree (levels 0, 8, 16, ...), as base64url in one text. A full tile never changes; of the
-- levels above 0 the last one may be narrower, and grows.
CREATE TABLE ledger_tiles (
  workspace TEXT NOT NULL,
  level INTEGER NOT NULL,
  n INTEGER NOT NULL,
  width INTEGER NOT NULL,
  hashes TEXT NOT NULL,
  PRIMARY KEY (workspace, level, n)
) WITHOUT ROWID;

-- Signed notes, by the size they speak of.
CREATE TABLE checkpoints (
  workspace TEXT NOT NULL,
  size INTEGER NOT NULL,
  note TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (workspace, size)
) WITHOUT ROWID;

-- What hosts cosigned: the signature line of each, verified before it came here.
CREATE TABLE cosignatures (
  workspace TEXT NOT NULL,
  size INTEGER NOT NULL,
  host TEXT NOT NULL,
  line TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (workspace, size, host)
) WITHOUT ROWID;

-- For each host the newest that it cosigned, so that nobody has to search.
CREATE TABLE witnesses (
  workspace TEXT NOT NULL,
  host TEXT NOT NULL,
  size INTEGER NOT NULL,
  note TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (workspace, host)
) WITHOUT ROWID;
