/** Composes what is behind the pages. The only place that knows every part of the client. */
import { computed, signal, type ReadonlySignal } from "@preact/signals";
import { rolesOf, sessionLimit } from "../../protocol/trust/state.ts";
import type {
  Backend,
  HostView,
  Loadable,
  OperationId,
  PageOrigin,
  Person,
  Phase,
  PreparedCommand,
  Reach,
  Result,
  Stop,
  TouchStep,
  Trouble,
} from "../state/backend.ts";
import type { HistoryDesk } from "../state/curves.ts";
import type { TrustView } from "../state/people.ts";
import type { OrderDetails, Orders } from "../state/orders.ts";
import { Activity } from "./activity.ts";
import { Alerts } from "./alerts.ts";
import { requireShown } from "./admission.ts";
import type { CommandDeps } from "./asking.ts";
import { EdgeClock } from "./clock.ts";
import { prepareCommand } from "./commands.ts";
import { arrived } from "./late.ts";
import { Exports } from "./exports.ts";
import { historyDesk } from "./history.ts";
import { HostInvites } from "./host-invites.ts";
import { Hosts } from "./hosts.ts";
import { Keeping } from "./keeping.ts";
import { EdgeKeys } from "./edge-keys.ts";
import { Networks } from "./networks.ts";
import { FirstRun, InvitedVisit } from "./first-visits.ts";
import { INVITATION_PATH, takeInvitation } from "./invitation-link.ts";
import { EdgeClient } from "./http.ts";
import { askMachine, MachineMemory, SIGNER_HOSTNAME } from "./machine-memory.ts";
import { Invitations } from "./invitations.ts";
import { OriginUses } from "./origin-use.ts";
import { Passkeys } from "./passkeys.ts";
import { planOf } from "./plan.ts";
import { Proposals } from "./proposals.ts";
import { Readings } from "./readings.ts";
import { Releases } from "./releases.ts";
import { Sessions } from "./sessions.ts";
import { SessionKeys } from "./session-keys.ts";
import { endSession, originUnlisted, resumeSession, signIn, type SessionDeps } from "./session.ts";
import { Streams } from "./streams.ts";
import { takeLink } from "./setup-link.ts";
import { Statements } from "./statements.ts";
import { CANCELLED, resultOf, TroubleError, troubleOf } from "./trouble.ts";
import { TrustKeeper } from "./trust.ts";
import { Vault, type StoredSession } from "./vault.ts";

const RETRY_SECONDS = 3;
const SETUP_PATH = "/setup";

async function unsupportedReason(): Promise<"no-webauthn" | "insecure-address" | "no-ed25519" | undefined> {
  if (!globalThis.isSecureContext) return "insecure-address";
  if (typeof PublicKeyCredential === "undefined") return "no-webauthn";
  const made = await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]).catch(() => undefined);
  return made === undefined ? "no-ed25519" : undefined;
}

export async function createBackend(): Promise<Backend> {
  const memory = new MachineMemory(askMachine());
  // A machine that cannot say is asked again before anything counts, and refuses then.
  const { edge, workspace } = await memory.recall().catch(() => ({ edge: undefined, workspace: undefined }));
  const vault = await Vault.open(edge === undefined ? undefined : workspace);
  const backend = new ClientBackend(vault, memory, edge !== undefined);
  void backend.start();
  return backend;
}

class ClientBackend implements Backend {
  readonly inviteCommand = "clawhold host invite --out join.json";
  readonly printCommand = "clawhold host add";
  readonly addHostCommand = "clawhold join --file join.json\nclawhold host run";
  readonly #phase = signal<Phase>({ kind: "starting" });
  readonly #reach = signal<Reach>({ state: "ok" });
  readonly #keys: SessionKeys;
  #retry: ReturnType<typeof setTimeout> | undefined;
  readonly #deps: SessionDeps;
  readonly #trust: TrustKeeper;
  readonly #hosts: Hosts;
  readonly #commands: CommandDeps;
  readonly proposals: Proposals;
  readonly readings: Readings;
  readonly releases: Releases;
  readonly #hasLink: boolean;
  readonly #passkeys: Passkeys;
  readonly statements: Statements;
  readonly sessions: Sessions;
  readonly addresses: OriginUses;
  readonly invitations: Invitations;
  readonly enrolment: InvitedVisit;
  readonly history: HistoryDesk;
  readonly activity: Activity;
  readonly alerts: Alerts;
  readonly exports: Exports;
  readonly streams: Streams;
  readonly keeping: Keeping;
  readonly networks: Networks;
  readonly edgeKeys: EdgeKeys;
  readonly hostInvites: HostInvites | undefined;
  readonly setup: FirstRun;
  readonly person: ReadonlySignal<Person | undefined>;
  readonly workspace: ReadonlySignal<string | undefined>;

