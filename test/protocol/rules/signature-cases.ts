/** Verdicts on Ed25519 signatures that verifiers disagree about (vectors/ed25519-edges.ts). */
import { fromHex } from "../../../protocol/bytes.ts";
import { edgeSignatures } from "../../vectors/ed25519-edges.ts";
import type { RuleCase } from "./cases.ts";

export const signatureCases: readonly RuleCase[] = edgeSignatures().map(
  ({ name, publicKey, signature, message, expected }) => ({
    name: `signature: ${name}`,
    expected,
    run: async ({ ed25519 }) => {
      const input = { publicKey: fromHex(publicKey), signature: fromHex(signature), message: fromHex(message) };
      return (await ed25519.verifyEd25519(input)) ? "ok" : "refused";
    },
  }),
);
