/**
 * What a deployment gives the Worker and its objects. The names are the same in wrangler.toml, under workerd and in
 * tests. Only worker/index.ts reads it whole; an object reads its own.
 */
import type { Alerts } from "./alerts.ts";
import type { Exports } from "./exports.ts";
import type { Host } from "./host.ts";
import type { Ledger } from "./ledger.ts";
import type { Limits } from "./limits.ts";
import type { LedgerSegment } from "./segment.ts";
import type { Sessions } from "./sessions.ts";
import type { Streams } from "./streams.ts";

export interface Env {
  readonly DB: D1Database;
  /** One a workspace, named by its id: the only writer of its ledger. */
  readonly LEDGER: DurableObjectNamespace<Ledger>;
  /** One a sealed segment of a ledger, named `workspace/number`. */
  readonly SEGMENT: DurableObjectNamespace<LedgerSegment>;
  /** One a host, named `workspace/host`. */
  readonly HOST: DurableObjectNamespace<Host>;
  /** One a workspace, named by its id. */
  readonly SESSIONS: DurableObjectNamespace<Sessions>;
  /** One a workspace, named by its id. */
  readonly ALERTS: DurableObjectNamespace<Alerts>;
  /** One a workspace, named by its id. */
  readonly EXPORTS: DurableObjectNamespace<Exports>;
  /** One a workspace, named by its id. */
  readonly STREAMS: DurableObjectNamespace<Streams>;
  /** One a workspace, named by its id; before there is one, `NO_WORKSPACE`. */
  readonly LIMITS: DurableObjectNamespace<Limits>;
  /** Ed25519 seeds, base64url. Of two for one job that one signs whose public key the trust log names (edge-keys.ts). */
  readonly DISPATCH_KEY: string;
  readonly DISPATCH_KEY_NEXT?: string;
  readonly LEDGER_KEY: string;
  readonly LEDGER_KEY_NEXT?: string;
  /** base64url, 32 bytes: seals the addresses and secrets of where alerts and entries go. */
  readonly SETTINGS_KEY: string;
  /** The way out for alerts and streams, where the runtime gives one that reaches public addresses only. */
  readonly ALERTS_OUT?: Fetcher;
  /** The way out for a look from outside, where the runtime gives one that reaches every address but its own machine's. */
  readonly LOOK_OUT?: Fetcher;
  /** PEM; signs the agents' client certificates. Absent where Cloudflare's managed authority does. */
  readonly AGENT_CA_KEY?: string;
  readonly AGENT_CA_CERT?: string;
  /** JSON list of zone ids in which client certificates are asked for, in order; and the API token for it. */
  readonly CLIENT_CERTIFICATE_ZONES?: string;
  readonly CLIENT_CERTIFICATE_TOKEN?: string;
  /** The dashboard's origin where it is served by the person's own machine; absent: no origin is a signer here. */
  readonly SIGNER_ORIGIN?: string;
  /** The dashboard's files, where Cloudflare serves them; absent: a front or a signer does. */
  readonly ASSETS?: Fetcher;
  /** wss:// address at which agents reach this edge. */
  readonly AGENT_ENDPOINT?: string;
  readonly EDGE_CA_CERT?: string;
  /** Cloudflare Access in front: `name.cloudflareaccess.com` and the application's audience tag. Both, or neither. */
  readonly ACCESS_TEAM_DOMAIN?: string;
  readonly ACCESS_AUDIENCE?: string;
  /** Every rate times this, a whole number from 1 to 1000; absent: 1. */
  readonly RATE_FACTOR?: string;
  /** `off`: the lists of networks are not looked at. The way back for an owner who locked everybody out. */
  readonly NETWORK_LISTS?: string;
}

export function hostOf(env: Pick<Env, "HOST">, workspace: string, host: string): DurableObjectStub<Host> {
  return env.HOST.getByName(`${workspace}/${host}`);
}

export function segmentOf(env: Pick<Env, "SEGMENT">, workspace: string, n: number): DurableObjectStub<LedgerSegment> {
  return env.SEGMENT.getByName(`${workspace}/${n}`);
}
