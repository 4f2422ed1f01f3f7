/** The tables behind the counts stay small whoever comes, and say what they kept after an eviction. */
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { BanTable, MAX_BAN_ROWS } from "../../../durable-objects/limits/ban-table.ts";
import { BucketTable } from "../../../durable-objects/limits/bucket-table.ts";
import { BAN_FAILURES, BAN_MEMORY_SECONDS, BAN_SECONDS, BAN_WINDOW_SECONDS, rates } from "../../../protocol/rates.ts";
import { env } from "../../worker/environment.ts";

function withSql(name: string, work: (sql: SqlStorage) => void): Promise<void> {
  return runInDurableObject(env.LIMITS.getByName(name), (_, { storage }) => work(storage.sql));
}

const start = 1_800_000_000;
const failing = (network: string) => ({ network, failures: BAN_FAILURES });

describe("the buckets", () => {
  const one = (who: string) => ({ name: "sign-in", rate: rates["sign-in"], who }) as const;

  it("of newcomers are one when the table is full, until others are full again", () =>
    withSql("buckets", (sql) => {
      const table = new BucketTable(sql, 3);
      const now = start * 1_000;
      for (const who of ["a", "b", "c"]) expect(table.take(one(who), now).remaining).toBe(4);
      expect(["d", "e", "f"].map((who) => table.take(one(who), now).remaining)).toEqual([4, 3, 2]);
      expect(table.take(one("a"), now).remaining).toBe(3);
      expect(table.take(one("g"), now + 60_000).remaining).toBe(4);
      expect(sql.exec<{ n: number }>("SELECT COUNT(*) AS n FROM buckets").one().n).toBeLessThanOrEqual(4);
    }));
});

describe("the bans", () => {
  const ban = (table: BanTable, network: string, now: number) => {
    for (let i = 1; i < BAN_FAILURES; i += 1) expect(table.fail(failing(network), now)).toBeUndefined();
    return table.fail(failing(network), now);
  };

  it("grow, stay at a day, and begin anew after a week without one", () =>
    withSql("bans", (sql) => {
      const table = new BanTable(sql);
      let now = start;
      for (const seconds of [...BAN_SECONDS, 86_400]) {
        expect(ban(table, "192.0.2.1", now)).toMatchObject({ seconds, until: now + seconds });
        now += seconds;
      }
      now += BAN_MEMORY_SECONDS - 1;
      expect(ban(table, "192.0.2.1", now)).toMatchObject({ seconds: 86_400, times: 7 });
      now += 86_400 + BAN_MEMORY_SECONDS;
      expect(ban(table, "192.0.2.1", now)).toMatchObject({ seconds: 60, times: 1 });
    }));

  it("come of failures within a while only", () =>
    withSql("window", (sql) => {
      const table = new BanTable(sql);
      for (let i = 1; i < BAN_FAILURES; i += 1) table.fail(failing("192.0.2.1"), start);
      expect(table.fail(failing("192.0.2.1"), start + BAN_WINDOW_SECONDS)).toBeUndefined();
    }));

  it("are lifted with all that is remembered", () =>
    withSql("lift", (sql) => {
      const table = new BanTable(sql);
      ban(table, "192.0.2.1", start);
      expect([table.lift("192.0.2.1", start), table.lift("192.0.2.1", start)]).toEqual([true, false]);
      expect(table.standing("192.0.2.1", start)).toBeUndefined();
      expect(ban(table, "192.0.2.1", start)).toMatchObject({ times: 1 });
    }));

  it("are kept of so many addresses; who comes then is only counted", () =>
    withSql("many", (sql) => {
      const table = new BanTable(sql);
      sql.exec(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${MAX_BAN_ROWS})
         INSERT INTO failures SELECT 'a' || i, ${start}, 1 FROM n`,
      );
      expect(ban(table, "192.0.2.1", start)).toBeUndefined();
      expect(ban(table, "192.0.2.1", start + BAN_WINDOW_SECONDS)).toMatchObject({ times: 1 });
    }));
});
