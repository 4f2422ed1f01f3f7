/**
 * The service token with which this machine passes Cloudflare Access. Read from a file of its owner, shown to the one
 * edge it was given for, and kept where no log or error message finds it. Access is a filter and never an authority:
 * whoever passes it may still do nothing.
 */
import * as v from "valibot";
import { readOwnerFile } from "./owner-file.ts";
import { SignerError } from "./signer-error.ts";

const tokenSchema = v.strictObject({
  clientId: v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,256}$/)),
  clientSecret: v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,256}$/)),
});

export class AccessToken {
  // Private, so that a value printed by mistake shows nothing.
  readonly #headers: readonly string[];

  constructor({ clientId, clientSecret }: v.InferOutput<typeof tokenSchema>) {
    this.#headers = ["CF-Access-Client-Id", clientId, "CF-Access-Client-Secret", clientSecret];
  }

  /** Names and values in turn. */
  headers(): readonly string[] {
    return this.#headers;
  }
}

/** @throws {SignerError} `token_exposed`, `token_unusable` */
export function readAccessToken(path: string, uid: number): AccessToken {
  const file = readOwnerFile(path, uid);
  switch (file.kind) {
    case "text":
      return parse(path, file.text);
    case "exposed":
      throw new SignerError(
        "token_exposed",
        `The service token in ${path} is not used: ${file.why}. Revoke it in Cloudflare Access and make a new one, in a file of your own: chmod 600 ${path}`,
      );
    case "foreign":
      throw unusable(path, file.why);
    case "absent":
      throw unusable(path, "there is no such file");
  }
}

function parse(path: string, text: string): AccessToken {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unusable(path, "it is not JSON"); // the parser's own words would quote the secret
  }
  const token = v.safeParse(tokenSchema, value);
  if (!token.success) throw unusable(path, "it holds something else");
  return new AccessToken(token.output);
}

function unusable(path: string, why: string): SignerError {
  return new SignerError(
    "token_unusable",
    `There is no service token in ${path}: ${why}. Write what Cloudflare Access showed into it, as {"clientId": "...", "clientSecret": "..."}`,
  );
}
