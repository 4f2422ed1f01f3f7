/**
 * Invitations as an administrator sees them. What the edge says of an enrolment is shown only with the six words that
 * this browser computes from it: whoever put another passkey in its place has other words.
 */
import { signal, type ReadonlySignal, type Signal } from "@preact/signals";
import type { Enrolment, InvitationRow } from "../../protocol/contracts/invitations.ts";
import { commit } from "../../protocol/ledger.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { Loadable, Result } from "../state/backend.ts";
import type {
  InvitationDesk,
  InvitationLinks,
  InvitationView,
  InvitedPasskey,
  NewInvitation,
} from "../state/invitations.ts";
import { invitationLink } from "./invitation-link.ts";
import type { SessionDeps } from "./session.ts";
import { resultOf, troubleOf } from "./trouble.ts";
import type { TrustKeeper } from "./trust.ts";
import { words } from "./words.ts";

/** Where `clawhold ui` serves its page unless told otherwise. */
const SIGNER_PORT = "4470";
const SIGNER_ADDRESS = `http://clawhold.localhost:${SIGNER_PORT}`;
/** The near end of a tunnel to an edge that has no name of its own; not the port of the page itself. */
const TUNNEL_PORT = "4475";

export interface InvitationsDeps extends SessionDeps {
  readonly trust: TrustKeeper;
}

export class Invitations implements InvitationDesk {
  readonly #deps: InvitationsDeps;
  readonly #list: Signal<Loadable<readonly InvitationView[]>> = signal({ state: "loading" });
  /** Where this machine's signer forwards to; undefined where the edge runs beside this page's own server. */
  #forwardedTo: string | undefined;

  constructor(deps: InvitationsDeps) {
    this.#deps = deps;
  }

  get list(): ReadonlySignal<Loadable<readonly InvitationView[]>> {
    return this.#list;
  }

  forget(): void {
    this.#list.value = { state: "loading" };
  }

  async load(): Promise<void> {
    try {
      const state = await this.#deps.trust.refresh();
      const { invitations, now } = await this.#deps.client.call("invitations");
      this.#deps.clock.set(now);
      this.#list.value = {
        state: "ready",
        value: await Promise.all(invitations.map((row) => viewOf(state, row, now))),
      };
    } catch (error) {
      const trouble = troubleOf(error);
      if (this.#list.value.state !== "ready") this.#list.value = { state: "failed", trouble };
    }
  }

  links({ token }: NewInvitation): InvitationLinks {
    const state = this.#deps.trust.state.value;
    const workspace = state?.workspace ?? "";
    const originsOf = (kind: "signer" | "daily") =>
      (state?.origins ?? []).filter((listed) => listed.class === kind).map(({ origin }) => origin);
    const daily = originsOf("daily");
    const signers = originsOf("signer");
    // Only at an address of the list does their passkey count: one on the usual port, else on one that is listed.
    const signer = signers.includes(SIGNER_ADDRESS) ? SIGNER_ADDRESS : (signers[0] ?? SIGNER_ADDRESS);
    const { port } = new URL(signer);
    return {
      start: startOf({ edge: daily[0] ?? this.#forwardedTo, port, workspace }),
      signer: invitationLink(signer, { token, workspace }),
      daily: daily.map((origin) => ({ origin, link: invitationLink(origin, { token, workspace }) })),
    };
  }

  invite(label: string): Promise<Result<NewInvitation>> {
    return resultOf(async () => {
      this.#forwardedTo = (await this.#deps.memory.recall()).edge;
      const { invitation: id, token, expires } = await this.#deps.client.call("invite", { body: { label } });
      await this.load();
      return { id, token, expires };
    });
  }

  withdraw(id: string): Promise<Result<undefined>> {
    return resultOf(async () => {
      await this.#deps.client.call("uninvite", { body: { invitation: id } });
      await this.load();
      return undefined;
    });
  }
}

interface Start {
  readonly edge: string | undefined;
  readonly port: string;
  readonly workspace: string;
}

/** What the invited person types on their machine: the signer, and before it a tunnel where the edge has no name. */
function startOf({ edge, port, workspace }: Start): readonly string[] {
  const rest = `${port === SIGNER_PORT ? "" : ` --port ${port}`} --workspace=${workspace}`;
  if (edge?.startsWith("https:") === true) return [`clawhold ui --edge ${edge}${rest}`];
  // Forwarded over a tunnel of ours: where its far end is, this page cannot know.
  if (edge !== undefined) return [`clawhold ui --edge <address of the edge>${rest}`];
  return [
    `ssh -fN -L ${TUNNEL_PORT}:127.0.0.1:${location.port} <the machine of the edge>`,
    `clawhold ui --edge http://clawhold.localhost:${TUNNEL_PORT} --edge-name ${location.host}${rest}`,
  ];
}

async function viewOf(state: TrustState, row: InvitationRow, now: number): Promise<InvitationView> {
  const { invitation: id, label, madeBy, expires, enrolment } = row;
  const common = { id, label, madeBy, expires };
  if (enrolment === undefined) return { ...common, state: now > expires ? "over" : "waiting" };
  const enrolled = await invitedPasskey(state, enrolment);
  // Whether somebody was added is the log's word.
  if (state.chain.credentials.has(enrolment.credential.credentialId)) return { ...common, enrolled, state: "added" };
  return { ...common, enrolled, state: now > expires ? "over" : "enrolled" };
}

export async function invitedPasskey(
  { workspace, chain }: Pick<TrustState, "workspace" | "chain">,
  { credential, name }: Enrolment,
): Promise<InvitedPasskey> {
  const { invitationWords } = await words();
  const commitment = commit({ field: "name", ...name });
  const { credentialId, publicKey, rpId } = credential;
  return {
    credential,
    commitment,
    name: name.value,
    words: invitationWords({ credentialId, publicKey, name: commitment, workspace }),
    passkeyClass: chain.rpClasses.get(rpId) ?? "daily",
  };
}
