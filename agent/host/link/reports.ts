/**
 * When this host says its figures: as often as a person reads while somebody looks, and otherwise only when something
 * happened that a person would want to hear of, because each time wakes a sleeping object at the edge, which is paid for.
 */
import { TELEMETRY_SECONDS, UNWATCHED_TELEMETRY_SECONDS } from "../../../protocol/limits.ts";
import type { Telemetry } from "../../../protocol/telemetry.ts";

export interface ReportsDeps {
  readonly telemetry: () => Telemetry | undefined;
  /** False when there is no tunnel that takes it. */
  readonly send: (telemetry: Telemetry) => boolean;
  /** Monotonic, milliseconds. */
  readonly elapsed: () => number;
}

export class Reports {
  readonly #deps: ReportsDeps;
  #watchedUntil = -Infinity;
  #saidAt = -Infinity;
  #said = "";

  constructor(deps: ReportsDeps) {
    this.#deps = deps;
  }

  /** The figures may have changed. */
  changed(): void {
    const telemetry = this.#deps.telemetry();
    if (telemetry !== undefined && (this.#isWatched() || meaningOf(telemetry) !== this.#said)) this.#say(telemetry);
  }

  /** Call every `TELEMETRY_SECONDS`. */
  beat(): void {
    const waited = this.#deps.elapsed() - this.#saidAt;
    if (this.#isWatched() || waited >= UNWATCHED_TELEMETRY_SECONDS * 1_000) this.now();
    else this.changed(); // of a host without a gateway nobody tells us
  }

  /** Somebody looks, for so long. */
  watched(seconds: number): void {
    const wasWatched = this.#isWatched();
    this.#watchedUntil = this.#deps.elapsed() + seconds * 1_000;
    const isOld = this.#deps.elapsed() - this.#saidAt >= TELEMETRY_SECONDS * 1_000;
    if (!wasWatched || isOld) this.now();
  }

  /** A new tunnel: whoever held what was said before may not be there any more. */
  now(): void {
    const telemetry = this.#deps.telemetry();
    if (telemetry !== undefined) this.#say(telemetry);
  }

  #isWatched(): boolean {
    return this.#deps.elapsed() < this.#watchedUntil;
  }

  #say(telemetry: Telemetry): void {
    if (!this.#deps.send(telemetry)) return;
    this.#saidAt = this.#deps.elapsed();
    this.#said = meaningOf(telemetry);
  }
}

/** What does not move by itself: what the gateway is and how it stands, not how much of anything there is. */
function meaningOf({ gateway, devices, channels, questions, posture, host }: Telemetry): string {
  const { state, demo, version, bootId, listens, support, configuration } = gateway;
  const stands = [state, demo, version, bootId, listens, support, configuration];
  // Not when it was looked at: that moves each minute, and wakes nobody.
  const found = posture === undefined ? undefined : { ...posture, at: 0 };
  return JSON.stringify([...stands, devices, channels, questions, found, host.agentVersion, host.oneUser]);
}
