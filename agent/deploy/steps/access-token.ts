/**
 * The service token with which `clawhold ui` passes Access. Cloudflare shows its secret once; it goes into a file of this
 * machine, for its owner alone, and nowhere else.
 */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomically } from "../../shared/atomic-file.ts";
import type { Change, Context } from "../change.ts";

export const TOKEN = "Access: Service Tokens";
/** A year. For another secret: remove the file and deploy again. */
const TOKEN_LIFE = "8760h";

export function tokenFileOf({ record }: Pick<Context, "record">): string {
  return join(record.folder, "signer-token.json");
}

/** Without its file the secret is nowhere: a new one is asked for. */
export async function lookAtToken(context: Context): Promise<readonly Change[]> {
  const { api, wanted, found } = context;
  const { account } = wanted.config;
  const name = wanted.names.serviceToken;
  const known = await api.list(TOKEN, "list service tokens", (client) =>
    client.zeroTrust.access.serviceTokens.list({ account_id: account }),
  );
  found.serviceTokenId = known.find((one) => one.name === name)?.id;
  const { serviceTokenId } = found;
  if (serviceTokenId === undefined)
    return [
      {
        kind: "create",
        what: `service token ${name}, kept in ${tokenFileOf(context)}`,
        apply: async () => {
          const made = await api.write(TOKEN, `make the service token ${name}`, (client) =>
            client.zeroTrust.access.serviceTokens.create({ account_id: account, name, duration: TOKEN_LIFE }),
          );
          keep(context, made);
          found.serviceTokenId = made.id;
        },
      },
    ];
  if (existsSync(tokenFileOf(context))) return [];
  return [
    {
      kind: "change",
      what: `service token ${name}: a new secret, because ${tokenFileOf(context)} is not there`,
      apply: async () => {
        const made = await api.write(TOKEN, `make a new secret of the service token ${name}`, (client) =>
          client.zeroTrust.access.serviceTokens.rotate(serviceTokenId, { account_id: account }),
        );
        keep(context, made);
      },
    },
  ];
}

function keep(
  context: Context,
  { client_id: clientId, client_secret: clientSecret }: { client_id?: string; client_secret?: string },
): void {
  if (clientId === undefined || clientSecret === undefined)
    throw new TypeError("a service token came without its secret");
  mkdirSync(context.record.folder, { recursive: true, mode: 0o700 });
  writeFileAtomically(tokenFileOf(context), `${JSON.stringify({ clientId, clientSecret })}\n`);
}
