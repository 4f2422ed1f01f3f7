/**
 * Cloudflare Access in front of the dashboard, where the deployment has it: every request must carry the token with which
 * Access vouches for it. The one door to jose. A filter and never an authority: it makes nobody an operator, and what it
 * says of a person is not even read. A token is good until its end, however often it is shown, as Access means it.
 */
import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet, type JWTPayload } from "jose";
import { edgeSeconds } from "../../durable-objects/clock.ts";
import { logFault } from "../../durable-objects/log.ts";
import { problem } from "../http/problems.ts";

/** Access adds it to every request that it lets through, sockets included; its cookie is for Access itself. */
const TOKEN_HEADER = "cf-access-jwt-assertion";
/** Access signs with nothing else; a key set that offered more would change nothing here. */
const ALGORITHM = "RS256";
/** Both clocks are Cloudflare's. */
const SKEW_SECONDS = 30;
/** A key that Access took back is believed for at most this long. */
const KEYS_SECONDS = 600;
/** An unknown key makes us look again, but not more often: whoever invents names of keys must not make us a client of theirs. */
const LOOK_AGAIN_SECONDS = 30;
/** While there are no keys at all, this many requests may look within that time: an isolate starts with several at once. */
const MAX_LOOKS = 20;
const FETCH_MILLISECONDS = 5_000;
/** Access publishes two keys in a few kilobytes. */
const MAX_KEYS_CHARACTERS = 65_536;

export interface AccessSettings {
  readonly teamDomain: string | undefined;
  readonly audience: string | undefined;
  readonly fetchKeys: (url: string, init: RequestInit) => Promise<Response>;
}

export interface AccessGate {
  /** @throws {ProblemError} `access_required`, `access_unreachable` or `access_misconfigured` */
  require(request: Request): Promise<void>;
  /** False: configured by halves, so that nothing may be answered by any door. */
  readonly isSound: boolean;
}

/** Undefined where nothing is configured: then there is no Access, and nothing here is asked. */
export function accessGate(settings: AccessSettings): AccessGate | undefined {
  const { teamDomain, audience } = settings;
  if (teamDomain === undefined && audience === undefined) return undefined;
  const isSound =
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.cloudflareaccess\.com$/.test(teamDomain ?? "") &&
    /^[0-9a-f]{64}$/.test(audience ?? "");
  if (!isSound || teamDomain === undefined || audience === undefined) {
    return { isSound: false, require: () => Promise.reject(problem("access_misconfigured")) };
  }
  const issuer = `https://${teamDomain}`;
  const keys = new AccessKeys(`${issuer}/cdn-cgi/access/certs`, settings.fetchKeys);
  return { isSound: true, require: (request) => requireToken(request, { issuer, audience, keys }) };
}

interface Expected {
  readonly issuer: string;
  readonly audience: string;
  readonly keys: AccessKeys;
}

async function requireToken(request: Request, { issuer, audience, keys }: Expected): Promise<void> {
  const token = request.headers.get(TOKEN_HEADER);
  if (token === null) throw problem("access_required", "no token");
  const payload = await payloadOf(token, { issuer, audience, keys });
  const fault = payload === undefined ? "token" : faultOf(payload);
  if (fault !== undefined) throw problem("access_required", fault);
}

/** Undefined for a token that does not verify. Keys are asked for only after its algorithm was found to be ours. */
async function payloadOf(token: string, { issuer, audience, keys }: Expected): Promise<JWTPayload | undefined> {
  try {
    const { payload } = await jwtVerify(token, (header, jws) => keys.find(header, jws), {
      issuer,
      audience,
      algorithms: [ALGORITHM],
      clockTolerance: SKEW_SECONDS,
      requiredClaims: ["exp", "iat"],
      currentDate: new Date(edgeSeconds() * 1_000),
    });
    return payload;
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}

/** A person has an address, a service token a name; a token of the organisation itself opens no application. */
function faultOf({ type, email, common_name: name }: JWTPayload): string | undefined {
  if (type !== "app") return "type";
  const isSaid = (value: unknown): boolean => typeof value === "string" && value !== "";
  return isSaid(email) || isSaid(name) ? undefined : "nobody";
}

type KeySet = ReturnType<typeof createLocalJWKSet>;

interface Held {
  readonly set: KeySet;
  /** Edge clock, seconds. */
  readonly at: number;
}

/** Of this isolate. */
class AccessKeys {
  readonly #url: string;
  readonly #fetch: AccessSettings["fetchKeys"];
  /** In memory only: fetched again by a new isolate. */
  #held: Held | undefined;
  #looks: { readonly since: number; count: number } = { since: 0, count: 0 };

  constructor(url: string, fetchKeys: AccessSettings["fetchKeys"]) {
    this.#url = url;
    this.#fetch = fetchKeys;
  }

  /**
   * The key that a token names; after an unknown name newer keys are asked for, if it is time to look.
   * @throws {ProblemError} `access_unreachable`: keys that are too old are no keys
   */
  async find(...named: Parameters<KeySet>): ReturnType<KeySet> {
    const now = edgeSeconds();
    const { set, at } = await this.#current(now);
    try {
      return await set(...named);
    } catch (error) {
      const isUnknown = error instanceof errors.JWKSNoMatchingKey;
      if (!isUnknown || now - at < LOOK_AGAIN_SECONDS || !this.#mayLook(now)) throw error;
      return (await this.#look(now)).set(...named);
    }
  }

  async #current(now: number): Promise<Held> {
    const held = this.#held;
    if (held !== undefined && now - held.at < KEYS_SECONDS && now >= held.at) return held;
    if (!this.#mayLook(now)) throw problem("access_unreachable", "looked too often");
    return this.#look(now);
  }

  #mayLook(now: number): boolean {
    if (now - this.#looks.since >= LOOK_AGAIN_SECONDS || now < this.#looks.since)
      this.#looks = { since: now, count: 0 };
    this.#looks.count += 1;
    return this.#looks.count <= MAX_LOOKS;
  }

  async #look(now: number): Promise<Held> {
    try {
      const response = await this.#fetch(this.#url, {
        redirect: "manual",
        headers: { accept: "application/json" },
        signal: AbortSignal.timeout(FETCH_MILLISECONDS),
      });
      if (response.status !== 200) throw new TypeError(`keys: status ${response.status}`);
      const text = await response.text();
      if (text.length > MAX_KEYS_CHARACTERS) throw new TypeError("keys: too many");
      const held = { set: createLocalJWKSet(JSON.parse(text) as JSONWebKeySet), at: now };
      this.#held = held;
      return held;
    } catch (error) {
      logFault("access_keys", error);
      throw problem("access_unreachable", error instanceof Error ? error.message : undefined);
    }
  }
}
