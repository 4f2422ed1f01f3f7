/** What the warden's parts share: its identity, its durable stores and the few things handed in from outside. */
import type { GatewayReadings } from "../gateway/control-interface.ts";
import type { HostLog } from "../log.ts";
import type { ChallengeTable } from "./challenges.ts";
import type { HostClock } from "./clock.ts";
import type { DenyList } from "./deny-list.ts";
import type { ExecutorDeps } from "./executor.ts";
import type { Journal } from "./journal.ts";
import type { HostKeys } from "./keys.ts";
import type { CertificateKeeper } from "./renewal.ts";
import type { SessionEnds } from "./session-ends.ts";
import type { TrustStore } from "./trust-store.ts";
import type { WitnessFile } from "../witness/witness-file.ts";

export interface WardenContext extends ExecutorDeps {
  readonly workspace: string;
  readonly keys: HostKeys;
  readonly trust: TrustStore;
  readonly journal: Journal;
  readonly challenges: ChallengeTable;
  readonly sessionEnds: SessionEnds;
  readonly witnessFile: WitnessFile;
  readonly denyList: DenyList;
  /** Undefined on a host without a gateway. */
  readonly readings: GatewayReadings | undefined;
  readonly clock: HostClock;
  /** base64url of 32 fresh random bytes. */
  readonly nonce: () => string;
  /** Names this process; challenges of another boot are dead. */
  readonly hostBoot: string;
  /** The link's client certificates: which is in use, and the way to the next. */
  readonly certificates: CertificateKeeper;
  /** The gateway's latest count of running sessions, for the person who reads the dialog. */
  readonly activeSessions: () => Promise<number | undefined>;
  readonly wait: (milliseconds: number) => Promise<void>;
  readonly log: HostLog;
}
