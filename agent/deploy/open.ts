/** Makes the context of a run from what a person typed and what is on this machine. The one place where it is put together. */
import { Api } from "./api.ts";
import { readBundle, type Bundle, type BundlePlaces } from "./bundle.ts";
import type { Context } from "./change.ts";
import { readConfig } from "./config.ts";
import { DeployError } from "./deploy-error.ts";
import { RecordFile } from "./record.ts";
import { readToken } from "./secret-file.ts";

export interface OpenOptions {
  readonly configPath: string;
  readonly uid: number;
  readonly now: () => number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly bundle: BundlePlaces | Bundle;
  /** Tests only: in the place of the network. */
  readonly fetch?: typeof fetch;
  readonly readRetries?: number;
}

/** @throws {DeployError} */
export async function openContext(options: OpenOptions): Promise<Context> {
  const { uid, environment, now } = options;
  const wanted = readConfig(options.configPath);
  const place = { directory: wanted.directory, uid };
  const tokenFile = environment["CLOUDFLARE_API_TOKEN_FILE"] ?? wanted.config.tokenFile;
  if (tokenFile === undefined)
    throw new DeployError(
      "token_unusable",
      "No API token was given. Write one into a file of your own, mode 600, and name that file in CLOUDFLARE_API_TOKEN_FILE or as tokenFile in the configuration.",
    );
  const token = readToken(tokenFile, place);
  const certificateToken = readToken(wanted.config.certificateTokenFile, place);
  if (token === certificateToken)
    throw new DeployError(
      "token_unusable",
      "Both token files hold the same token. The Worker keeps its own, so that must be one which can do nothing but client certificates (docs/DEPLOY.md).",
    );
  return {
    wanted,
    uid,
    now,
    certificateToken,
    api: new Api({
      token,
      baseUrl: environment["CLOUDFLARE_API_BASE_URL"],
      ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
      ...(options.readRetries === undefined ? {} : { readRetries: options.readRetries }),
    }),
    record: new RecordFile({ directory: wanted.directory, mark: wanted.names.mark, uid }),
    bundle: "dist" in options.bundle ? await readBundle(options.bundle) : options.bundle,
    found: {
      zoneId: "",
      plan: "free",
      teamDomain: "",
      databaseId: undefined,
      serviceTokenId: undefined,
      peoplePolicyId: undefined,
      signerPolicyId: undefined,
      audience: undefined,
      workerExists: false,
      workspace: undefined,
      setupEnds: undefined,
    },
    notes: [],
  };
}
