/**
 * The pairs of key and client certificate that this host may dial with: the one in use, and while it changes over the
 * newest. Whatever is lost on the way (a crash, an answer, a disk), one of the two still opens a tunnel: the newer one is
 * on disk before it is dialled, and the older one goes only when the edge has welcomed the newer.
 */
import { X509Certificate } from "node:crypto";
import type { CertificateTerm } from "../../../protocol/renewal.ts";
import { systemCode } from "../../shared/edge-error.ts";
import { HostError } from "../host-error.ts";
import type { HostLog } from "../log.ts";
import type { HostState, TlsFile } from "../state.ts";
import { hexFingerprint } from "./edge-authority.ts";

/** A pair, and what its certificate says of itself. */
export interface TlsPair extends CertificateTerm {
  readonly tls: TlsFile;
  /** SHA-256 of the certificate, lower-case hex. */
  readonly fingerprint: string;
}

/** What the link needs: a pair to dial with, and somebody to tell what became of it. */
export interface Dialling {
  next(): TlsPair;
  /** The edge has proven itself on a tunnel with this pair. */
  welcomed(pair: TlsPair): void;
  /** It did not come so far. `isRefused`: the edge answered, and took this certificate for no good. */
  failed(pair: TlsPair, isRefused: boolean): void;
}

/** Refusals of a new certificate before it is dropped: an edge may need a while to know what was issued for it. */
const MAX_REFUSALS = 3;

type TlsState = Pick<HostState, "tls" | "saveTls" | "nextTls" | "saveNextTls">;

export class TlsPairs implements Dialling {
  readonly #state: TlsState;
  readonly #log: HostLog;
  #current: TlsPair;
  #candidate: TlsPair | undefined;
  /** Which of the two is dialled next. */
  #isCandidatesTurn = true;
  #refusals = 0;
  /** The pair in use is on disk beside the one before it: a full disk keeps it there, and a start finds it. */
  #isSettled = true;

  /** @throws {HostError} for a host that has not joined, or whose files are damaged */
  constructor(state: TlsState, log: HostLog) {
    const tls = state.tls();
    if (tls === undefined) throw new HostError("not_joined", "This host has not joined a workspace yet: clawhold join");
    this.#state = state;
    this.#log = log;
    this.#current = pairOf(tls);
    const next = state.nextTls();
    // The last step of an earlier change was cut short.
    if (next?.certificate === tls.certificate) this.#forget();
    else if (next !== undefined) this.#candidate = pairOf(next);
  }

  /** The pair of the newest tunnel that was welcomed; before the first one, the pair that was in use last. */
  get inUse(): TlsPair {
    return this.#current;
  }

  /** A newer pair is there that was not welcomed yet. */
  get hasNewer(): boolean {
    return this.#candidate !== undefined;
  }

  next(): TlsPair {
    return this.#candidate !== undefined && this.#isCandidatesTurn ? this.#candidate : this.#current;
  }

  /** Writes a new pair down; from here on it is dialled with. What could not be written is not kept. @throws on a full disk */
  keep({ key, certificate }: Pick<TlsFile, "key" | "certificate">): void {
    if (!this.#isSettled) this.#settle(); // else the only good pair would be overwritten
    const { edgeCa } = this.#current.tls;
    const tls: TlsFile = { v: 1, key, certificate, ...(edgeCa === undefined ? {} : { edgeCa }) };
    const candidate = pairOf(tls);
    this.#state.saveNextTls(tls);
    this.#candidate = candidate;
    this.#isCandidatesTurn = true;
    this.#refusals = 0;
  }

  /** True when there is a newer pair that was not welcomed yet; it is dialled with next. */
  retry(): boolean {
    this.#isCandidatesTurn = true;
    return this.#candidate !== undefined;
  }

  welcomed(pair: TlsPair): void {
    if (pair === this.#candidate) {
      this.#current = pair;
      this.#candidate = undefined;
      this.#isSettled = false;
      this.#log({ event: "certificate_renewed", certificate: pair.fingerprint });
    } else if (this.#refusals >= MAX_REFUSALS) {
      this.#log({ event: "certificate_dropped", certificate: this.#candidate?.fingerprint ?? "" });
      this.#candidate = undefined;
      this.#refusals = 0;
      this.#attempt(() => this.#forget());
    }
    if (!this.#isSettled) this.#attempt(() => this.#settle());
  }

  failed(pair: TlsPair, isRefused: boolean): void {
    if (pair === this.#candidate && isRefused) this.#refusals += 1;
    this.#isCandidatesTurn = pair !== this.#candidate;
  }

  /** First the file that a start reads, then the other: a crash between the two leaves the same pair twice. */
  #settle(): void {
    this.#state.saveTls(this.#current.tls);
    this.#forget();
    this.#isSettled = true;
  }

  #forget(): void {
    this.#state.saveNextTls(undefined);
  }

  /** A full disk must not stop an agent that has a tunnel; a start finds both files and tries both pairs. */
  #attempt(write: () => void): void {
    try {
      write();
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
      this.#log({ event: "certificate_not_written" });
    }
  }
}

function pairOf(tls: TlsFile): TlsPair {
  const certificate = new X509Certificate(tls.certificate);
  return {
    tls,
    fingerprint: hexFingerprint(certificate),
    from: secondsOf(certificate.validFromDate),
    until: secondsOf(certificate.validToDate),
  };
}

function secondsOf(date: Date): number {
  return Math.floor(date.getTime() / 1_000);
}
