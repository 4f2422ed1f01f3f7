/**
 * Which boot of the gateway answered when, seen by a device of the test's own on a connection of its own: what the
 * product says about restarts is compared with this and never used for it.
 */
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { DemoGateway } from "../../../agent/host/demo/demo.ts";
import { gatewayControl } from "../../../agent/host/gateway/control.ts";
import { openDevice } from "../../../agent/host/gateway/device.ts";
import { discoverGateway } from "../../../agent/host/gateway/discover.ts";
import { probeReadiness } from "../../../agent/host/gateway/probe.ts";

/** A boot takes five seconds to come up, so none can come and go between two looks. */
const LOOK_MILLISECONDS = 250;
/** A restart that was asked for closes the gateway's sockets within two seconds. */
const QUIET_MILLISECONDS = 4_000;
/** Two looks and their handshakes. */
const BLUR_MILLISECONDS = 1_000;

export interface SeenBoot {
  readonly boot: string;
  /** Wall clock, milliseconds: the first and the newest look that found it. */
  readonly from: number;
  readonly to: number;
}

export class BootWatch {
  readonly #look: () => Promise<string | undefined>;
  readonly #port: number;
  readonly #seen: SeenBoot[] = [];
  #isStopped = false;
  #running: Promise<void> = Promise.resolve();
  /** Since when the gateway has answered with one boot without a gap; undefined while it is down. */
  #steadySince: number | undefined;

  private constructor(port: number, look: () => Promise<string | undefined>) {
    this.#port = port;
    this.#look = look;
  }

  static async start(demo: DemoGateway, directory: string): Promise<BootWatch> {
    const control = gatewayControl({
      target: () =>
        discoverGateway({
          explicitUrl: demo.url,
          tokenFile: demo.tokenFile,
          environment: {},
          homeDirectory: directory,
        }),
      store: await openDevice(path.join(directory, "watch"), "reader"),
      agentVersion: "0.1.0",
      log: () => undefined,
      elapsed: () => performance.now(),
      now: () => Date.now(),
      directory: path.join(directory, "kept"),
    });
    const watch = new BootWatch(Number(new URL(demo.url).port), () => control.bootId());
    watch.#running = watch.#run();
    return watch;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const asked = Date.now();
      const boot = await this.#look();
      this.#note(boot, asked);
      await wait(LOOK_MILLISECONDS);
    }
  }

  #note(boot: string | undefined, asked: number): void {
    const last = this.#seen.at(-1);
    if (boot === undefined) this.#steadySince = undefined;
    else if (last?.boot === boot) {
      this.#seen[this.#seen.length - 1] = { ...last, to: Date.now() };
      this.#steadySince ??= asked;
    } else {
      this.#seen.push({ boot, from: asked, to: Date.now() });
      this.#steadySince = asked;
    }
  }

  /** Resolves with the boot that runs, once the gateway takes requests. */
  async ready(): Promise<string> {
    for (;;) {
      const boot = this.#seen.at(-1)?.boot;
      if (boot !== undefined && this.#steadySince !== undefined) {
        if ((await probeReadiness("127.0.0.1", this.#port)).ready) return boot;
      }
      await wait(LOOK_MILLISECONDS);
    }
  }

  /** Resolves at the first look that finds nobody there. */
  async away(): Promise<void> {
    while (this.#steadySince !== undefined) await wait(LOOK_MILLISECONDS / 10);
  }

  /** Resolves when a restart that somebody has asked for by now would have shown, and is over. */
  async settled(): Promise<string> {
    const from = Date.now();
    for (;;) {
      const boot = await this.ready();
      if (Date.now() - Math.max(from, this.#steadySince ?? Infinity) >= QUIET_MILLISECONDS) return boot;
      await wait(LOOK_MILLISECONDS);
    }
  }

  /** Boots seen so far; the newest last. A gateway never returns to an old one. */
  get seen(): readonly SeenBoot[] {
    return this.#seen;
  }

  /** Was this boot answering in this whole second, as far as looks with pauses can tell? */
  answered(boot: string, second: number): boolean {
    const from = second * 1_000 - BLUR_MILLISECONDS;
    const to = (second + 1) * 1_000 + BLUR_MILLISECONDS;
    return this.#seen.some((seen) => seen.boot === boot && seen.from <= to && seen.to >= from);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }
}
