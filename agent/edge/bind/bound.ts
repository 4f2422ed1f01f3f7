/**
 * Listens where `--bind` says and nowhere else, for as long as the address is there: an interface that comes late, goes
 * away and comes back, or changes its address is followed. A VPN that is down must not take the local edge with it, and
 * an address that turned up public must not be served because a private one was asked for.
 * May not: choose what is served; whoever composes the front hands in how a listener is made.
 */
import { refuseAddress, type BindTarget } from "./address.ts";
import { addressesOf, namesOf, type ReadInterfaces } from "./interfaces.ts";
import { isAddressAbsent } from "../listen.ts";
import { EdgeError } from "../../shared/edge-error.ts";

/** What became of the address, for a person. */
export type BindNews =
  | { readonly state: "listening"; readonly address: string }
  | { readonly state: "lost"; readonly address: string }
  /** Nothing to listen on yet. `seen`: the interfaces that this machine has. */
  | { readonly state: "waiting"; readonly target: string; readonly seen: readonly string[] }
  /** Turned up later and is not served; the sentence says why. */
  | { readonly state: "refused"; readonly address: string; readonly why: string };

/** One address, taken: everything that listens there, closed together. */
export interface Taken {
  close(): Promise<void>;
}

export interface BoundOptions {
  readonly target: BindTarget;
  readonly allowPublic: boolean;
  readonly interfaces: ReadInterfaces;
  /** Before an address is taken: certificates must name it when the first client comes. */
  readonly prepare: (addresses: readonly string[]) => Promise<void>;
  /** Listens at one address. @throws {EdgeError} */
  readonly take: (address: string) => Promise<Taken>;
  readonly news: (news: BindNews) => void;
}

export interface Bound {
  /** Where it listens now. */
  readonly addresses: readonly string[];
  /** Looks at the machine again. Never rejects: what cannot be taken is said. */
  look(): Promise<void>;
  close(): Promise<void>;
}

/** Asking the kernel costs microseconds; nobody waits longer than this for a VPN that is up. */
export const LOOK_MILLISECONDS = 1_000;

/**
 * The first look is strict: an address that may not be served, or a port that somebody holds, stops the start.
 * @throws {EdgeError}
 */
export async function takeBound(options: BoundOptions): Promise<Bound> {
  const listeners = new Listeners(options);
  await listeners.start();
  return listeners;
}

class Listeners implements Bound {
  readonly #options: BoundOptions;
  readonly #taken = new Map<string, Taken>();
  /** What was said last about an address that is not served, so that it is said once. */
  readonly #told = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: BoundOptions) {
    this.#options = options;
  }

  get addresses(): readonly string[] {
    return [...this.#taken.keys()].toSorted();
  }

  async start(): Promise<void> {
    const wanted = this.#wanted();
    for (const address of wanted) throwIfAny(refuseAddress(address, this.#options.allowPublic));
    try {
      await this.#settle(wanted, (error) => {
        throw error;
      });
    } catch (error) {
      await this.close();
      throw error;
    }
    if (wanted.length === 0) this.#sayWaiting();
    this.#timer = setInterval(() => void this.look(), LOOK_MILLISECONDS);
    this.#timer.unref();
  }

  async look(): Promise<void> {
    this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = undefined;
    });
    await this.#looking;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#looking;
    await Promise.all([...this.#taken.values()].map((taken) => taken.close()));
    this.#taken.clear();
  }

  async #lookOnce(): Promise<void> {
    const all = this.#wanted();
    const served = all.filter((address) => {
      const refusal = refuseAddress(address, this.#options.allowPublic);
      if (refusal !== undefined) this.#refused(address, refusal.message);
      return refusal === undefined;
    });
    for (const address of this.#told.keys()) if (!all.includes(address)) this.#told.delete(address);
    try {
      await this.#settle(served, (error, address) => this.#refused(address, error.message));
    } catch (error) {
      this.#refused(served.join(", "), error instanceof Error ? error.message : String(error));
    }
  }

  async #settle(wanted: readonly string[], refuse: (error: EdgeError, address: string) => void): Promise<void> {
    for (const [address, taken] of this.#taken) {
      if (wanted.includes(address)) continue;
      this.#taken.delete(address);
      await taken.close();
      this.#options.news({ state: "lost", address });
    }
    const fresh = wanted.filter((address) => !this.#taken.has(address));
    if (fresh.length === 0 || this.#isClosed) return;
    await this.#options.prepare(wanted);
    for (const address of fresh) await this.#take(address, refuse);
  }

  async #take(address: string, refuse: (error: EdgeError, address: string) => void): Promise<void> {
    try {
      const taken = await this.#options.take(address);
      this.#taken.set(address, taken);
      this.#told.delete(address);
      this.#options.news({ state: "listening", address });
    } catch (error) {
      // Gone again, or not usable yet (IPv6 looks for a double first): the next look decides.
      if (isAddressAbsent(error)) return;
      if (!(error instanceof EdgeError)) throw error;
      refuse(error, address);
    }
  }

  #wanted(): readonly string[] {
    return addressesOf(this.#options.target, this.#options.interfaces());
  }

  #refused(address: string, why: string): void {
    if (this.#told.get(address) === why) return;
    this.#told.set(address, why);
    this.#options.news({ state: "refused", address, why });
  }

  #sayWaiting(): void {
    const { target, interfaces, news } = this.#options;
    const name = target.kind === "interface" ? target.name : target.address;
    news({ state: "waiting", target: name, seen: namesOf(interfaces()) });
  }
}

function throwIfAny(error: EdgeError | undefined): void {
  if (error !== undefined) throw error;
}
