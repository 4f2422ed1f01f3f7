/** One's own passkeys, from the verified trust log; and adding another, approved with one that counts already. */
import { computed, type ReadonlySignal } from "@preact/signals";
import type { Loadable, Passkey, TouchStep } from "../state/backend.ts";
import { createPasskey, sameCredential } from "./passkey.ts";
import type { SessionDeps } from "./session.ts";
import type { Statements } from "./statements.ts";
import { CANCELLED, TroubleError, troubleOf } from "./trouble.ts";
import type { TrustKeeper } from "./trust.ts";
import type { StoredSession } from "./vault.ts";

export interface PasskeysDeps extends SessionDeps {
  readonly trust: TrustKeeper;
  readonly statements: Statements;
  readonly session: () => StoredSession | undefined;
}

export class Passkeys {
  readonly #deps: PasskeysDeps;
  readonly list: ReadonlySignal<Loadable<readonly Passkey[]>>;

  constructor(deps: PasskeysDeps) {
    this.#deps = deps;
    this.list = computed(() => {
      const state = deps.trust.state.value;
      const session = deps.session();
      if (state === undefined || session === undefined) return { state: "loading" };
      const mine = [...state.credentials.values()].filter((credential) => credential.person === session.person);
      return { state: "ready", value: mine.map((credential) => this.#passkey(credential, session)) };
    });
  }

  #passkey(
    credential: { readonly credentialId: string; readonly rpId: string; readonly backupEligible: boolean },
    session: StoredSession,
  ): Passkey {
    const { trust } = this.#deps;
    const { credentialId, rpId } = credential;
    const added = trust.applied.find(
      ({ statement }) => statement.kind === "credential.add" && statement.body.credentialId === credentialId,
    );
    const origin = trust.state.value?.origins.find((listed) => listed.rpId === rpId);
    return {
      id: credentialId,
      rpId,
      originClass: origin?.class ?? "daily",
      addedAt: added?.statement.at ?? trust.rootAt,
      synced: credential.backupEligible,
      current: credentialId === session.credentialId,
    };
  }

  /** Two gestures: create the new one, approve it with an old one. */
  async *add(): AsyncGenerator<TouchStep> {
    const session = this.#deps.session();
    if (session === undefined) return;
    try {
      const { options } = await this.#deps.client.call("passkeyOptions", { body: {} });
      yield { kind: "touch", purpose: "create" };
      const made = await createPasskey(options);
      yield { kind: "sending" };
      const recorded = await this.#deps.client.call("passkey", { body: { response: made.response } });
      if (!sameCredential(made.credential, recorded)) throw new TroubleError(OTHER_CREDENTIAL);
      yield { kind: "touch", purpose: "approve" };
      await this.#deps.statements.state({
        kind: "credential.add",
        body: { person: session.person, ...made.credential },
      });
      yield { kind: "done" };
    } catch (error) {
      const trouble = troubleOf(error);
      yield trouble === CANCELLED ? { kind: "cancelled" } : { kind: "failed", trouble };
    }
  }
}

const OTHER_CREDENTIAL = {
  code: "other_credential",
  what: "The control plane recorded another passkey than this browser made, so it was not added.",
  next: "Remove the unused passkey from your device, then look at the machine that runs the control plane.",
} as const;
