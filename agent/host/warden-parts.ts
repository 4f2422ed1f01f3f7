/**
 * The warden with its files, put together in one place for whoever runs it: in one process with the link, or in one of its
 * own. Holds no rule.
 */
import { HostError } from "./host-error.ts";
import type { HostLog } from "./log.ts";
import type { GatewayControl, GatewayReadings } from "./gateway/control-interface.ts";
import type { PostureControl } from "./posture/control-interface.ts";
import type { AgentUpdates } from "./update/control-interface.ts";
import type { HostFile, HostState } from "./state.ts";
import { ChallengeTable } from "./warden/challenges.ts";
import { wallSeconds, type HostClock } from "./warden/clock.ts";
import { openDenyList } from "./warden/deny-list.ts";
import { ReadGrants } from "./warden/grants.ts";
import { Journal } from "./warden/journal.ts";
import { readHostKeys, type HostKeys } from "./warden/keys.ts";
import type { CertificateKeeper } from "./warden/renewal.ts";
import { SessionEnds } from "./warden/session-ends.ts";
import { TrustStore } from "./warden/trust-store.ts";
import { openWarden, type Warden } from "./warden/warden.ts";
import { WitnessFile } from "./witness/witness-file.ts";

export interface WardenParts {
  readonly state: HostState;
  readonly host: HostFile;
  readonly keys: HostKeys;
  /** Who may own the deny list besides root. */
  readonly ownUid: number;
  readonly clock: HostClock;
  readonly nonce: () => string;
  readonly wait: (milliseconds: number) => Promise<void>;
  readonly log: HostLog;
  readonly certificates: CertificateKeeper;
  /** The gateway, as far as it can be reached from here. */
  readonly control: GatewayControl | undefined;
  readonly readings: GatewayReadings | undefined;
  /** Undefined where the agent was not installed with services of its own. */
  readonly updates?: AgentUpdates | undefined;
  /** Undefined where nobody looks at the machine. */
  readonly posture?: PostureControl | undefined;
  readonly activeSessions: () => Promise<number | undefined>;
  readonly onTrust: () => void;
  readonly onFault: (error: unknown) => void;
}

/** @throws {HostError} for files that are damaged, or that others can read */
export async function wardenOf(parts: WardenParts): Promise<Warden> {
  const { state, host, keys, clock, nonce, wait, log } = parts;
  const { denyList: path, settingsDenyList: settings } = state.files;
  const denyList = openDenyList({ path, settings, ownUid: parts.ownUid });
  const journal = Journal.open({ path: state.files.journal, now: wallSeconds(clock) });
  if (journal.tornBytes > 0) log({ event: "journal_torn_line", bytes: journal.tornBytes });
  const trust = await TrustStore.open({ path: state.files.trust, pin: { workspace: host.workspace } });
  const sessionEnds = SessionEnds.open({ path: state.files.sessionEnds, now: () => wallSeconds(clock) });
  return openWarden({
    context: {
      workspace: host.workspace,
      keys,
      trust,
      journal,
      challenges: new ChallengeTable({ clock, nonce }),
      sessionEnds,
      witnessFile: WitnessFile.open(state.files.witness),
      denyList,
      clock,
      nonce,
      hostBoot: nonce(),
      certificates: parts.certificates,
      activeSessions: parts.activeSessions,
      gateway: parts.control,
      readings: parts.readings,
      updates: parts.updates,
      posture: parts.posture,
      grants: new ReadGrants(clock),
      wait,
      log,
    },
    onTrust: parts.onTrust,
    onFault: parts.onFault,
  });
}

/** @throws {HostError} when the keys are gone or another host's */
export function requireKeys(state: HostState, host: HostFile): HostKeys {
  const keys = readHostKeys(state.files.keys);
  if (keys?.host === host.host) return keys;
  throw new HostError(
    "state_damaged",
    `${state.files.keys} does not hold the keys of ${host.host}, as which this host joined. Restore the file from a backup, or type clawhold trust reset and join this machine anew.`,
  );
}
