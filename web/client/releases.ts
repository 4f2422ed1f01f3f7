/**
 * The signed release beside this page's own files, and the word of a host that runs it. In the signer those files are the
 * person's own copy. A page of the edge could offer any signed release that is newer: every host holds it against its own pin.
 */
import { signal } from "@preact/signals";
import { MalformedError } from "../../protocol/canonical.ts";
import { RELEASE_PAGE_FILES, releaseKeyCodec, verifyRelease } from "../../protocol/release.ts";
import type { Loadable, Result } from "../state/backend.ts";
import type { CanaryAnswer, KnownRelease, ReleaseDesk } from "../state/releases.ts";
import { askHostSigned, startAsking, type CommandDeps } from "./asking.ts";
import { resultOf, TroubleError, troubleOf } from "./trouble.ts";

/** Both files are a few hundred bytes. */
const MAX_BYTES = 4_096;

export class Releases implements ReleaseDesk {
  readonly known = signal<Loadable<KnownRelease | undefined>>({ state: "loading" });
  readonly #deps: CommandDeps;
  #hasLooked = false;

  constructor(deps: CommandDeps) {
    this.#deps = deps;
  }

  look(): void {
    if (this.#hasLooked) return;
    this.#hasLooked = true;
    void this.#look();
  }

  async #look(): Promise<void> {
    try {
      this.known.value = { state: "ready", value: await knownRelease() };
    } catch (error) {
      this.#hasLooked = false;
      this.known.value = { state: "failed", trouble: troubleOf(error) };
    }
  }

  askCanary(hostId: string): Promise<Result<CanaryAnswer>> {
    return resultOf(async () => {
      const asking = await startAsking(this.#deps);
      const { answer, signed } = await askHostSigned(asking, { operation: "agent.update-rest@1", hostId });
      const { now, facts } = answer.prepared;
      return {
        version: facts.agent?.version,
        since: facts.agent?.since,
        now,
        proof: { canary: signed.body, canarySignature: signed.signature },
      };
    });
  }
}

/** @throws {TroubleError} for a release that the key beside it did not sign */
async function knownRelease(): Promise<KnownRelease | undefined> {
  const [file, keyFile] = await Promise.all([ownFile(RELEASE_PAGE_FILES.release), ownFile(RELEASE_PAGE_FILES.key)]);
  if (file === undefined || keyFile === undefined) return undefined;
  try {
    const { publicKey: key } = releaseKeyCodec.decode(keyFile);
    const release = await verifyRelease(file, key);
    if (release !== undefined) return { version: release.version, sha256: release.sha256, key };
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
  throw new TroubleError(NOT_SIGNED);
}

async function ownFile(name: string): Promise<Uint8Array | undefined> {
  const answer = await fetch(`/${name}`, { cache: "no-store", redirect: "error" });
  if (answer.status === 404) return undefined;
  const bytes = new Uint8Array(await answer.arrayBuffer());
  if (!answer.ok || bytes.length > MAX_BYTES) throw new TroubleError(NOT_SIGNED);
  // As every build leaves it until somebody signs.
  return bytes.length === 0 ? undefined : bytes;
}

const NOT_SIGNED = {
  code: "release_signature",
  what: "The release beside this page is not signed by the key beside it, so it is not offered.",
  next: "Sign it again: node agent/release-sign.mjs --key, with the key of your hosts.",
} as const;
