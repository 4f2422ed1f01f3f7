/**
 * Who may read content now: what a touch allowed to one session, for at most fifteen minutes. In RAM alone, so that a
 * restart ends all of it. That session and role still stand is asked at every read, not here.
 */
import { MAX_GRANTS, MAX_GRANT_SECONDS } from "../../../protocol/limits.ts";
import type { ContentKind } from "../../../protocol/reads.ts";
import type { Digest } from "../../../protocol/signing.ts";
import type { HostClock } from "./clock.ts";

export interface GrantDraft {
  readonly session: Digest;
  readonly kinds: readonly ContentKind[];
  readonly seconds: number;
  /** One session of the gateway, by its tag: then its transcript and nothing else. */
  readonly only: string | undefined;
}

interface Grant extends GrantDraft {
  readonly monotonicUntil: number;
  readonly wallUntil: number;
}

export class ReadGrants {
  readonly #clock: HostClock;
  #grants: readonly Grant[] = [];

  constructor(clock: HostClock) {
    this.#clock = clock;
  }

  /** False when this host holds as many as it may. */
  grant(draft: GrantDraft): boolean {
    this.#expire();
    if (this.#grants.length >= MAX_GRANTS) return false;
    const milliseconds = Math.min(draft.seconds, MAX_GRANT_SECONDS) * 1_000;
    const monotonicUntil = this.#clock.monotonic() + milliseconds;
    this.#grants = [...this.#grants, { ...draft, monotonicUntil, wallUntil: this.#clock.wall() + milliseconds }];
    return true;
  }

  allows(session: Digest, kind: ContentKind, args: unknown): boolean {
    this.#expire();
    return this.#grants.some(
      (grant) =>
        grant.session === session &&
        grant.kinds.includes(kind) &&
        (grant.only === undefined || (kind === "transcripts" && grant.only === sessionIn(args))),
    );
  }

  get isEmpty(): boolean {
    this.#expire();
    return this.#grants.length === 0;
  }

  drop(session: Digest): void {
    this.#grants = this.#grants.filter((grant) => grant.session !== session);
  }

  /** By both clocks: one stands still while the machine sleeps, the other can be set back. */
  #expire(): void {
    const [monotonic, wall] = [this.#clock.monotonic(), this.#clock.wall()];
    this.#grants = this.#grants.filter((grant) => monotonic < grant.monotonicUntil && wall < grant.wallUntil);
  }
}

/** Which session a question is about; `verifyRead` has held the arguments against their schema. */
function sessionIn(args: unknown): unknown {
  return typeof args === "object" && args !== null && "session" in args ? args.session : undefined;
}
