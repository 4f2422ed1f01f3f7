/** What is uploaded is what was built, bound as wrangler.toml says, with the headers of the local front. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, it, expect } from "vitest";
import { headersText, readBundle } from "../../../agent/deploy/bundle.ts";
import { PERMISSIONS_POLICY, SECURITY_HEADERS } from "../../../agent/edge/headers.ts";
import { COMPATIBILITY_DATE } from "../../../agent/edge/workerd-config.ts";
import { writeWebBundle } from "../edge/fixtures/harness.ts";

const root = path.join(import.meta.dirname, "..", "..", "..");
const wranglerConfig = path.join(root, "wrangler.toml");

let dist: string;
beforeEach(() => {
  dist = mkdtempSync(path.join(tmpdir(), "clawhold-bundle-"));
  writeWebBundle(dist);
  writeFileSync(path.join(dist, "worker.js"), "export default {}");
  writeFileSync(path.join(dist, "migrations.json"), JSON.stringify([{ name: "0001_x.sql", sql: "SELECT 1;" }]));
});
afterEach(() => rmSync(dist, { recursive: true, force: true }));

/** A `_headers` file as Cloudflare reads it: a path, then its headers. */
function parseHeaders(text: string): ReadonlyMap<string, Readonly<Record<string, string>>> {
  const rules = new Map<string, Record<string, string>>();
  let rule: Record<string, string> = {};
  for (const line of text.trimEnd().split("\n")) {
    if (line.startsWith("  ")) {
      const [name = "", ...value] = line.trim().split(": ");
      rule[name] = value.join(": ");
    } else rules.set(line, (rule = {}));
  }
  return rules;
}

describe("a bundle", () => {
  it("holds the build, with the objects, migrations and date of wrangler.toml", async () => {
    const bundle = await readBundle({ dist, wranglerConfig });
    expect([...bundle.assets.keys()].toSorted()).toEqual(["/app.js", "/assets/icon-ABCDEFG2.svg", "/index.html"]);
    expect(bundle.migrations).toEqual([{ name: "0001_x.sql", sql: "SELECT 1;" }]);
    expect(bundle.compatibilityDate).toBe(COMPATIBILITY_DATE);
    const bound = bundle.objects.bindings.map(({ className }) => className).toSorted();
    expect(bound).toEqual(bundle.objects.migrations.flatMap(({ classes }) => classes).toSorted());
    expect(bound).toContain("Ledger");
    for (const { hash } of bundle.assets.values()) expect(hash).toMatch(/^[0-9a-f]{32}$/);
  });

  it("takes the files of a release along, by their own names", async () => {
    mkdirSync(path.join(dist, "install"));
    for (const name of ["install.sh", "clawhold.tar.gz", "other"])
      writeFileSync(path.join(dist, "install", name), name);
    writeFileSync(path.join(dist, "install", "version"), "1.2.3\n");
    const { assets } = await readBundle({ dist, wranglerConfig });
    expect([...assets.keys()].filter((name) => name.startsWith("/install"))).toEqual([
      "/install/1.2.3/install.sh",
      "/install/1.2.3/clawhold.tar.gz",
    ]);
  });

  it("gives every page the headers of the local front, and HSTS", async () => {
    const { headers } = await readBundle({ dist, wranglerConfig });
    const rules = parseHeaders(headers);
    expect(rules.get("/*")).toEqual({ ...SECURITY_HEADERS, "strict-transport-security": "max-age=63072000" });
    expect(rules.get("/*")?.["permissions-policy"]).toBe(PERMISSIONS_POLICY);
    expect(rules.get("/index.html")).toEqual({ "cache-control": "no-cache" });
    expect(rules.get("/assets/icon-ABCDEFG2.svg")).toEqual({ "cache-control": "public, max-age=31536000, immutable" });
    for (const line of headers.split("\n")) expect(line.length).toBeLessThan(2_000);
  });

  it("has no more rules of headers than Cloudflare reads", () => {
    const files = (count: number): { path: string; cache: string }[] =>
      Array.from({ length: count }, (_, n) => ({ path: `/${n}.js`, cache: "no-cache" }));
    expect(() => headersText(files(99))).not.toThrow();
    expect(() => headersText(files(100))).toThrow("more than 99 files");
  });

  it("is refused when it is not whole", async () => {
    writeFileSync(path.join(dist, "migrations.json"), JSON.stringify([{ name: "x'; DROP TABLE ledger", sql: "" }]));
    await expect(readBundle({ dist, wranglerConfig })).rejects.toThrow("migrations.json");
    rmSync(path.join(dist, "migrations.json"));
    await expect(readBundle({ dist, wranglerConfig })).rejects.toThrow("cannot be uploaded");
  });

  it("is refused when wrangler.toml asks for a kind of migration that would not be sent", async () => {
    const file = path.join(dist, "wrangler.toml");
    writeFileSync(
      file,
      `name = "x"\ncompatibility_date = "2026-09-18"\n[[migrations]]\ntag = "v1"\nnew_sqlite_classes = ["A"]\n[[migrations]]\ntag = "v2"\ndeleted_classes = ["A"]\n`,
    );
    await expect(readBundle({ dist, wranglerConfig: file })).rejects.toThrow("migrations.1");
  });
});
