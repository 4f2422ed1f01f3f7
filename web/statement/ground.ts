/** What the words of a statement may lean on: the verified log, names that fit their commitments, and the clock. */
import type { CredentialBody } from "../../protocol/trust/statements.ts";
import { automationKeyWords, invitationWords } from "../../protocol/words.ts";
import type { Backend } from "../state/backend.ts";
import { hostLabelIn, nameIn, type TrustView } from "../state/people.ts";

export interface Ground {
  readonly view: TrustView;
  /** Who looks. */
  readonly me: string;
  readonly now: number;
  readonly nameOf: (person: string) => string;
  /** A name that somebody invited chose; undefined when nobody opened this commitment. */
  readonly nameOfCommitment: (commitment: string) => string | undefined;
  readonly labelOf: (host: string) => string;
}

export function groundOf(backend: Backend, view: TrustView): Ground {
  const invitations = backend.invitations.list.value;
  const invited = invitations.state === "ready" ? invitations.value.flatMap(({ enrolled }) => enrolled ?? []) : [];
  return {
    view,
    me: backend.person.value?.id ?? "",
    now: backend.now(),
    nameOf: (person) => nameIn(view, person),
    nameOfCommitment: (commitment) => invited.find((one) => one.commitment === commitment)?.name,
    labelOf: (host) => labelIn(view, host),
  };
}

/** A machine chooses its label when it joins, perhaps another's: then the id tells them apart. */
export function labelIn(view: Pick<TrustView, "state" | "applied">, host: string): string {
  const label = hostLabelIn(view, host);
  if (label === undefined) return host;
  const alike = [...view.state.hosts.values()].some((one) => one.label === label && one.host !== host);
  return alike ? `${label} (${host})` : label;
}

/** The six words that the invited person sees beside the same passkey and name. */
export function wordsOfNewcomer(
  { view }: Ground,
  { credentialId, publicKey }: CredentialBody,
  name: string,
): readonly string[] {
  return invitationWords({ credentialId, publicKey, name, workspace: view.state.workspace });
}

/** The six words that the machine printed beside the same key. */
export function wordsOfKey({ view }: Ground, { publicKey }: { readonly publicKey: string }): readonly string[] {
  return automationKeyWords({ publicKey, workspace: view.state.workspace });
}
