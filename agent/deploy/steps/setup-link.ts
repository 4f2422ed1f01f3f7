/**
 * The way in for the first person. The public half of a setup key is written into the deployment's own database by whoever
 * owns the account, which is what the admin door is for a local edge; the seed is in the link that is printed, and nowhere
 * else. There is no rule for a first visitor, and no page of the edge makes the root.
 */
import { randomBytes } from "node:crypto";
import { toBase64url } from "../../../protocol/bytes.ts";
import { SETUP_SECONDS } from "../../../protocol/limits.ts";
import { signerOf } from "../../shared/signer.ts";
import type { Change, Context } from "../change.ts";
import { execute, rows } from "./database.ts";

export interface SetupOffer {
  /** Holds the seed: for the terminal only. */
  readonly fragment: string;
  /** Seconds since 1970. */
  readonly ends: number;
}

const SEED_BYTES = 32;

/** Whether somebody founded a workspace, and how long an earlier link is good. */
export async function findWorkspace(context: Context): Promise<void> {
  const { found } = context;
  if (found.databaseId === undefined) return;
  const tables = await rows(
    context,
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('workspaces', 'setup')",
  );
  if (tables.length < 2) return;
  const [workspace] = await rows(context, "SELECT workspace FROM workspaces LIMIT 1");
  const [setup] = await rows(context, "SELECT expires FROM setup LIMIT 1");
  found.workspace = typeof workspace?.["workspace"] === "string" ? workspace["workspace"] : undefined;
  found.setupEnds = typeof setup?.["expires"] === "number" ? setup["expires"] : undefined;
}

/** Undefined where there is a workspace, or an earlier link is still good and no new one was asked for. */
export async function lookAtSetup(
  context: Context,
  { isNewWanted, onOffer }: { readonly isNewWanted: boolean; readonly onOffer: (offer: SetupOffer) => void },
): Promise<Change | undefined> {
  await findWorkspace(context);
  const { workspace, setupEnds } = context.found;
  if (workspace !== undefined) return undefined;
  if (setupEnds !== undefined && setupEnds > context.now() && !isNewWanted) return undefined;
  return {
    kind: "create",
    what: `setup link, good for ${SETUP_SECONDS / 60} minutes`,
    apply: async () => {
      const seed = randomBytes(SEED_BYTES);
      const { publicKey } = signerOf(seed);
      const ends = context.now() + SETUP_SECONDS;
      // Letters, digits, dashes and a number: nothing in it can end a string. Only while nobody founded one.
      await execute(
        context,
        `DELETE FROM setup; INSERT INTO setup (setup_key, expires) SELECT '${publicKey}', ${ends} WHERE NOT EXISTS (SELECT 1 FROM workspaces);`,
      );
      onOffer({ fragment: `seed=${toBase64url(seed)}`, ends });
    },
  };
}
