/**
 * First run: the setup link's fragment holds the seed of the setup key. It makes the first passkey, then the root;
 * the first sign-in is the root's approval; then this machine is admitted. The fragment leaves the address bar at
 * once, and the seed leaves memory with the root.
 */
import { signal, type ReadonlySignal } from "@preact/signals";
import { toBase64url } from "../../protocol/bytes.ts";
import { commit } from "../../protocol/ledger.ts";
import { ADMIN_SESSION_SECONDS } from "../../protocol/limits.ts";
import { builtInRoles } from "../../protocol/roles.ts";
import { digestOf, type Signer } from "../../protocol/signing.ts";
import { NO_REVOCATIONS } from "../../protocol/trust/state.ts";
import { rootCodec, type CredentialBody, type Root } from "../../protocol/trust/statements.ts";
import type { LinkProblem, PendingHost, SetupFlow, SetupState, Trouble } from "../state/backend.ts";
import { readJoin, requireShown, type Applicant, type JoinReading } from "./admission.ts";
import type { Answer } from "./http.ts";
import { createPasskey, sameCredential, touch } from "./passkey.ts";
import { randomNonce, randomPersonId } from "./random.ts";
import { freshSession, keepSession, type SessionDeps } from "./session.ts";
import type { SetupLink } from "./setup-link.ts";
import { seedSigner } from "./signer.ts";
import { TroubleError, troubleOf } from "./trouble.ts";
import { Statements } from "./statements.ts";
import type { TrustKeeper } from "./trust.ts";
import type { StoredSession } from "./vault.ts";
import { words } from "./words.ts";

const HOST_POLL_MS = 1_000;
const ASK_AGAIN_MS = 3_000;

/** The edge's codes that say something about the link itself. */
const LINK_PROBLEMS: ReadonlyMap<string, LinkProblem> = new Map([
  ["setup_used", "used"],
  ["setup_expired", "expired"],
  ["setup_wrong", "wrong"],
]);

export interface SetupDeps extends SessionDeps {
  readonly trust: TrustKeeper;
  readonly onSignedIn: (session: StoredSession) => Promise<void>;
}

export class Setup implements SetupFlow {
  readonly #deps: SetupDeps;
  readonly #link: SetupLink | LinkProblem;
  readonly #state = signal<SetupState>({ kind: "checking" });
  #signer: Signer | undefined;
  #edge: Answer<"setupState"> | undefined;
  #name = "";
  #credential: CredentialBody | undefined;
  /** Whom the page shows. */
  #shown: Applicant | undefined;
  #session: StoredSession | undefined;
  readonly #statements: Statements;

  constructor(deps: SetupDeps, link: SetupLink | LinkProblem) {
    this.#deps = deps;
    this.#statements = new Statements({ ...deps, person: () => this.#session?.person });
    this.#link = link;
  }

  get state(): ReadonlySignal<SetupState> {
    return this.#state;
  }

  /** Asks the edge for its public keys, which only the holder of the link gets. */
  async start(): Promise<void> {
    if (typeof this.#link === "string") {
      this.#state.value = { kind: "link", problem: this.#link };
      return;
    }
    const { seed } = this.#link;
    while (this.#edge === undefined && this.#state.value.kind === "checking") await this.#ask(seed);
  }

  /** Only the edge's own word condemns a link: it left the address bar, so a restart of the edge must not cost it. */
  async #ask(seed: Uint8Array): Promise<void> {
    try {
      this.#signer ??= await seedSigner(seed);
      this.#deps.client.use(this.#signer);
      this.#edge = await this.#deps.client.call("setupState");
      this.#deps.clock.set(this.#edge.now);
      this.#show("passkey", {});
    } catch (error) {
      const trouble = troubleOf(error);
      const problem = LINK_PROBLEMS.get(trouble.code);
      if (problem === undefined) {
        this.#state.value = { kind: "checking", trouble };
        await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
      } else {
        this.#deps.client.use(undefined);
        this.#state.value = { kind: "link", problem };
      }
    }
  }

