/** Invitations: the administrator's side, and the invited person's own page. */
import type { ReadonlySignal } from "@preact/signals";
import type { CredentialBody } from "../../protocol/trust/statements.ts";
import type { Loadable, OriginClass, Result, Trouble } from "./backend.ts";

export interface InvitedPasskey {
  readonly credential: CredentialBody;
  /** Commitment to the name: what the log will carry. */
  readonly commitment: string;
  /** What the person chose to be called; fits the commitment. */
  readonly name: string;
  /** Six words, computed in this browser. */
  readonly words: readonly string[];
  /** By the name it is bound to: a daily one was made on a page that an edge serves. */
  readonly passkeyClass: OriginClass;
}

export interface InvitationView {
  readonly id: string;
  /** What the administrator called the person. */
  readonly label: string;
  readonly madeBy: string;
  readonly expires: number;
  readonly state: "waiting" | "enrolled" | "added" | "over";
  readonly enrolled?: InvitedPasskey;
}

export interface NewInvitation {
  readonly id: string;
  readonly token: string;
  readonly expires: number;
}

export interface InvitationLinks {
  /** Lines to type on their own machine, before the link. */
  readonly start: readonly string[];
  /** For the dashboard of their own machine. */
  readonly signer: string;
  /** For pages that an edge serves, where the log lists any. */
  readonly daily: readonly { readonly origin: string; readonly link: string }[];
}

export interface InvitationDesk {
  readonly list: ReadonlySignal<Loadable<readonly InvitationView[]>>;
  load(): Promise<void>;
  /** Where the invited person may open it. */
  links(made: NewInvitation): InvitationLinks;
  invite(label: string): Promise<Result<NewInvitation>>;
  withdraw(id: string): Promise<Result<undefined>>;
}

// ---- the invited person's page ----

/** `absent`: no fragment. `other`: this browser is pinned to another workspace. */
export type InvitationProblem = "absent" | "damaged" | "wrong" | "expired" | "withdrawn" | "used" | "other";

export type EnrolmentState =
  | { readonly kind: "checking"; readonly trouble?: Trouble }
  | { readonly kind: "link"; readonly problem: InvitationProblem }
  | { readonly kind: "name"; readonly busy: boolean; readonly expires: number; readonly trouble?: Trouble }
  /** Enrolled here. The words come from the passkey that this browser made. */
  | { readonly kind: "words"; readonly words: readonly string[]; readonly expires: number }
  | { readonly kind: "added" };

export interface EnrolmentFlow {
  readonly state: ReadonlySignal<EnrolmentState>;
  /** Makes the passkey. Call from the click. */
  enrol(name: string): Promise<void>;
  /** Leaves the page for the sign-in. */
  finish(): void;
}
