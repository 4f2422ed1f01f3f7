/** What `up` asks of the edge it runs, through the door that only this process has. Answers are parsed, not believed. */
import * as v from "valibot";
import { digest, nonce, publicKey, seconds } from "../../../protocol/fields.ts";
import { signedRootSchema, type SignedRoot } from "../../../protocol/trust/statements.ts";
import type { AdminRequest } from "../../edge/admin.ts";
import { CliError } from "../io.ts";

export interface EdgeAdmin {
  /** Undefined while the edge has no workspace. */
  root(): Promise<SignedRoot | undefined>;
  /** Registers the public half of a setup key; the one before, if any, is dead from then on. */
  offerSetup(setupKey: string, expires: number): Promise<void>;
  /** Single use, 15 minutes. */
  joinToken(): Promise<string>;
  /** An entry of the log about the certificate of a browser: it was given one, or lost it. */
  browserCertificate(fingerprint: string, change: "issued" | "revoked"): Promise<void>;
}

const rootAnswer = v.strictObject({ signedRoot: v.optional(signedRootSchema) });
const tokenAnswer = v.strictObject({ token: nonce, workspace: digest, expires: seconds });

export function edgeAdmin(request: AdminRequest): EdgeAdmin {
  return {
    root: async () => read(rootAnswer, await request("/admin/workspace")).signedRoot,
    offerSetup: async (setupKey, expires) => {
      await request("/admin/setup", { setupKey: v.parse(publicKey, setupKey), expires });
    },
    browserCertificate: async (fingerprint, change) => {
      await request("/admin/browser-certificate", { fingerprint, change });
    },
    joinToken: async () => read(tokenAnswer, await request("/admin/join-token", {})).token,
  };
}

function read<S extends v.GenericSchema>(schema: S, answer: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, answer);
  if (result.success) return result.output;
  throw new CliError(
    "edge_answer",
    "The local edge answered something else than this program expects. Start again; if it repeats, build again from a clean clone.",
  );
}
