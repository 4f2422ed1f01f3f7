/**
 * Who asks too often, who failed too often, and from where anybody may ask at all, for one workspace: the one place that
 * counts authentication attempts, so that many isolates give nobody many tries. Durable. Judges no credential and lets
 * nobody in; whoever is signed in is never counted here, so that no stranger's failures reach them.
 */
import { DurableObject } from "cloudflare:workers";
import type { NetworkChange } from "../protocol/contracts/networks.ts";
import { MAX_BANS_LISTED } from "../protocol/limits.ts";
import { isInside, parseAddress, parseNetwork } from "../protocol/networks.ts";
import type { Rate, RateName, Standing } from "../protocol/rates.ts";
import { raiseAlert } from "./alert-client.ts";
import { edgeSeconds } from "./clock.ts";
import type { Env } from "./env.ts";
import { Identity } from "./identity.ts";
import { LedgerUnavailable, ledgerOf } from "./ledger-client.ts";
import { BanTable, MAX_BAN_ROWS, type Ban, type NewBan } from "./limits/ban-table.ts";
import { BucketTable } from "./limits/bucket-table.ts";
import { NetworkTable, type Lists } from "./limits/network-table.ts";
import { logFault } from "./log.ts";
import { RefusalRoom } from "./refusal-room.ts";

/** Name of the object that counts before there is a workspace: it bans nobody, because there is no log to say so. */
export const NO_WORKSPACE = "none";
/** Entries of new bans in an hour, whatever their addresses: a botnet must not write the log. Bans beyond stand too. */
const BAN_ENTRIES = "bans";
/** Refused sign-ins that become entries in an hour, from wherever; what comes on top is counted, and refused like the rest. */
const STRANGERS = "strangers";
const STRANGERS_ENTRIES_PER_HOUR = 240;
/** From this length on a ban is worth an alert: the third in a row. */
const ALERT_SECONDS = 1_800;

export interface Attempt {
  /** As `subscriberOf` writes it. */
  readonly network: string;
  readonly name: RateName;
  readonly rate: Rate;
}

export interface FailedProof {
  readonly network: string;
  readonly sourceIp: string;
  /** That many end in a ban. */
  readonly failures: number;
}

export interface Verdict {
  readonly standing: Standing;
  /** Edge clock, seconds; while it is banned. */
  readonly bannedUntil?: number;
}

export interface NetworkStanding {
  readonly lists: Lists;
  readonly bans: readonly Ban[];
}

const SCHEMA = `CREATE TABLE IF NOT EXISTS limit_identity (one INTEGER PRIMARY KEY CHECK (one = 1), workspace TEXT NOT NULL);`;

export class Limits extends DurableObject<Env> {
  /** Durable. */
  readonly #buckets: BucketTable;
  readonly #bans: BanTable;
  readonly #networks: NetworkTable;
  readonly #room: RefusalRoom;
  readonly #identity: Identity;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    const { sql } = state.storage;
    sql.exec(SCHEMA);
    this.#identity = new Identity(sql, "limit_identity");
    this.#buckets = new BucketTable(sql);
    this.#bans = new BanTable(sql);
    this.#networks = new NetworkTable(sql);
    this.#room = new RefusalRoom(sql);
  }

  /** One more attempt of somebody who has proven nothing yet. A banned address uses nothing up. */
  attempt(workspace: string, { network, name, rate }: Attempt): Verdict {
    this.#identity.identify(workspace);
    const ban = this.#bans.standing(network, edgeSeconds());
    const standing = this.#buckets.take({ name, rate, who: network }, Date.now());
    return ban === undefined ? { standing } : { standing, bannedUntil: ban.until };
  }

  /** A proof that did not hold. Ends in a ban when there were too many, unless the address is spared. */
  async failed(workspace: string, { network, sourceIp, failures }: FailedProof): Promise<void> {
    this.#identity.identify(workspace);
    if (this.#isSpared(sourceIp)) return;
    const ban = this.#bans.fail({ network, failures }, edgeSeconds());
    if (ban !== undefined) await this.#tell(workspace, ban, sourceIp);
  }

  /** Whether one more refusal of a stranger becomes an entry; true is counted. */
  takeEntry(workspace: string): boolean {
    this.#identity.identify(workspace);
    return this.#room.take(STRANGERS, edgeSeconds(), STRANGERS_ENTRIES_PER_HOUR);
  }

  standing(workspace: string): NetworkStanding {
    this.#identity.identify(workspace);
    return { lists: this.#networks.lists(), bans: this.#bans.list(edgeSeconds(), MAX_BANS_LISTED) };
  }

  /** Whoever asks was judged, and it is written down. `full`: nothing was changed. */
  change(workspace: string, change: NetworkChange): "changed" | "full" {
    this.#identity.identify(workspace);
    switch (change.setting) {
      case "networkAdd":
        if (!this.#networks.add(change.list, change.network)) return "full";
        if (change.list === "spared") this.#liftInside(change.network);
        return "changed";
      case "networkRemove":
        this.#networks.remove(change.list, change.network);
        return "changed";
      case "addressUnban":
        this.#bans.lift(change.network, edgeSeconds());
        return "changed";
    }
  }

  #isSpared(sourceIp: string): boolean {
    const address = parseAddress(sourceIp);
    if (address === undefined) return false;
    return this.#networks.lists().spared.some((text) => {
      const network = parseNetwork(text);
      return network !== undefined && isInside(address, network);
    });
  }

  /** Whoever is spared from now on is not kept out by a ban from before. */
  #liftInside(spared: string): void {
    const now = edgeSeconds();
    const outer = parseNetwork(spared);
    if (outer === undefined) return;
    for (const { network } of this.#bans.list(now, MAX_BAN_ROWS)) {
      const banned = parseNetwork(network);
      if (banned !== undefined && (isInside(banned, outer) || isInside(outer, banned))) this.#bans.lift(network, now);
    }
  }

  /** The ban stands already: a log that cannot be written must not open the door. */
  async #tell(workspace: string, { seconds, times, until }: NewBan, sourceIp: string): Promise<void> {
    if (seconds >= ALERT_SECONDS)
      await raiseAlert(this.env, workspace, { kind: "address.banned", subject: "address", detail: { until } });
    if (!this.#room.take(BAN_ENTRIES, edgeSeconds())) return;
    try {
      await ledgerOf(
        this.env,
        workspace,
      )({
        actor: { kind: "edge" },
        action: "address.banned",
        detail: { ban: { seconds, times } },
        sourceIp,
      });
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error;
      logFault("ban_not_written", error);
    }
  }
}
