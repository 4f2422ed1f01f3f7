/**
 * What this machine remembers of the workspace, asked of the program that serves this page and never of an edge: the pin,
 * and the newest trust head that any browser here has verified. While an edge shows less than that, or something else,
 * nothing may be approved.
 */
import { signal, type ReadonlySignal } from "@preact/signals";
import * as v from "valibot";
import type { TrustHead } from "../../protocol/fields.ts";
import {
  MEMORY_HEADER,
  MEMORY_PATH,
  signerMemorySchema,
  type Seen,
  type SignerMemory,
} from "../../protocol/signer-memory.ts";
import { NO_REVOCATIONS } from "../../protocol/trust/state.ts";
import type { Trouble } from "../state/backend.ts";
import { TroubleError, UNREACHABLE } from "./trouble.ts";

/** The signer's own name: a page of any other name may be served by the edge (DESIGN, "Names in the browser"). */
export const SIGNER_HOSTNAME = "clawhold.localhost";

/** Asks the page's own server; with `seen`, tells it. */
export type Ask = (seen?: Seen) => Promise<Response>;

/** A log that was verified from the pin on. */
export interface VerifiedPast {
  readonly workspace: string;
  readonly head: TrustHead;
  /** Its hash at an earlier place; undefined beyond its end. */
  hashAt(n: number): string | undefined;
}

export class MachineMemory {
  readonly #ask: Ask;
  readonly #trouble = signal<Trouble | undefined>(undefined);

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** Why nothing may be approved now; undefined while the edge's history is the one this machine knows. */
  get trouble(): ReadonlySignal<Trouble | undefined> {
    return this.#trouble;
  }

  /** Empty where the page's server remembers nothing (yet). @throws {TroubleError} */
  async recall(): Promise<SignerMemory> {
    const response = await this.#ask();
    if (response.status === 404) return {};
    return read(response);
  }

  /**
   * The workspace whose root this page has just made: what an edge elsewhere shows is held against it from now on. False
   * beside the edge, which pins by itself, or where somebody typed a pin: then it is not this page's to give.
   */
  async found(workspace: string): Promise<boolean> {
    const known = await this.recall();
    if (known.edge === undefined || known.workspace !== undefined) return false;
    await read(await this.#ask({ workspace, head: { n: 0, hash: workspace, revoked: NO_REVOCATIONS } }));
    return true;
  }

  /** Before a sign-in, when only the edge's own word is there: even that must not be older. @throws {TroubleError} */
  async judgeOffer(offer: { readonly workspace: string; readonly trustHead: TrustHead }): Promise<void> {
    const { workspace, head } = await this.recall();
    if (workspace !== undefined && workspace !== offer.workspace) throw new TroubleError(NOT_OUR_WORKSPACE);
    if (head === undefined) return;
    const { n, hash } = offer.trustHead;
    if (n < head.n) this.#refuse(OLDER);
    if (n === head.n && hash !== head.hash) this.#refuse(OTHER);
  }

  /** Holds a verified log against what is remembered, then has its head remembered. @throws {TroubleError} */
  async judge(past: VerifiedPast): Promise<void> {
    const { workspace, head } = await this.recall();
    if (workspace === undefined) return;
    if (workspace !== past.workspace) throw new TroubleError(NOT_OUR_WORKSPACE);
    this.#compare(past, head);
    if (head?.hash !== past.head.hash || head.revoked !== past.head.revoked) await this.#tell(past);
    this.#trouble.value = undefined;
  }

  /** @throws {TroubleError} while the edge shows another past. */
  requireUntroubled(): void {
    const trouble = this.#trouble.value;
    if (trouble !== undefined) throw new TroubleError(trouble);
  }

  #compare(past: VerifiedPast, head: TrustHead | undefined): void {
    if (head === undefined) return;
    if (past.head.n < head.n) this.#refuse(OLDER);
    if (past.hashAt(head.n) !== head.hash) this.#refuse(OTHER);
  }

  /** Another browser of this machine may have brought a newer head since we asked: then ours is held against that one. */
  async #tell(past: VerifiedPast): Promise<void> {
    const response = await this.#ask({ workspace: past.workspace, head: past.head });
    if (response.status !== 409) return void (await read(response));
    this.#compare(past, (await this.recall()).head);
    throw new TroubleError(FAULT); // it was refused for a reason that is not there any more
  }

  #refuse(trouble: Trouble): never {
    this.#trouble.value = trouble;
    throw new TroubleError(trouble);
  }
}

async function read(response: Response): Promise<SignerMemory> {
  const value: unknown = await response.json().catch(() => undefined); // not JSON: the schema refuses it
  const memory = v.safeParse(signerMemorySchema, value);
  if (!response.ok || !memory.success) throw new TroubleError(FAULT);
  return memory.output;
}

/** On a page of another name nobody is asked: the answer would be an edge's. */
export function askMachine(): Ask {
  return async (seen) => {
    if (location.hostname !== SIGNER_HOSTNAME) return Response.json({});
    const init: RequestInit =
      seen === undefined
        ? { headers: { [MEMORY_HEADER]: "1" } }
        : {
            method: "POST",
            headers: { [MEMORY_HEADER]: "1", "content-type": "application/json" },
            body: JSON.stringify(seen),
          };
    try {
      return await fetch(MEMORY_PATH, { credentials: "omit", cache: "no-store", redirect: "error", ...init });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // the network's own failure is one, and nothing else here
      throw new TroubleError(UNREACHABLE);
    }
  };
}

const NEXT =
  "Approve nothing. Compare the trust head with clawhold status on a host; this page refuses to approve while it lasts.";

const OLDER: Trouble = {
  code: "older_history",
  what: "This edge shows an older history than this machine has seen before.",
  why: "An old backup was restored there, or it hides who may do what now.",
  next: NEXT,
};
const OTHER: Trouble = {
  code: "other_history",
  what: "This edge shows another history than this machine has seen before.",
  why: "One of the two was kept from somebody.",
  next: NEXT,
};
const NOT_OUR_WORKSPACE: Trouble = {
  code: "other_workspace",
  what: "This edge shows another workspace than the one this machine was told to sign for.",
  why: "The address leads to another edge, the id was mistyped, or somebody answers in its place.",
  next: "Look at the address and the workspace in the terminal that this page's address came from.",
};
const FAULT: Trouble = {
  code: "memory_fault",
  what: "This machine could not read or keep what it remembers of the workspace, so nothing is approved.",
  next: "Look at the terminal that this page's address came from, then reload the page.",
};
