/** Composes what is behind the pages. The only place that knows every part of the client. */
import { computed, signal } from "@preact/signals";
import { rolesOf } from "../../protocol/trust/state.ts";
import type { Backend, OriginClass, Person, Phase, Reach, Result, TouchStep } from "../state/backend.ts";
import { Activity } from "./activity.ts";
import { EdgeClock } from "./clock.ts";
import { prepareCommand } from "./commands.ts";
import { Hosts } from "./hosts.ts";
import { EdgeClient } from "./http.ts";
import { Passkeys } from "./passkeys.ts";
import { endSession, resumeSession, signIn, type SessionDeps } from "./session.ts";
import { Setup, takeLink } from "./setup.ts";
import { CANCELLED, resultOf, TroubleError, troubleOf } from "./trouble.ts";
import { TrustKeeper } from "./trust.ts";
import { Vault, type StoredSession } from "./vault.ts";

const RETRY_SECONDS = 3;
/** The signer's own name: a page of any other name may be served by the edge (DESIGN, "Names in the browser"). */
const SIGNER_HOSTNAME = "clawhold.localhost";

async function unsupportedReason(): Promise<"no-webauthn" | "insecure-address" | "no-ed25519" | undefined> {
  if (!globalThis.isSecureContext) return "insecure-address";
  if (typeof PublicKeyCredential === "undefined") return "no-webauthn";
  const made = await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]).catch(() => undefined);
  return made === undefined ? "no-ed25519" : undefined;
}

export async function createBackend(): Promise<Backend> {
  const phase = signal<Phase>({ kind: "starting" });
  const reach = signal<Reach>({ state: "ok" });
  const session = signal<StoredSession | undefined>(undefined);
  const clock = new EdgeClock();
  const vault = await Vault.open();
  const client = new EdgeClient({
    clock,
    onReach(ok) {
      const now = clock.now();
      if (ok) reach.value = { state: "ok" };
      else if (reach.value.state === "ok") reach.value = { state: "lost", sinceAt: now, retryAt: now + RETRY_SECONDS };
    },
    onUnauthorised: () => void leave("ended"),
  });
  const deps: SessionDeps = { client, vault, clock };
  const trust = new TrustKeeper(deps);
  const hosts = new Hosts({ ...deps, trust });
  const activity = new Activity({ ...deps, trust });
  const passkeys = new Passkeys({ ...deps, trust, session: () => session.value });

  async function enter(stored: StoredSession): Promise<void> {
    session.value = stored;
    await trust.refresh();
    phase.value = { kind: "signed-in" };
  }

  async function leave(why: "asked" | "idle" | "ended"): Promise<void> {
    if (session.value === undefined) return;
    session.value = undefined;
    await endSession(deps);
    for (const part of [trust, hosts, activity]) part.forget();
    phase.value = { kind: "signed-out", why };
  }

  const setup = new Setup(
    { ...deps, trust, onSignedIn: enter },
    location.pathname === "/setup" ? takeLink() : "absent",
  );

  async function start(): Promise<void> {
    const reason = await unsupportedReason();
    if (reason !== undefined) {
      phase.value = { kind: "unsupported", reason };
      return;
    }
    if (location.pathname === "/setup") {
      phase.value = { kind: "setup" };
      await setup.start();
      return;
    }
    const stored = await resumeSession(deps);
    if (stored === undefined) {
      phase.value = { kind: "signed-out" };
      return;
    }
    try {
      clock.set((await client.call("me")).now);
      await enter(stored);
    } catch (error) {
      await endSession(deps);
      phase.value = { kind: "signed-out", ...(error instanceof TroubleError ? { why: "ended" as const } : {}) };
      if (!(error instanceof TroubleError)) throw error;
    }
  }

  const person = computed((): Person | undefined => {
    const state = trust.state.value;
    if (session.value === undefined || state === undefined) return undefined;
    const { person: id, expires } = session.value;
    const role = rolesOf(state, id)
      .map((held) => held.id)
      .join(", ");
    return { id, name: trust.nameOf(id) ?? id, role, sessionEndsAt: expires };
  });

  const originClass = (): OriginClass =>
    trust.state.value?.origins.find((listed) => listed.origin === location.origin)?.class ??
    (location.hostname === SIGNER_HOSTNAME ? "signer" : "daily");

  async function* admit(hostId: string): AsyncGenerator<TouchStep> {
    const row = hosts.row(hostId);
    const stored = session.value;
    if (row === undefined || stored === undefined) return;
    const { host, hostKey, cosignKey, label, colocated } = row;
    yield { kind: "touch", purpose: "approve" };
    try {
      await trust.approve("host.admit", { host, hostKey, cosignKey, label, colocated }, [stored.credentialId]);
      await hosts.load();
      yield { kind: "done" };
    } catch (error) {
      const trouble = troubleOf(error);
      yield trouble === CANCELLED ? { kind: "cancelled" } : { kind: "failed", trouble };
    }
  }

  void start();
  return {
    get origin() {
      return { class: originClass(), host: location.host, rpId: location.hostname };
    },
    addHostCommand: "clawhold join --file join.json",
    now: () => clock.now(),
    phase,
    reach,
    retryNow: () => void hosts.load(),
    setup,
    signIn: (): Promise<Result<undefined>> =>
      resultOf(async () => {
        await enter(await signIn(deps));
        return undefined;
      }),
    async signOut() {
      await client.call("signOut", { body: {} }).catch((error: unknown) => {
        if (!(error instanceof TroubleError)) throw error; // the session ends here either way
      });
      await leave("asked");
    },
    person,
    workspace: computed(() => trust.state.value?.workspace),
    fleet: hosts.fleet,
    watchFleet: () => hosts.watchFleet(),
    host: (id) => hosts.host(id),
    watchHost: (id) => hosts.watchHost(id),
    admit,
    prepare: (operation, hostId) => {
      const commandDeps = { client, trust, hosts, session: () => session.value };
      return resultOf(() => prepareCommand(commandDeps, operation, hostId));
    },
    activity,
    passkeys: passkeys.list,
    addPasskey: () => passkeys.add(),
  };
}