  constructor(vault: Vault, memory: MachineMemory, isEdgeElsewhere: boolean) {
    const clock = new EdgeClock();
    const client = new EdgeClient({
      clock,
      onReach: (ok) => this.#noteReach(ok),
      onUnauthorised: () => void this.#leave("refused"),
    });
    this.#deps = { client, vault, clock, memory };
    this.#keys = new SessionKeys({ client, vault });
    this.#trust = new TrustKeeper(this.#deps);
    const shared = { ...this.#deps, trust: this.#trust };
    this.#hosts = new Hosts(shared);
    const approving = { ...shared, session: () => this.#keys.session.value };
    this.activity = new Activity({ ...shared, person: () => this.#keys.session.value?.person });
    this.history = historyDesk(client);
    this.alerts = new Alerts(approving);
    this.exports = new Exports(approving);
    this.streams = new Streams(approving);
    this.keeping = new Keeping(approving);
    this.networks = new Networks(approving);
    this.edgeKeys = new EdgeKeys(client);
    this.hostInvites = isEdgeElsewhere ? new HostInvites(approving) : undefined;
    this.statements = new Statements({ ...shared, person: () => this.#keys.session.value?.person });
    const trust = this.#trust;
    this.#commands = { client, trust, hosts: this.#hosts, keys: this.#keys, now: () => clock.now() };
    this.proposals = new Proposals({ ...this.#commands, originClass: () => this.origin.class });
    this.readings = new Readings(this.#commands);
    this.releases = new Releases(this.#commands);
    this.#passkeys = new Passkeys({
      ...shared,
      statements: this.statements,
      session: () => this.#keys.session.value,
    });
    this.sessions = new Sessions({
      ...shared,
      session: () => this.#keys.session.value,
      onEnded: () => this.#leave("asked"),
    });
    this.addresses = new OriginUses(client);
    this.invitations = new Invitations(shared);
    this.enrolment = this.#invitedVisit();
    const link = location.pathname === SETUP_PATH ? takeLink() : "absent";
    this.#hasLink = link !== "absent";
    this.setup = new FirstRun(async () => {
      const { Setup } = await arrived(import("./setup.ts"));
      return new Setup({ ...shared, onSignedIn: (session) => this.#enter(session) }, link);
    });
    this.person = computed(() => this.#person());
    this.workspace = computed(() => this.#trust.state.value?.workspace);
  }

  #invitedVisit(): InvitedVisit {
    const invited = location.pathname === INVITATION_PATH ? takeInvitation() : "absent";
    return new InvitedVisit(async () => {
      const { Enrolment } = await arrived(import("./enrolment.ts"));
      return new Enrolment(this.#deps, invited, () => this.#showSignIn());
    });
  }

  get origin(): PageOrigin {
    const listed = this.#trust.state.value?.origins.find((entry) => entry.origin === location.origin);
    const fallback = location.hostname === SIGNER_HOSTNAME ? "signer" : "daily";
    return { class: listed?.class ?? fallback, host: location.host, rpId: location.hostname };
  }

  get trust(): ReadonlySignal<TrustView | undefined> {
    return this.#trust.view;
  }

  get phase(): ReadonlySignal<Phase> {
    return this.#phase;
  }

  get past(): ReadonlySignal<Trouble | undefined> {
    return this.#deps.memory.trouble;
  }

  get reach(): ReadonlySignal<Reach> {
    return this.#reach;
  }

  get fleet(): ReadonlySignal<Loadable<readonly HostView[]>> {
    return this.#hosts.fleet;
  }

  get passkeys(): Passkeys["list"] {
    return this.#passkeys.list;
  }

  now(): number {
    return this.#deps.clock.now();
  }

  /** Chooses the face to show; called once. */
  async start(): Promise<void> {
    const reason = await unsupportedReason();
    if (reason !== undefined) {
      this.#phase.value = { kind: "unsupported", reason };
      return;
    }
    if (location.pathname === INVITATION_PATH) {
      this.#phase.value = { kind: "invitation" };
      await this.enrolment.start();
      return;
    }
    // A reload after the first sign-in: the link left the address bar, and what it was for is done.
    const isOver = !this.#hasLink && (await this.#deps.vault.get("session")) !== undefined;
    if (location.pathname === SETUP_PATH && !isOver) {
      this.#phase.value = { kind: "setup" };
      await this.setup.start();
      return;
    }
    await this.#resume();
  }

  #showSignIn(): void {
    this.#phase.value = { kind: "signed-out" };
  }

  /** Goes on with the session of an earlier visit. Only the edge's own "no" ends it; silence is waited for. */
  async #resume(): Promise<void> {
    const stored = await resumeSession(this.#deps);
    if (stored === undefined) {
      this.#phase.value = { kind: "signed-out" };
      return;
    }
    const { client, clock } = this.#deps;
    this.#keys.enter(stored); // before the first request: the newest key may be one whose answer was lost
    try {
      clock.set((await client.call("me")).now);
      await this.#enter(this.#keys.session.value ?? stored);
    } catch (error) {
      if (!(error instanceof TroubleError)) throw error;
      if (error.trouble.code === "unauthenticated") return this.#end(stored, "refused");
      this.#phase.value = { kind: "starting", trouble: error.trouble };
      this.#tryLater();
    }
  }

  retryNow(): void {
    clearTimeout(this.#retry);
    if (this.#phase.value.kind === "starting") void this.#resume();
    if (this.#phase.value.kind === "signed-in") void this.#hosts.load();
  }

  #tryLater(): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.retryNow(), RETRY_SECONDS * 1000);
  }

  signIn(): Promise<Result<undefined>> {
    return resultOf(async () => {
      await this.#enter(await signIn(this.#deps));
      return undefined;
    });
  }

  async signOut(): Promise<void> {
    await this.#deps.client.call("signOut", { body: {} }).catch((error: unknown) => {
      if (!(error instanceof TroubleError)) throw error; // the session ends here either way
    });
    await this.#leave("asked");
  }

  watchFleet(): Stop {
    return this.#hosts.watchFleet();
  }

  host(id: string): ReadonlySignal<Loadable<HostView | undefined>> {
    return this.#hosts.host(id);
  }

  watchHost(id: string): Stop {
    return this.#hosts.watchHost(id);
  }

  prepare(
    operation: OperationId,
    hostId: string,
    details: OrderDetails = { args: {} },
  ): Promise<Result<PreparedCommand>> {
    return resultOf(() => prepareCommand(this.#commands, { operation, hostId, ...details }));
  }

  get orders(): Orders {
    return {
      plan: (order) => planOf(this.#commands, order, this.origin.class),
      ask: (order) =>
        resultOf(async () => {
          const { askHosts } = await arrived(import("./fleet-orders.ts"));
          return askHosts(this.#commands, order);
        }),
    };
  }

  addPasskey(): AsyncIterable<TouchStep> {
    return this.#passkeys.add();
  }

  async *admit(hostId: string, shown: string | undefined): AsyncGenerator<TouchStep> {
    const session = this.#keys.session.value;
    if (session === undefined) return;
    try {
      const body = requireShown(this.#hosts.join(hostId), shown);
      yield { kind: "touch", purpose: "approve" };
      await this.statements.state({ kind: "host.admit", body });
      await this.#hosts.load();
      yield { kind: "done" };
    } catch (error) {
      const trouble = troubleOf(error);
      yield trouble === CANCELLED ? { kind: "cancelled" } : { kind: "failed", trouble };
    }
  }

  async #enter(session: StoredSession): Promise<void> {
    this.#keys.enter(session);
    const trust = await this.#trust.refresh();
    if (!trust.origins.some(({ origin }) => origin === location.origin)) throw originUnlisted();
    // By the verified log, not by the edge's word. Without a role there is no session to ask for.
    const limit = sessionLimit(trust, session.person, this.#deps.clock.now());
    if (limit > 0) await this.#deps.vault.set("sessionSeconds", limit);
    this.#phase.value = { kind: "signed-in" };
  }

  async #leave(why: "asked" | "refused"): Promise<void> {
    const session = this.#keys.session.value;
    if (session === undefined) return;
    this.#keys.leave();
    await this.#end(session, why);
  }

  /** The edge does not say why it refuses; that a session's own time is over is known here. */
  async #end(session: StoredSession, why: "asked" | "refused"): Promise<void> {
    await endSession(this.#deps);
    const { activity, alerts, streams, keeping, networks, statements, sessions, addresses, invitations } = this;
    const { proposals, readings } = this;
    for (const part of [
      this.#trust,
      this.#hosts,
      this.edgeKeys,
      activity,
      alerts,
      streams,
      keeping,
      networks,
      statements,
      sessions,
      addresses,
      invitations,
      proposals,
      readings,
    ])
      part.forget();
    const isOver = this.#deps.clock.now() >= session.expires;
    this.#phase.value = { kind: "signed-out", why: why === "asked" ? "asked" : isOver ? "ended" : "idle" };
  }

  #noteReach(ok: boolean): void {
    const before = this.#reach.value;
    if (ok) {
      if (before.state === "lost") this.#reach.value = { state: "ok" };
      return;
    }
    const now = this.#deps.clock.now();
    const sinceAt = before.state === "lost" ? before.sinceAt : now;
    this.#reach.value = { state: "lost", sinceAt, retryAt: now + RETRY_SECONDS };
    this.#tryLater();
  }

  #person(): Person | undefined {
    const state = this.#trust.state.value;
    const session = this.#keys.session.value;
    if (session === undefined || state === undefined) return undefined;
    const role = rolesOf(state, session.person, this.#deps.clock.now())
      .map((held) => held.id)
      .join(", ");
    const name = this.#trust.nameOf(session.person) ?? session.person;
    return { id: session.person, name, role, sessionEndsAt: session.expires };
  }
}
