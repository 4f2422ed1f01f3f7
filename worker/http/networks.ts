/**
 * Whether an address may reach a door at all, by the lists that an administrator keeps: asked before anything else is
 * looked at. The edge's own machine is never turned away, so that whoever sits there can always mend the lists.
 */
import { edgeSeconds } from "../../durable-objects/clock.ts";
import type { NetworkStanding } from "../../durable-objects/limits.ts";
import type { Lists } from "../../durable-objects/limits/network-table.ts";
import {
  isInside,
  isLoopback,
  parseAddress,
  parseNetwork,
  subscriberOf,
  type Address,
} from "../../protocol/networks.ts";
import { problem } from "./problems.ts";

/** A change is heard of by every isolate within this time; by the one that made it, at once. */
const MEMORY_SECONDS = 10;

export interface Place {
  /** As `subscriberOf` writes it; `unknown` where nothing states an address. */
  readonly network: string;
  readonly address: Address | undefined;
  readonly isLocal: boolean;
}

/** Only a front on the same machine ever states such an address: Cloudflare names where the request came from. */
export function placeOf(sourceIp: string | undefined): Place {
  const address = sourceIp === undefined ? undefined : parseAddress(sourceIp);
  if (address === undefined) return { network: "unknown", address, isLocal: false };
  return { network: subscriberOf(address), address, isLocal: isLoopback(address) };
}

/** Deny wins; an allow list that is not empty means only these; nobody knows where an unknown address is. */
export function mayEnter({ allow, deny }: Pick<Lists, "allow" | "deny">, { address, isLocal }: Place): boolean {
  if (isLocal) return true;
  if (address === undefined) return allow.length === 0;
  const holds = (list: readonly string[]): boolean =>
    list.some((text) => {
      const network = parseNetwork(text);
      return network !== undefined && isInside(address, network);
    });
  return !holds(deny) && (allow.length === 0 || holds(allow));
}

export interface NetworkSource {
  readonly workspace: () => Promise<string | undefined>;
  readonly standing: (workspace: string) => Promise<NetworkStanding>;
  /** The owner of the deployment switched the lists off. */
  readonly isOff: boolean;
}

/** Of this isolate. */
export class NetworkDoors {
  readonly #source: NetworkSource;
  /** In memory only: read again after `MEMORY_SECONDS`. */
  #held: { readonly lists: Lists | undefined; readonly until: number } | undefined;

  constructor(source: NetworkSource) {
    this.#source = source;
  }

  get isOff(): boolean {
    return this.#source.isOff;
  }

  /** @throws {ProblemError} `network_refused` */
  async requireEntry(door: "web" | "agent", place: Place): Promise<void> {
    if (place.isLocal || this.isOff) return;
    const lists = await this.#lists();
    if (lists === undefined) return;
    const asked = door === "web" ? lists : { allow: [], deny: lists["deny-hosts"] };
    if (!mayEnter(asked, place)) throw problem("network_refused", door);
  }

  /** Somebody has just changed them. */
  forget(): void {
    this.#held = undefined;
  }

  /** Undefined before there is a workspace to keep them. */
  async #lists(): Promise<Lists | undefined> {
    const now = edgeSeconds();
    if (this.#held !== undefined && now < this.#held.until) return this.#held.lists;
    const workspace = await this.#source.workspace();
    if (workspace === undefined) return undefined;
    const { lists } = await this.#source.standing(workspace);
    this.#held = { lists, until: now + MEMORY_SECONDS };
    return lists;
  }
}
