/**
 * The invited person's side: a link, a name, a passkey, six words. The workspace comes from the link, not from the
 * edge, and the words from the passkey that this browser made, not from what the edge recorded.
 * May not: send the token anywhere but in a body, or leave it in the address bar.
 */
import { signal, type ReadonlySignal } from "@preact/signals";
import type { Enrolment as Enrolled } from "../../protocol/contracts/invitations.ts";
import { commit } from "../../protocol/ledger.ts";
import { digestOf } from "../../protocol/signing.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import type { Trouble } from "../state/backend.ts";
import type { EnrolmentFlow, EnrolmentState, InvitationProblem } from "../state/invitations.ts";
import type { Answer } from "./http.ts";
import type { InvitationLink } from "./invitation-link.ts";
import { createPasskey, sameCredential } from "./passkey.ts";
import { randomNonce } from "./random.ts";
import type { SessionDeps } from "./session.ts";
import { TroubleError, troubleOf } from "./trouble.ts";
import { words } from "./words.ts";

const POLL_MS = 3_000;

/** The edge's codes that say something about the link itself. */
const PROBLEMS: ReadonlyMap<string, InvitationProblem> = new Map([
  ["invitation_wrong", "wrong"],
  ["invitation_expired", "expired"],
  ["invitation_withdrawn", "withdrawn"],
  ["invitation_used", "used"],
]);

export class Enrolment implements EnrolmentFlow {
  readonly #deps: SessionDeps;
  readonly #link: InvitationLink | InvitationProblem;
  readonly #onFinished: () => void;
  readonly #state = signal<EnrolmentState>({ kind: "checking" });
  #expires = 0;

  constructor(deps: SessionDeps, link: InvitationLink | InvitationProblem, onFinished: () => void) {
    this.#deps = deps;
    this.#link = link;
    this.#onFinished = onFinished;
  }

  get state(): ReadonlySignal<EnrolmentState> {
    return this.#state;
  }

  async start(): Promise<void> {
    if (typeof this.#link === "string") {
      this.#state.value = { kind: "link", problem: this.#link };
      return;
    }
    const pinned = await this.#deps.vault.get("workspace");
    if (pinned !== undefined && pinned !== this.#link.workspace) {
      this.#state.value = { kind: "link", problem: "other" };
      return;
    }
    while (this.#state.value.kind === "checking") {
      await this.#ask(this.#link);
      if (this.#state.value.kind === "checking") await sleep();
    }
    await this.#follow(this.#link);
  }

  async enrol(name: string): Promise<void> {
    const link = this.#link;
    if (typeof link === "string" || this.#state.value.kind !== "name") return;
    this.#showName({ busy: true });
    try {
      await this.#enrol(link, name.trim());
    } catch (error) {
      this.#fail(troubleOf(error));
    }
  }

  finish(): void {
    this.#onFinished();
  }

  async #enrol(link: InvitationLink, name: string): Promise<void> {
    const { client, vault } = this.#deps;
    const { token, workspace } = link;
    const { options } = await client.call("invitationOptions", { body: { token, name } });
    const made = await createPasskey(options);
    const opening = { salt: randomNonce(), value: name };
    // Before the answer can be lost: a reload must show the words of the passkey that was made, not of another one.
    await vault.set("enrolment", { invitation: nameOf(link), credential: made.credential, name: opening });
    const recorded = await client.call("invitationPasskey", {
      body: { token, response: made.response, name: opening },
    });
    if (!sameEnrolment(recorded, { credential: made.credential, name: opening })) throw new TroubleError(OTHER_PASSKEY);
    await vault.set("workspace", workspace);
    await this.#showWords(link, { credential: made.credential, name: opening });
    await this.#follow(link);
  }

  async #ask(link: InvitationLink): Promise<void> {
    try {
      await this.#read(link, await this.#deps.client.call("invitationState", { body: { token: link.token } }));
    } catch (error) {
      const trouble = troubleOf(error);
      const problem = PROBLEMS.get(trouble.code);
      // Asked again by itself: it goes on as soon as the address is added.
      const shown = trouble.code === "origin" ? unlistedAddress() : trouble;
      this.#state.value = problem === undefined ? { kind: "checking", trouble: shown } : { kind: "link", problem };
    }
  }

  async #read(link: InvitationLink, answer: Answer<"invitationState">): Promise<void> {
    this.#deps.clock.set(answer.now);
    this.#expires = answer.expires;
    if (answer.workspace !== link.workspace) {
      this.#state.value = { kind: "link", problem: "wrong" };
      return;
    }
    const kept = await this.#deps.vault.get("enrolment");
    const mine = kept?.invitation === nameOf(link) ? kept : undefined;
    if (answer.enrolment === undefined) return this.#showName({ busy: false });
    // Somebody enrolled with this link. If it was not this browser, it was perhaps not this person.
    if (mine === undefined || !sameEnrolment(answer.enrolment, mine)) {
      this.#state.value = { kind: "link", problem: "used" };
      return;
    }
    if (answer.added) this.#state.value = { kind: "added" };
    else await this.#showWords(link, mine);
  }

  /** Until the administrator has added this passkey, or the link is over. */
  async #follow(link: InvitationLink): Promise<void> {
    while (this.#state.value.kind === "words") {
      await sleep();
      try {
        const answer = await this.#deps.client.call("invitationState", { body: { token: link.token } });
        await this.#read(link, answer);
      } catch (error) {
        if (!(error instanceof TroubleError)) throw error;
        const problem = PROBLEMS.get(error.trouble.code); // anything else: asked again, the words stay
        if (problem !== undefined) this.#state.value = { kind: "link", problem };
      }
    }
  }

  #showName({ busy, trouble }: { readonly busy: boolean; readonly trouble?: Trouble }): void {
    const shown = { kind: "name", busy, expires: this.#expires } as const;
    this.#state.value = trouble === undefined ? shown : { ...shown, trouble };
  }

  async #showWords({ workspace }: InvitationLink, { credential, name }: Enrolled): Promise<void> {
    const { credentialId, publicKey } = credential;
    const { invitationWords } = await words();
    const invited = { credentialId, publicKey, name: commit({ field: "name", ...name }), workspace };
    this.#state.value = { kind: "words", words: invitationWords(invited), expires: this.#expires };
  }

  #fail(trouble: Trouble): void {
    const problem = PROBLEMS.get(trouble.code);
    if (problem === undefined) this.#showName({ busy: false, trouble });
    else this.#state.value = { kind: "link", problem };
  }
}

/** Tells invitations apart without keeping the token. */
function nameOf({ token, workspace }: InvitationLink): string {
  return digestOf("commitment", encodeCanonical({ token, workspace }));
}

function sameEnrolment(a: Enrolled, b: Enrolled): boolean {
  return sameCredential(a.credential, b.credential) && a.name.salt === b.name.salt && a.name.value === b.name.value;
}

function sleep(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

/** A newcomer cannot add the address; whoever invited them can. */
function unlistedAddress(): Trouble {
  return {
    code: "origin_unlisted",
    what: "This address is not one that the workspace lists.",
    why: `A passkey made at ${location.origin} would count nowhere.`,
    next: "Ask the person who invited you to add it on the page Addresses, and leave this page open.",
  };
}

const OTHER_PASSKEY = {
  code: "other_credential",
  what: "The control plane recorded something else than this browser made.",
  why: "It may be another version, or somebody put another passkey in its place.",
  next: "Tell the person who invited you not to add you, and ask for a new invitation.",
} as const;
