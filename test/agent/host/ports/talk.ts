/** A warden behind its socket and a link before it, in this process: the real ends of the socket, the warden of the tests. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LinkPort } from "../../../../agent/host/ports/link-port.ts";
import type { Standing } from "../../../../agent/host/ports/link-messages.ts";
import { RemoteKeeper, WardenPort } from "../../../../agent/host/ports/warden-port.ts";
import type { CertificateKeeper } from "../../../../agent/host/warden/renewal.ts";
import type { LeftTunnel } from "../../../../agent/host/warden/warden.ts";
import { NEVER_DUE, Rig, type RigOptions } from "../warden/rig.ts";

export interface TalkOptions extends RigOptions {
  /** The link's own. */
  readonly pairs?: CertificateKeeper;
}

export class Talk {
  rig: Rig;
  keeper = new RemoteKeeper(() => new Promise(() => undefined));
  readonly link: LinkPort;
  readonly standings: Standing[] = [];
  readonly refused: string[] = [];
  readonly faults: unknown[] = [];
  lost = 0;
  refusedReaders = 0;
  readonly path: string;
  readonly #directory: string;
  readonly #server: Server;
  #port: WardenPort | undefined;
  #left: LeftTunnel | undefined;
  /** Connections that nobody took: the warden is asleep, and the service manager would start it. */
  #waiting: Socket[] = [];
  /** Called at the first word to a warden that sleeps. */
  onWake: () => Promise<void> = () => Promise.resolve();

  private constructor(rig: Rig, directory: string, pairs: CertificateKeeper) {
    this.rig = rig;
    this.#directory = directory;
    this.path = join(directory, "warden.sock");
    this.#server = createServer((socket) => {
      if (this.#port !== undefined) return this.#port.accept(socket);
      this.#waiting.push(socket);
      if (this.#waiting.length === 1) void this.onWake();
    });
    this.link = new LinkPort({
      path: this.path,
      keeper: pairs,
      hasNewer: () => false,
      isReaderRefused: () => false,
      onStanding: (standing) => this.standings.push(standing),
      onLost: () => {
        this.lost += 1;
      },
      elapsed: () => performance.now(),
      wait: () => new Promise((resolve) => setImmediate(resolve)),
      log: () => undefined,
      onFault: (error) => this.faults.push(error),
    });
  }

  static async open(options: TalkOptions = {}): Promise<Talk> {
    const directory = mkdtempSync(join(tmpdir(), "clawhold-talk-"));
    let keeper: RemoteKeeper | undefined;
    const certificates: CertificateKeeper = {
      inUse: () => (keeper ?? NEVER_DUE).inUse(),
      makeRequest: (host) => (keeper ?? NEVER_DUE).makeRequest(host),
      keep: (pair) => (keeper ?? NEVER_DUE).keep(pair),
      retry: () => (keeper ?? NEVER_DUE).retry(),
    };
    let tell = (): void => undefined;
    const rig = await Rig.open({ certificates, onTrust: () => tell(), ...options });
    const talk = new Talk(rig, directory, options.pairs ?? NEVER_DUE);
    tell = () => talk.#port?.tell();
    keeper = talk.keeper;
    await new Promise<void>((resolve) => talk.#server.listen(talk.path, resolve));
    talk.serve();
    return talk;
  }

  /** The warden takes the connections that wait and those that come. */
  serve(left?: LeftTunnel): void {
    this.#left = left;
    const { rig, keeper } = this;
    this.#port = new WardenPort({
      warden: rig.warden,
      keeper,
      takeLeft: () => {
        const taken = this.#left;
        this.#left = undefined;
        return taken;
      },
      standing: () => ({ admission: rig.warden.admission(), ...standingOf(rig) }),
      onReaderRefused: () => {
        this.refusedReaders += 1;
      },
      elapsed: () => performance.now(),
      log: (line) => this.refused.push(String(line["code"])),
      onFault: (error) => this.faults.push(error),
    });
    for (const socket of this.#waiting.splice(0)) this.#port.accept(socket);
  }

  /** The process ends because nothing is under way; what it leaves is for the next. */
  sleep(): LeftTunnel | undefined {
    const left = this.rig.warden.leave();
    this.#port?.sleep();
    this.#port = undefined;
    return left;
  }

  /** The process is killed. */
  crash(): void {
    this.#port?.end();
    this.#port = undefined;
  }

  async close(): Promise<void> {
    this.link.stop();
    this.#port?.end();
    for (const socket of this.#waiting) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await this.rig.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function standingOf({ warden }: Rig) {
  const { trustHead, certificateRefusal, ...standing } = warden.standing();
  return {
    ...standing,
    ...(trustHead === undefined ? {} : { trustHead }),
    ...(certificateRefusal === undefined ? {} : { certificateRefusal }),
  };
}
