/**
 * The one door to Cloudflare's SDK. Reads are repeated when they fail; a write is sent once (and again only when Cloudflare
 * said that it did not take it), because the next run looks at what is there and goes on from it. Every refusal becomes a
 * sentence with a next step, and a missing permission its name.
 */
import Cloudflare from "cloudflare";
import { setTimeout as wait } from "node:timers/promises";
import { DeployError } from "./deploy-error.ts";

/** As Cloudflare's page of API tokens names them, all of them with "Edit", the first group of the account, the rest of the zone. */
export type Permission =
  | "D1"
  | "Workers Scripts"
  | "Access: Service Tokens"
  | "Access: Apps and Policies"
  | "Access: Organizations, Identity Providers, and Groups (Read)"
  | "Zone (Read)"
  | "Workers Routes (Read)"
  | "SSL and Certificates"
  | "Zone WAF"
  | "Zone Settings"
  | "Bot Management (Read)";

export interface ApiOptions {
  readonly token: string;
  /** Of another server than Cloudflare's: tests. */
  readonly baseUrl: string | undefined;
  readonly fetch?: typeof fetch;
  /** 0 in tests. */
  readonly readRetries?: number;
}

const READ_RETRIES = 2;
const CALL_MILLISECONDS = 60_000;
const MAX_PAUSE_SECONDS = 30;
const PAUSES = 3;

export class Api {
  readonly client: Cloudflare;

  constructor({ token, baseUrl, fetch, readRetries = READ_RETRIES }: ApiOptions) {
    this.client = new Cloudflare({
      apiToken: token,
      // Nothing of the environment: neither another account's key nor another address.
      apiEmail: null,
      apiKey: null,
      userServiceKey: null,
      baseURL: baseUrl ?? "https://api.cloudflare.com/client/v4",
      maxRetries: readRetries,
      timeout: CALL_MILLISECONDS,
      logLevel: "off",
      ...(fetch === undefined ? {} : { fetch }),
    });
  }

  /** @throws {DeployError} */
  async read<T>(permission: Permission, what: string, call: (client: Cloudflare) => PromiseLike<T>): Promise<T> {
    try {
      return await call(this.client);
    } catch (error) {
      throw explain(error, permission, what);
    }
  }

  /** Undefined where Cloudflare says that there is no such thing. */
  async find<T>(
    permission: Permission,
    what: string,
    call: (client: Cloudflare) => PromiseLike<T>,
  ): Promise<T | undefined> {
    try {
      return await call(this.client);
    } catch (error) {
      if (error instanceof Cloudflare.NotFoundError) return undefined;
      throw explain(error, permission, what);
    }
  }

  /** Every item of every page. */
  async list<T>(
    permission: Permission,
    what: string,
    call: (client: Cloudflare) => AsyncIterable<T>,
  ): Promise<readonly T[]> {
    const found: T[] = [];
    try {
      for await (const item of call(this.client)) found.push(item);
    } catch (error) {
      throw explain(error, permission, what);
    }
    return found;
  }

  async write<T>(permission: Permission, what: string, call: (client: Cloudflare) => PromiseLike<T>): Promise<T> {
    const once = this.client.withOptions({ maxRetries: 0 });
    for (let pause = 0; ; pause += 1) {
      try {
        return await call(once);
      } catch (error) {
        if (!(error instanceof Cloudflare.RateLimitError) || pause === PAUSES) throw explain(error, permission, what);
        await wait(Math.min(secondsOf(error), MAX_PAUSE_SECONDS) * 1_000);
      }
    }
  }
}

function secondsOf({ headers }: InstanceType<typeof Cloudflare.RateLimitError>): number {
  const seconds = Number(headers.get("retry-after") ?? "5");
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : 5;
}

/** Codes of Cloudflare's that say one thing. Others are told by status and by their own words. */
const CODES = {
  dnsRecords: 100_117,
} as const;

const QUOTA = /\b(quota|exceed(ed|s)?|limit|maximum|not entitled|upgrade)\b/i;

const AGAIN = "Nothing is half done that the next run does not finish: type it again.";

function explain(error: unknown, permission: Permission, what: string): Error {
  if (error instanceof DeployError) return error;
  if (error instanceof Cloudflare.APIConnectionError)
    return new DeployError(
      "unreachable",
      `Cloudflare's API did not answer (${what}). Check this machine's network. ${AGAIN}`,
      { cause: error },
    );
  if (!(error instanceof Cloudflare.APIError)) return error instanceof Error ? error : new TypeError(String(error));
  const [first] = error.errors;
  return explainAnswer(
    { status: error.status ?? 0, code: first?.code ?? 0, message: first?.message ?? "no reason" },
    permission,
    what,
  );
}

interface Refused {
  readonly status: number;
  readonly code: number;
  readonly message: string;
}

function explainAnswer({ status, code, message }: Refused, permission: Permission, what: string): DeployError {
  const said = `${message} (${status}, code ${code})`;
  if (status === 401 || status === 403)
    return new DeployError(
      "token_permission",
      `The API token may not do this: ${what}. It needs the permission "${permission}", for this account and zone, and must not have ended. Change the token on Cloudflare's page of API tokens and type it again. Cloudflare says: ${said}`,
    );
  if (status === 429)
    return new DeployError("busy", `Cloudflare takes no more requests now (${what}). Wait five minutes. ${AGAIN}`);
  if (code === CODES.dnsRecords)
    return new DeployError(
      "hostname_taken",
      `The name already has DNS records (${what}). Delete them on the zone's DNS page if nothing uses them, or choose another name in the configuration.`,
    );
  if (status >= 500)
    return new DeployError("cloudflare_fault", `Cloudflare failed (${what}): ${said}. Wait a little. ${AGAIN}`);
  if (QUOTA.test(message))
    return new DeployError(
      "quota",
      `The account or the zone's plan has no room for this: ${what}. Cloudflare says: ${said}. Remove what you do not need, or change the plan, and type it again.`,
    );
  return new DeployError("refused", `Cloudflare refused this: ${what}. It says: ${said}. ${AGAIN}`);
}
