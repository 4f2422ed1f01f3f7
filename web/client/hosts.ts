/** The fleet as the pages see it: rows of the edge, joined with what the verified trust log says of each host. */
import { computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { MalformedError } from "../../protocol/canonical.ts";
import type { CommandStatus, HostRow } from "../../protocol/contracts.ts";
import { verifySignature } from "../../protocol/signing.ts";
import { sameHead } from "../../protocol/trust/state.ts";
import { trustAckCodec } from "../../protocol/tunnel.ts";
import type { HostIdentity } from "../../protocol/words.ts";
import type { HostView, Loadable, Stop } from "../state/backend.ts";
import { readJoin, type JoinReading } from "./admission.ts";
import { pollMilliseconds } from "./fleet-pace.ts";
import { bytesOf } from "./http.ts";
import { openLive, type LiveSocket } from "./live.ts";
import type { SessionDeps } from "./session.ts";
import { resultOf, troubleOf } from "./trouble.ts";
import type { TrustKeeper } from "./trust.ts";
import { words } from "./words.ts";

interface Entry {
  readonly row: HostRow;
  /** Edge time when this row's telemetry arrived here. */
  readonly at: number;
  /** Signed by the host's key of the trust log. */
  readonly ack: TrustAck | undefined;
  /** Of a host that waits. */
  readonly join: JoinReading | undefined;
  readonly hostWords: (identity: HostIdentity) => readonly string[];
}

type Identity = Pick<HostView, "admission" | "label" | "colocated" | "words" | "join" | "joinTrouble">;

export interface HostsDeps extends SessionDeps {
  readonly trust: TrustKeeper;
}

export class Hosts {
  readonly #deps: HostsDeps;
  readonly #entries = signal<ReadonlyMap<string, Entry>>(new Map());
  readonly #loaded: Signal<Loadable<true>> = signal({ state: "loading" });
  readonly #sockets = new Map<string, { readonly socket: LiveSocket; watchers: number }>();
  readonly #listeners = new Set<(host: string, status: CommandStatus) => void>();
  #watchers = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  readonly fleet: ReadonlySignal<Loadable<readonly HostView[]>> = computed(() => {
    const loaded = this.#loaded.value;
    if (loaded.state !== "ready") return loaded;
    return { state: "ready", value: [...this.#entries.value.values()].map((entry) => this.#view(entry)) };
  });
  readonly #byId = new Map<string, ReadonlySignal<Loadable<HostView | undefined>>>();

  constructor(deps: HostsDeps) {
    this.#deps = deps;
  }

  host(id: string): ReadonlySignal<Loadable<HostView | undefined>> {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const view = computed((): Loadable<HostView | undefined> => {
      const loaded = this.#loaded.value;
      if (loaded.state !== "ready") return loaded;
      const entry = this.#entries.value.get(id);
      return { state: "ready", value: entry === undefined ? undefined : this.#view(entry) };
    });
    this.#byId.set(id, view);
    return view;
  }

  /** What a waiting host signed, as of the newest row. */
  join(id: string): JoinReading | undefined {
    return this.#entries.value.get(id)?.join;
  }

  watchFleet(): Stop {
    this.#watchers += 1;
    if (this.#watchers === 1) void this.#poll();
    return () => {
      this.#watchers -= 1;
      if (this.#watchers === 0) clearTimeout(this.#timer);
    };
  }

  watchHost(id: string): Stop {
    const stopFleet = this.watchFleet();
    const open = this.#sockets.get(id) ?? { socket: this.#open(id), watchers: 0 };
    this.#sockets.set(id, open);
    open.watchers += 1;
    return () => {
      stopFleet();
      open.watchers -= 1;
      if (open.watchers > 0) return;
      open.socket.close();
      this.#sockets.delete(id);
    };
  }

  /** Command states of any watched host, as they are pushed. */
  onCommand(listener: (host: string, status: CommandStatus) => void): Stop {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  forget(): void {
    for (const { socket } of this.#sockets.values()) socket.close();
    this.#sockets.clear();
    this.#entries.value = new Map();
    this.#loaded.value = { state: "loading" };
  }

  /** One look at the whole fleet. */
  async load(): Promise<void> {
    try {
      const { hosts, now } = await this.#deps.client.call("hosts");
      this.#deps.clock.set(now);
      const entries = await Promise.all(hosts.map(async (row) => [row.host, await this.#entry(row)] as const));
      this.#entries.value = new Map(entries);
      this.#loaded.value = { state: "ready", value: true };
    } catch (error) {
      const trouble = troubleOf(error);
      // What is known stays on the page and grows old; only a first load can fail as a whole.
      if (this.#loaded.value.state !== "ready") this.#loaded.value = { state: "failed", trouble };
    }
  }

  async #poll(): Promise<void> {
    await this.load();
    const pause = pollMilliseconds(this.#entries.value.size);
    if (this.#watchers > 0) this.#timer = setTimeout(() => void this.#poll(), pause);
  }

  #open(host: string): LiveSocket {
    return openLive({
      client: this.#deps.client,
      host,
      onEvent: (event) => {
        if (event.kind === "command") {
          for (const listener of this.#listeners) listener(host, event.status);
          return;
        }
        this.#deps.clock.set(event.now);
        void resultOf(() => this.#replace(event.row)); // what cannot be shown, the next look at the fleet explains
      },
    });
  }

  async #replace(row: HostRow): Promise<void> {
    const entry = await this.#entry(row);
    this.#entries.value = new Map(this.#entries.value).set(row.host, entry);
    if (this.#loaded.value.state !== "ready") this.#loaded.value = { state: "ready", value: true };
  }

  async #entry(row: HostRow): Promise<Entry> {
    return {
      row,
      at: this.#deps.clock.now(),
      ack: await this.#readAck(row),
      join: await this.#readJoin(row),
      hostWords: (await words()).hostWords,
    };
  }

  /** Whether it waits is the trust log's word, not the edge's. */
  async #readJoin(row: HostRow): Promise<JoinReading | undefined> {
    const state = this.#deps.trust.state.value;
    if (state === undefined || state.hosts.has(row.host) || state.removedHosts.has(row.host)) return undefined;
    return readJoin(row, state.workspace);
  }

  /** The host's own signed word of which trust head it holds. Undefined: none that it signed. */
  async #readAck(row: HostRow): Promise<TrustAck | undefined> {
    const hostKey = this.#deps.trust.state.value?.hosts.get(row.host)?.hostKey;
    if (hostKey === undefined || row.trustAck === undefined) return undefined;
    const body = bytesOf(row.trustAck.body);
    const { signature } = row.trustAck;
    const isGenuine = await verifySignature({ kind: "trust-ack", body, signature, publicKey: hostKey });
    return isGenuine ? decodeAck(body) : undefined;
  }

  #view(entry: Entry): HostView {
    const { row, at, ack } = entry;
    const state = this.#deps.trust.state.value;
    // Compared each time the log grows: a word about the head before says nothing about this one.
    const isTold = state !== undefined && ack !== undefined && sameHead(ack.trustHead, state.head);
    return {
      id: row.host,
      ...this.#identity(entry),
      connected: row.connected,
      trustBehind: state?.hosts.has(row.host) === true && !isTold,
      ...(ack?.frozen === undefined ? {} : { frozen: ack.frozen }),
      ...(row.lastSeen === undefined ? {} : { lastSeenAt: row.lastSeen }),
      ...(row.telemetry === undefined ? {} : { telemetry: row.telemetry, telemetryAt: row.telemetryAt ?? at }),
    };
  }

  /** Who it is: by the trust log, or by the join that it signed. Of a removed host only the edge still has a label. */
  #identity({ row, join, hostWords }: Entry): Identity {
    const state = this.#deps.trust.state.value;
    const admitted = state?.hosts.get(row.host);
    if (state !== undefined && admitted !== undefined) {
      const { label, hostKey, colocated } = admitted;
      return { admission: "admitted", label, colocated, words: hostWords({ hostKey, workspace: state.workspace }) };
    }
    const nameless = { label: row.host, colocated: false, words: [] };
    if (state?.removedHosts.has(row.host) === true) return { ...nameless, admission: "removed", label: row.label };
    if (state === undefined || join === undefined) return { ...nameless, admission: "waiting" };
    if (!join.ok) return { ...nameless, admission: "waiting", joinTrouble: join.trouble };
    const { hostKey, label, colocated } = join.applicant.body;
    const words = hostWords({ hostKey, workspace: state.workspace });
    return { admission: "waiting", label, colocated, words, join: join.applicant.join };
  }
}

type TrustAck = ReturnType<typeof trustAckCodec.decode>;

function decodeAck(body: Uint8Array): TrustAck | undefined {
  try {
    return trustAckCodec.decode(body);
  } catch (error) {
    if (error instanceof MalformedError) return undefined; // of a version that this page does not know: not a confirmation
    throw error;
  }
}