  createPasskey(name: string): Promise<void> {
    return this.#step("passkey", async () => {
      this.#name = name.trim();
      const { options } = await this.#deps.client.call("setupOptions", { body: { name: this.#name } });
      const made = await createPasskey(options);
      const recorded = await this.#deps.client.call("setupPasskey", { body: { response: made.response } });
      if (!sameCredential(made.credential, recorded)) throw new TroubleError(OTHER_CREDENTIAL);
      this.#credential = made.credential;
      this.#show("sign-in", {});
    });
  }

  signIn(): Promise<void> {
    return this.#step("sign-in", async () => {
      const { root, opening } = this.#root();
      const workspace = digestOf("root", root);
      const now = this.#deps.clock.now();
      const fresh = await freshSession({
        workspace,
        nonce: randomNonce(),
        trustHead: { n: 0, hash: workspace, revoked: NO_REVOCATIONS },
        iat: now,
        exp: now + ADMIN_SESSION_SECONDS,
      });
      const signer = this.#require(this.#signer);
      const setupSignature = await signer.sign("root", root);
      const allow = [this.#require(this.#credential).credentialId];
      const certificate = await touch({ kind: "session", body: fresh.bytes, allow });
      const signed = { root: toBase64url(root), setupSignature, session: certificate };
      const me = await this.#deps.client.call("setupRoot", { body: { signed, name: opening } });
      if (me.workspace !== workspace) throw new TroubleError(OTHER_CREDENTIAL);
      this.#signer = undefined;
      this.#session = await keepSession(this.#deps, fresh, { me, certificate });
      const isElsewhere = await this.#deps.memory.found(workspace);
      await this.#deps.trust.refresh();
      // The machine of an edge elsewhere has no agent to admit.
      if (isElsewhere) return this.#finish(undefined);
      this.#show("admit", {});
      await this.#waitForHost();
    });
  }

  admit(): Promise<void> {
    return this.#step("admit", async () => {
      const shown = this.#require(this.#shown);
      const now = await this.#look(shown.body.host);
      if (now?.ok === true) await this.#present(now.applicant, true);
      const body = requireShown(now, shown.join);
      await this.#statements.state({ kind: "host.admit", body });
      await this.#finish(body.host);
    });
  }

  async skipAdmission(): Promise<void> {
    await this.#finish(undefined);
  }

  async #finish(hostId: string | undefined): Promise<void> {
    await this.#deps.onSignedIn(this.#require(this.#session));
    this.#state.value = hostId === undefined ? { kind: "done" } : { kind: "done", hostId };
  }

  #root(): {
    readonly root: Uint8Array<ArrayBuffer>;
    readonly opening: { readonly salt: string; readonly value: string };
  } {
    const edge = this.#require(this.#edge);
    const opening = { salt: randomNonce(), value: this.#name };
    const root: Root = {
      v: 1,
      setupKey: this.#require(this.#signer).publicKey,
      person: { id: randomPersonId(), name: commit({ field: "name", ...opening }) },
      credentials: [this.#require(this.#credential)],
      origins: [{ origin: location.origin, rpId: location.hostname, class: "signer" }],
      roles: builtInRoles.map(({ labels: _none, ...role }) => ({
        ...role,
        permissions: [...role.permissions],
        hosts: [...role.hosts],
      })),
      dispatchKey: edge.dispatchKey,
      ledgerKey: edge.ledgerKey,
      policies: [],
      at: this.#deps.clock.now(),
    };
    return { root: rootCodec.encode(root), opening };
  }

  /** The agent of this machine joins once it has seen the root; usually a second or two later. */
  async #waitForHost(): Promise<void> {
    const expected = typeof this.#link === "string" ? undefined : this.#link.host;
    while (this.#state.value.kind === "step") {
      const reading = await this.#look(expected);
      if (reading?.ok === true) return this.#present(reading.applicant, false);
      if (reading !== undefined) this.#show("admit", { trouble: reading.trouble });
      await new Promise((resolve) => setTimeout(resolve, HOST_POLL_MS));
    }
  }

  /** What that host signed when it joined; without an id, the first that waits, or why none of them can be shown. */
  async #look(host: string | undefined): Promise<JoinReading | undefined> {
    const { hosts } = await this.#deps.client.call("hosts");
    const waiting = hosts.filter((row) => row.status === "quarantined" && (host ?? row.host) === row.host);
    const readings = await Promise.all(waiting.map((row) => readJoin(row, this.#workspace())));
    return readings.find(({ ok }) => ok) ?? readings[0];
  }

  async #present(applicant: Applicant, busy: boolean): Promise<void> {
    this.#shown = applicant;
    const { host, hostKey, label } = applicant.body;
    const { hostWords } = await words();
    const named = { hostKey, workspace: this.#workspace() };
    const matchesLink = typeof this.#link !== "string" && host === this.#link.host;
    this.#show("admit", { busy, host: { id: host, label, words: hostWords(named), matchesLink } });
  }

  #workspace(): string {
    return this.#require(this.#deps.trust.state.value).workspace;
  }

  async #step(step: "passkey" | "sign-in" | "admit", work: () => Promise<void>): Promise<void> {
    this.#show(step, { busy: true });
    try {
      await work();
    } catch (error) {
      this.#show(step, { trouble: troubleOf(error) });
    }
  }

  #show(
    step: "passkey" | "sign-in" | "admit",
    more: { readonly busy?: boolean; readonly trouble?: Trouble; readonly host?: PendingHost },
  ): void {
    const before = this.#state.value;
    const host = more.host ?? (before.kind === "step" ? before.host : undefined);
    this.#state.value = {
      kind: "step",
      step,
      busy: more.busy ?? false,
      linkEndsAt: this.#edge?.expires ?? 0,
      ...(more.trouble === undefined ? {} : { trouble: more.trouble }),
      ...(host === undefined ? {} : { host }),
    };
  }

  #require<T>(value: T | undefined): T {
    if (value === undefined) throw new TypeError("setup: a step was taken out of order");
    return value;
  }
}

const OTHER_CREDENTIAL = {
  code: "other_credential",
  what: "The control plane recorded something else than this browser made.",
  why: "It may be another version, or not yours.",
  next: "Stop it, look at the machine, and type clawhold up again for a new link.",
} as const;
