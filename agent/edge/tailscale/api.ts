/**
 * Tailscale's API as far as a policy goes: read it with its ETag, have it validated, write it if nobody else did meanwhile.
 * The key goes to the address that it was made with and into no message. Answers are parsed, never believed further.
 */
import * as v from "valibot";
import { setTimeout as sleep } from "node:timers/promises";
import { MAX_POLICY_CHARACTERS } from "./hujson.ts";

export const TAILSCALE_API = "https://api.tailscale.com";

export type TailscaleCode =
  | "tailscale_answer"
  | "tailscale_changed"
  | "tailscale_invalid"
  | "tailscale_key"
  | "tailscale_limited"
  | "tailscale_unreachable";

/** The message is for a person. */
export class TailscaleError extends Error {
  override readonly name = "TailscaleError";
  readonly code: TailscaleCode;

  constructor(code: TailscaleCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface TailscalePlace {
  /** `https://api.tailscale.com`, unless a test says otherwise. */
  readonly base: string;
  readonly key: string;
  /** `-`: the one that the key belongs to. */
  readonly tailnet: string;
  /** Milliseconds; a test does not wait. */
  readonly wait?: (milliseconds: number) => Promise<unknown>;
}

export interface StoredPolicy {
  readonly text: string;
  readonly etag: string;
}

const TIMEOUT_MILLISECONDS = 20_000;
const MAX_ATTEMPTS = 4;
/** Longer than this nobody sits before a terminal. */
const MAX_WAIT_SECONDS = 30;

/** Of a policy that does not hold: what failed, by whom it was tested. */
const failureSchema = v.object({
  message: v.optional(v.string(), ""),
  data: v.optional(
    v.nullable(
      v.array(v.object({ user: v.optional(v.string(), ""), errors: v.optional(v.nullable(v.array(v.string()))) })),
    ),
  ),
});

export class TailscaleApi {
  readonly #place: TailscalePlace;

  constructor(place: TailscalePlace) {
    this.#place = place;
  }

  async read(): Promise<StoredPolicy> {
    const answer = await this.#ask("GET", "acl");
    const etag = answer.headers.get("etag");
    const text = await bounded(answer);
    if (answer.status !== 200) throw refused(answer.status, text);
    // Without it a write could not be held against what was read.
    if (etag === null || etag === "")
      throw new TailscaleError(
        "tailscale_answer",
        "Tailscale answered without an ETag, so nothing was changed. Try again later.",
      );
    return { text, etag };
  }

  /** The failures of a policy's own tests, and its mistakes; none for one that holds. */
  async validate(policy: string): Promise<readonly string[]> {
    const answer = await this.#ask("POST", "acl/validate", { body: policy });
    const text = await bounded(answer);
    if (answer.status !== 200 && answer.status !== 400) throw refused(answer.status, text);
    return failuresIn(text, answer.status === 400);
  }

  /** @throws {TailscaleError} `tailscale_changed` when somebody wrote after `etag` was read. */
  async write(policy: string, etag: string): Promise<void> {
    const answer = await this.#ask("POST", "acl", { body: policy, etag });
    const text = await bounded(answer);
    if (answer.status === 200) return;
    if (answer.status === 412)
      throw new TailscaleError(
        "tailscale_changed",
        "Somebody changed the tailnet's policy in this moment, so nothing was written. Look at the plan again: clawhold up tailscale-policy --plan",
      );
    if (answer.status === 400)
      throw new TailscaleError(
        "tailscale_invalid",
        `Tailscale did not take the policy, and nothing was changed: ${failuresIn(text, true).join("; ")}. Correct what it names, then try again.`,
      );
    throw refused(answer.status, text);
  }

  async #ask(
    method: "GET" | "POST",
    path: string,
    { body, etag }: { readonly body?: string; readonly etag?: string } = {},
  ): Promise<Response> {
    const { base, key, tailnet, wait = sleep } = this.#place;
    const headers: Record<string, string> = {
      accept: method === "GET" ? "application/hujson" : "application/json",
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { "content-type": "application/hujson" }),
      ...(etag === undefined ? {} : { "if-match": etag }),
    };
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.#once(`${base}/api/v2/tailnet/${encodeURIComponent(tailnet)}/${path}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body }),
      });
      if (answer.status !== 429) return answer;
      const seconds = waitSeconds(answer.headers.get("retry-after"), attempt);
      if (attempt >= MAX_ATTEMPTS || seconds > MAX_WAIT_SECONDS)
        throw new TailscaleError(
          "tailscale_limited",
          "Tailscale takes no more requests of this key for now. Nothing was changed. Wait a few minutes, then try again.",
        );
      await answer.body?.cancel();
      await wait(seconds * 1_000);
    }
  }

  async #once(url: string, init: RequestInit): Promise<Response> {
    try {
      // A redirect would carry the key elsewhere.
      return await fetch(url, { ...init, redirect: "error", signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS) });
    } catch (error) {
      throw new TailscaleError(
        "tailscale_unreachable",
        `${new URL(url).host} did not answer. Check the network of this machine, then try again; --plan shows what was written.`,
        { cause: error },
      );
    }
  }
}

function waitSeconds(retryAfter: string | null, attempt: number): number {
  return retryAfter !== null && /^\d{1,5}$/.test(retryAfter) ? Number(retryAfter) : 2 ** attempt;
}

/** Not `text()`: a stranger's answer has no end that we know. */
async function bounded(answer: Response): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  for await (const chunk of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_POLICY_CHARACTERS)
      throw new TailscaleError(
        "tailscale_answer",
        "Tailscale's answer is longer than any policy. Nothing was changed.",
      );
  }
  return text + decoder.decode();
}

function failuresIn(text: string, isFailure: boolean): readonly string[] {
  if (text.trim() === "" || text.trim() === "{}") return isFailure ? ["it gave no reason"] : [];
  const parsed = v.safeParse(failureSchema, parsedJson(text));
  if (!parsed.success) return isFailure ? ["it gave no reason that can be read"] : [];
  const { message, data } = parsed.output;
  const details = (data ?? []).flatMap(({ user, errors }) =>
    (errors ?? []).map((error) => clean(user === "" ? error : `${user}: ${error}`)),
  );
  // A message with neither failure nor detail (a warning's) does not stop the policy.
  if (details.length > 0) return details;
  const isWarning = (data ?? []).length > 0;
  return message === "" || isWarning ? [] : [clean(message)];
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Somebody else's words on a terminal: one line, nothing that moves the cursor. */
function clean(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, " ").slice(0, 300);
}

function refused(status: number, text: string): TailscaleError {
  if (status === 401 || status === 403)
    return new TailscaleError(
      "tailscale_key",
      "Tailscale does not take this key for the tailnet's policy. Make one that may read and write the policy file, and put it into the key file.",
    );
  const said = failuresIn(text, true).join("; ");
  return new TailscaleError(
    "tailscale_answer",
    `Tailscale answered with ${status}, and nothing was changed: ${said}. Try again later.`,
  );
}
