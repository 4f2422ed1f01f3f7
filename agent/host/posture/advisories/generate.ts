/**
 * Makes `data.ts` from a table of advisories, and signs a list for hosts that have the program already. Run by whoever makes a
 * release, never on a host:
 *   node agent/host/posture/advisories/generate.ts <table.tsv> --as-of 2026-08-07 --revision 1
 *   node agent/host/posture/advisories/generate.ts <table.tsv> --as-of … --revision 2 --sign <key.json> --out advisories.json
 * The table: cve, ghsa, severity, introduced, fixed, title, separated by tabs; `-` for none. The key: {"seed": base64url}.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import * as v from "valibot";
import { fromBase64url, toBase64url } from "../../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../../protocol/canonical.ts";
import { preAuthenticationEncoding } from "../../../../protocol/signing.ts";
import { advisoriesSchema, type Advisories, type Advisory, type AdvisoriesFile } from "./format.ts";

export function advisoriesOf(table: string): readonly Advisory[] {
  return table
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#"))
    .map((line) => {
      const [cve = "", ghsa = "", severity = "", introduced = "", fixed = "", title = ""] = line.split("\t");
      return {
        id: cve === "-" ? ghsa : cve,
        severity: severity as Advisory["severity"],
        introduced,
        fixed,
        title: title.trim(),
      };
    });
}

export function signedFile(list: Advisories, sign: (message: Uint8Array) => Uint8Array): AdvisoriesFile {
  const body = encodeCanonical(list);
  return {
    v: 1,
    advisories: toBase64url(body),
    signature: toBase64url(sign(preAuthenticationEncoding("advisories", body))),
  };
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      "as-of": { type: "string" },
      revision: { type: "string" },
      sign: { type: "string" },
      out: { type: "string" },
    },
  });
  const list = v.parse(advisoriesSchema, {
    v: 1,
    revision: Number(values.revision),
    asOf: values["as-of"],
    advisories: advisoriesOf(readFileSync(positionals[0] ?? "", "utf8")),
  });
  if (values.sign === undefined) {
    const rows = list.advisories.map((one) => `    ${JSON.stringify(one)},`).join("\n");
    writeFileSync(
      join(import.meta.dirname, "data.ts"),
      `/** Made by generate.ts; not edited by hand. Published advisories of the gateway, as far as this release knows them. */
import type { Advisories } from "./format.ts";

export const embedded: Advisories = {
  v: 1,
  revision: ${String(list.revision)},
  asOf: "${list.asOf}",
  advisories: [
${rows}
  ],
};
`,
    );
    return;
  }
  const seed = fromBase64url((JSON.parse(readFileSync(values.sign, "utf8")) as { seed: string }).seed);
  const { createPrivateKey, sign: signNatively } = await import("node:crypto");
  // PKCS #8 of an Ed25519 seed.
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  writeFileSync(
    values.out ?? "advisories.json",
    JSON.stringify(signedFile(list, (bytes) => signNatively(null, bytes, key))),
  );
}

if (process.argv[1] === import.meta.filename) await main();
