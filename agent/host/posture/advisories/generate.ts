/**
 * Makes `data.ts` from a table of advisories, and signs a list for hosts that have the program already. Run by whoever makes a
 * release, never on a host:
 *   node agent/host/posture/advisories/generate.ts <table.tsv> --as-of 2026-08-07 --revision 1
 *   node agent/host/posture/advisories/generate.ts <table.tsv> --as-of … --revision 2 --sign <key.pem> --out advisories.json
 * The table: cve, ghsa, severity, introduced, fixed, title, separated by tabs; `-` for none. The key: as agent/release-sign.mjs makes it.
 */
import { createPrivateKey, sign } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import * as v from "valibot";
import { toBase64url } from "../../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../../protocol/canonical.ts";
import { preAuthenticationEncoding } from "../../../../protocol/signing.ts";
import { advisoriesSchema, type Advisories, type AdvisoriesFile } from "./format.ts";
import { rowsIn } from "./rows.ts";

/** The table of whoever collects them has two names in front; the one by CVE is the better known. */
function publishedIn(table: string): Advisories["advisories"] {
  const lines = table.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
  return rowsIn(
    lines
      .map((line) => {
        const [cve = "-", ghsa = "", ...rest] = line.split("\t");
        return [cve === "-" ? ghsa : cve, ...rest].join("\t");
      })
      .join("\n"),
  );
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
    advisories: publishedIn(readFileSync(positionals[0] ?? "", "utf8")),
  });
  if (values.sign === undefined) {
    const rows = list.advisories.map(({ id, severity, introduced, fixed, title }) =>
      [id, severity, introduced, fixed, title.replaceAll(/[`\\$]/g, "'")].join("\t"),
    );
    writeFileSync(
      join(import.meta.dirname, "data.ts"),
      `/** Made by generate.ts; not edited by hand. Published advisories of the gateway, as far as this release knows them. */

export const REVISION = ${String(list.revision)};
export const AS_OF = "${list.asOf}";

/** Id, severity, introduced, fixed, title. */
export const ROWS = \`
${rows.join("\n")}
\`;
`,
    );
    return;
  }
  const key = createPrivateKey(readFileSync(values.sign));
  const file = signedFile(list, (bytes) => sign(null, bytes, key));
  writeFileSync(values.out ?? "advisories.json", JSON.stringify(file));
}

if (process.argv[1] === import.meta.filename) await main();
