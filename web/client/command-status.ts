/**
 * What becomes of a command on each of its hosts: heard over the live socket, asked for in case that was down, and
 * believed only with the host's own signature.
 */
import type { CommandStatus } from "../../protocol/contracts.ts";
import type { HostOutcome } from "../state/orders.ts";
import { NOT_THE_HOST } from "./asking.ts";
import type { Intended } from "./intents.ts";
import { checkReceipt, receiptView } from "./receipts.ts";
import { refusalTrouble, TroubleError } from "./trouble.ts";

/** The live socket pushes; this asks in case it was down at the wrong moment. */
const ASK_EVERY_MS = 2_000;
/** So many are asked at a time: a fleet of 64 that answers slowly must not become a flood. */
const ASK_AT_ONCE = 8;
/** More live sockets than this are not opened for one command; the others are asked. */
const MAX_LIVE = 4;
/** An edge that came back and does not know the command this often in a row never got it. */
const UNKNOWN_TIMES = 3;

/** Command states of the hosts that have not ended, from whoever is first. Ends with the command. */
export class StatusFeed {
  readonly #intended: Intended;
  readonly #queue: CommandStatus[] = [];
  readonly #open: Set<string>;
  readonly #stops: (() => void)[];
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #unknown = new Map<string, number>();
  #wake: (() => void) | undefined;

  constructor(intended: Intended, hostIds: readonly string[]) {
    this.#intended = intended;
    this.#open = new Set(hostIds);
    const { hosts } = intended.asking.deps;
    this.#stops = hostIds.slice(0, MAX_LIVE).map((hostId) => hosts.watchHost(hostId));
    this.#stops.push(
      hosts.onCommand((host, status) => {
        if (status.intent === intended.digest && status.host === host) this.put(status);
      }),
    );
    this.#timer = setInterval(() => void this.#ask(), ASK_EVERY_MS);
  }

  put(status: CommandStatus): void {
    if (!this.#open.has(status.host)) return;
    this.#queue.push(status);
    this.#wake?.();
  }

  /** This host's part is over. */
  end(hostId: string): void {
    this.#open.delete(hostId);
  }

  get open(): readonly string[] {
    return [...this.#open];
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const stop of this.#stops) stop();
  }

  /** The edge is there and says again and again that it has no such command. */
  neverGot(hostId: string): boolean {
    return (this.#unknown.get(hostId) ?? 0) >= UNKNOWN_TIMES;
  }

  /** The next state, or undefined after `ms`. */
  async next(ms: number): Promise<CommandStatus | undefined> {
    if (this.#queue.length === 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
    return this.#queue.shift();
  }

  /** The longest unasked first. */
  async #ask(): Promise<void> {
    const now = [...this.#open].slice(0, ASK_AT_ONCE);
    for (const hostId of now) {
      this.#open.delete(hostId);
      this.#open.add(hostId);
    }
    await Promise.all(now.map((hostId) => this.#askOne(hostId)));
  }

  async #askOne(hostId: string): Promise<void> {
    try {
      const status = await askStatus(this.#intended, hostId);
      this.#unknown.delete(hostId);
      this.put(status);
    } catch (error) {
      if (!(error instanceof TroubleError)) throw error; // unreachable for now: the next tick asks again
      if (error.trouble.code === "command_unknown") {
        this.#unknown.set(hostId, (this.#unknown.get(hostId) ?? 0) + 1);
        this.#wake?.();
      }
    }
  }
}

export function askStatus({ asking, digest }: Intended, host: string): Promise<CommandStatus> {
  return asking.deps.client.call("commandStatus", { params: { intent: digest, host } });
}

/** What a state means for its host. Receipts are checked here, against the host's key in the verified log. */
export async function outcomeOf(intended: Intended, status: CommandStatus): Promise<HostOutcome> {
  const { state } = intended.asking;
  const label = state.hosts.get(status.host)?.label ?? status.host;
  if (status.state === "refused")
    return { kind: "refused", by: "host", trouble: refusalTrouble(status.code ?? "malformed", label) };
  if (status.state !== "receipted" || status.receipt === undefined)
    return { kind: status.state === "delivered" ? "delivered" : "queued" };
  const checked = await checkReceipt(status.receipt, state);
  const { host, intent } = checked.receipt;
  // The receipt of another command with the same proposal is the host's own word that it ran already.
  if (host === status.host && intent !== intended.digest && intended.proposal !== undefined)
    return { kind: "refused", by: "host", trouble: ALREADY_CARRIED_OUT };
  if (host !== status.host || intent !== intended.digest) return { kind: "refused", by: "page", trouble: NOT_THE_HOST };
  const ledger = status.ledgerIndex === undefined ? [] : [status.ledgerIndex];
  return { kind: "receipt", receipt: receiptView(checked, { state, ledger }) };
}

export function isOver({ kind }: HostOutcome): boolean {
  return kind === "receipt" || kind === "refused";
}

export const NEVER_ARRIVED = {
  code: "never_arrived",
  what: "The command never arrived, so nothing ran.",
  why: "The connection was lost while it was sent.",
  next: "Press again for a fresh command.",
} as const;
const ALREADY_CARRIED_OUT = {
  code: "already_carried_out",
  what: "This proposal was carried out before, so it did not run again.",
  next: "Look at Activity for its receipt.",
} as const;
