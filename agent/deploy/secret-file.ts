/** API tokens, from files that only their owner may open. Never from an argument; never in a message. */
import { resolve } from "node:path";
import { readOwnerFile } from "../signer/owner-file.ts";
import { DeployError } from "./deploy-error.ts";

const TOKEN = /^[A-Za-z0-9_-]{16,256}$/;

export interface TokenPlace {
  readonly directory: string;
  readonly uid: number;
}

/** @throws {DeployError} `token_exposed`, `token_unusable` */
export function readToken(file: string, { directory, uid }: TokenPlace): string {
  const path = resolve(directory, file);
  const found = readOwnerFile(path, uid);
  switch (found.kind) {
    case "text": {
      const token = found.text.trim();
      if (!TOKEN.test(token)) throw unusable(path, "it holds something else than one token");
      return token;
    }
    case "exposed":
      throw new DeployError(
        "token_exposed",
        `The API token in ${path} is not used: ${found.why}. Roll it on Cloudflare's page of API tokens, and keep the new one in a file of your own: chmod 600 ${path}`,
      );
    case "foreign":
      throw unusable(path, found.why);
    case "absent":
      throw unusable(path, "there is no such file");
  }
}

function unusable(path: string, why: string): DeployError {
  return new DeployError(
    "token_unusable",
    `There is no API token in ${path}: ${why}. Make one on Cloudflare's page of API tokens (docs/DEPLOY.md lists its permissions) and write it there, mode 600.`,
  );
}
