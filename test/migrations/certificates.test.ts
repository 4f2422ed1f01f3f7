/** What 0009 makes of hosts that joined before it: their one certificate goes on opening tunnels, or not, as it did. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { dueAt } from "../../protocol/renewal.ts";

const directory = path.resolve(import.meta.dirname, "../../migrations");
const STEP = "0009_certificates.sql";
const names = readdirSync(directory)
  .filter((name) => name.endsWith(".sql"))
  .toSorted();
const DAY = 86_400;
const END = 1_800_000_000;

function migrated(): DatabaseSync {
  const db = new DatabaseSync(":memory:");
  const apply = (name: string): void => db.exec(readFileSync(path.join(directory, name), "utf8"));
  for (const name of names.filter((one) => one < STEP)) apply(name);
  const insert = db.prepare("INSERT INTO hosts VALUES ('w', ?, 'key', 'cosign', 'label', 0, ?, ?, ?, 5, NULL, NULL)");
  insert.run("h-one", "aa", END, 0);
  insert.run("h-two", "bb", END + 1, 1);
  for (const name of names.filter((one) => one >= STEP)) apply(name);
  return db;
}

describe("certificates from before there were rows for them", () => {
  it("are in use, due as they would have been, and revoked if they were", () => {
    const db = migrated();
    const rows = db.prepare("SELECT * FROM certificates ORDER BY host").all();
    expect(rows).toMatchObject([
      { fingerprint: "aa", workspace: "w", host: "h-one", valid_until: END, revoked_at: null, key_digest: null },
      { fingerprint: "bb", workspace: "w", host: "h-two", valid_until: END + 1, reference: null, told_at: null },
    ]);
    const [one, two] = rows;
    expect(one?.["used_at"]).toBeTypeOf("number"); // its next tunnel is no first use
    expect(two?.["revoked_at"]).toBeTypeOf("number");
    expect(dueAt({ from: Number(one?.["valid_from"]), until: END })).toBe(END - 30 * DAY - 100);
  });

  it("are no columns of a host any more, and the rest of its row is what it was", () => {
    const row = migrated().prepare("SELECT * FROM hosts WHERE host = 'h-one'").get();
    expect(row).toEqual({
      workspace: "w",
      host: "h-one",
      host_key: "key",
      cosign_key: "cosign",
      label: "label",
      colocated: 0,
      joined_at: 5,
      join_body: null,
      join_signature: null,
    });
  });

  it("are one of a key each, from here on", () => {
    const db = migrated();
    const insert = db.prepare(
      "INSERT INTO certificates (fingerprint, workspace, host, key_digest, valid_from, valid_until, issued_at) VALUES (?, 'w', 'h-one', 'k', 1, 2, 1)",
    );
    insert.run("cc");
    expect(() => insert.run("dd")).toThrow("UNIQUE");
  });
});
