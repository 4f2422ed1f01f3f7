/**
 * The first workspace of an edge: a setup key whose seed exists only in this process and in the link it prints, and the
 * root that this key signed. The workspace id that comes out is the pin of this machine's agent; it never comes from the
 * edge's word.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { toBase64url } from "../../../protocol/bytes.ts";
import { SETUP_SECONDS } from "../../../protocol/limits.ts";
import { applyRoot } from "../../../protocol/trust/apply.ts";
import type { SignedRoot } from "../../../protocol/trust/statements.ts";
import { HostError } from "../../host/host-error.ts";
import type { HostState } from "../../host/state.ts";
import { signerOf } from "../../shared/signer.ts";
import { CliError, EXIT } from "../io.ts";
import type { EdgeAdmin } from "./edge-admin.ts";

export interface SetupLink {
  /** Holds the seed: for the terminal only, never for a log. */
  readonly url: string;
  /** Seconds since 1970. */
  readonly expires: number;
}

export interface SetupDeps {
  readonly admin: EdgeAdmin;
  readonly state: HostState;
  /** The dashboard on the signer origin. */
  readonly origin: string;
  /** Id of this machine's host: the page admits the host of that key and no other. */
  readonly host: string;
  /** Seconds since 1970. */
  readonly now: () => number;
  /** Absent: links are made only when somebody asks for one (`clawhold up link`), because what is said here is kept in a log. */
  readonly onLink?: ((link: SetupLink, isFirst: boolean) => void) | undefined;
  readonly isStopped: () => boolean;
}

const SEED_BYTES = 32;
const POLL_MILLISECONDS = 1_000;

/** Throws `HostError`: before a passkey is made for a workspace that this machine's agent would then not join. */
export function openSetup(deps: SetupDeps): Setup {
  if (deps.state.host() === undefined) return new Setup(deps);
  throw new HostError(
    "joined_elsewhere",
    `This edge has no workspace yet, but the agent here (state in ${deps.state.path}) belongs to one. If another machine runs its edge, start the agent with clawhold host run. If the database was lost, restore the backup, or start afresh with another --data.`,
  );
}

export class Setup {
  readonly #deps: SetupDeps;
  #expires = 0;

  constructor(deps: SetupDeps) {
    this.#deps = deps;
  }

  /** The workspace id, once somebody used a link; undefined when stopped before. */
  async awaitRoot(): Promise<string | undefined> {
    const { admin, state, now, onLink, isStopped } = this.#deps;
    let isFirst = true;
    while (!isStopped()) {
      const root = await admin.root();
      if (root !== undefined) return pinOf(root, state);
      if (onLink !== undefined && now() >= this.#expires) {
        onLink(await this.makeLink(), isFirst);
        isFirst = false;
      }
      await wait(POLL_MILLISECONDS);
    }
    return undefined;
  }

  /** Ends the link before it. */
  async makeLink(): Promise<SetupLink> {
    const { admin, state, origin, host, now } = this.#deps;
    const seed = randomBytes(SEED_BYTES);
    const { publicKey } = signerOf(seed);
    const expires = now() + SETUP_SECONDS;
    // Kept before it is offered: a root signed by it must be recognised after a crash. The link before this one may be in use
    // at this very moment; all earlier ones have ended, and whoever found one must not get a root past this machine with it.
    state.saveSetupKeys([...state.setupKeys().slice(-1), publicKey]);
    await admin.offerSetup(publicKey, expires);
    this.#expires = expires;
    return { url: `${origin}/setup#seed=${toBase64url(seed)}&host=${host}`, expires };
  }
}

/** The id of a workspace whose root one of this machine's own setup keys signed. */
export async function pinOf(root: SignedRoot, state: HostState): Promise<string> {
  for (const setupKey of state.setupKeys()) {
    const result = await applyRoot(root, { setupKey });
    if (result.ok) return result.state.workspace;
  }
  throw new CliError(
    "root_foreign",
    "The edge's workspace was not made with a setup link of this machine, so this machine's agent does not join it by itself. If you know the workspace, join with a join file: clawhold join. Otherwise start afresh with another --data.",
    EXIT.refused,
  );
}
