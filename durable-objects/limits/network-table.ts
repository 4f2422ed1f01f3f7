/** The lists of networks in the object's own SQLite. Decides nothing; whoever changes them was judged before. */
import { networkLists, type NetworkList } from "../../protocol/contracts/networks.ts";
import { MAX_NETWORKS } from "../../protocol/limits.ts";

export type Lists = Readonly<Record<NetworkList, readonly string[]>>;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS networks (
  list TEXT NOT NULL,
  network TEXT NOT NULL,
  PRIMARY KEY (list, network)
) WITHOUT ROWID;
`;

export class NetworkTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(SCHEMA);
  }

  lists(): Lists {
    const rows = this.#sql.exec<{ list: string; network: string }>("SELECT * FROM networks").toArray();
    const of = (list: NetworkList): string[] => rows.filter((row) => row.list === list).map(({ network }) => network);
    return Object.fromEntries(networkLists.map((list) => [list, of(list)])) as unknown as Lists;
  }

  /** False when the list is full. */
  add(list: NetworkList, network: string): boolean {
    const known = this.lists()[list];
    if (known.includes(network)) return true;
    if (known.length >= MAX_NETWORKS) return false;
    this.#sql.exec("INSERT INTO networks VALUES (?, ?)", list, network);
    return true;
  }

  remove(list: NetworkList, network: string): void {
    this.#sql.exec("DELETE FROM networks WHERE list = ? AND network = ?", list, network);
  }
}
