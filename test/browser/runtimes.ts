/** Runs the suite in Chromium and in plain workerd: bundled once each, no port but a loopback page. */
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { launchChromium } from "../e2e/browser.ts";
import type { Report } from "./suite.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const cache = fileURLToPath(new URL("../../.cache/three-runtimes/", import.meta.url));
const MARK = "REPORT ";

interface Bundle {
  readonly entry: string;
  readonly name: string;
}

/** Bundles a few lines that import the suite and its vectors. */
async function bundle({ entry, name }: Bundle): Promise<string> {
  const contents = `import { report } from "./suite.ts";
    import first from "../vectors/verdicts.json";
    import team from "../vectors/verdicts-2.json";
    import rfc8032 from "../vectors/rfc8032.json";
    import rfc8785 from "../vectors/rfc8785.json";
    const recorded = { first, team, outside: { rfc8032, rfc8785 } };
    ${entry}`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: here, loader: "ts", sourcefile: name },
    bundle: true,
    write: false,
    format: "esm",
    target: "es2023",
    conditions: ["workerd", "worker", "browser"],
    logLevel: "warning",
  });
  const [file] = outputFiles;
  if (file === undefined) throw new TypeError("nothing was bundled");
  return file.text;
}

/** `workerd test` runs a worker's `test` handler and exits: no socket, no files but these two. */
export async function inWorkerd(): Promise<Report> {
  const entry = `export default { async test() { console.log("${MARK}" + JSON.stringify(await report(recorded))); } };`;
  await mkdir(cache, { recursive: true });
  await writeFile(`${cache}worker.js`, await bundle({ entry, name: "worker-entry.ts" }));
  await writeFile(`${cache}config.capnp`, WORKERD_CONFIG);
  const { default: binary } = createRequire(import.meta.url)("workerd") as { readonly default: string };
  const { stdout, stderr } = await promisify(execFile)(binary, ["test", `${cache}config.capnp`], {
    maxBuffer: 16 * 1024 * 1024,
  });
  return reportIn(`${stdout}\n${stderr}`);
}

const WORKERD_CONFIG = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    ( name = "suite", worker = (
        modules = [ ( name = "worker", esModule = embed "worker.js" ) ],
        compatibilityDate = "2026-09-01",
    ) ),
  ],
);
`;

function reportIn(output: string): Report {
  const line = output.split("\n").find((text) => text.includes(MARK));
  if (line === undefined) throw new Error(`workerd gave no report: ${output.slice(0, 2_000)}`);
  return JSON.parse(line.slice(line.indexOf(MARK) + MARK.length)) as Report;
}

export async function inChromium(): Promise<Report> {
  const script = await bundle({ entry: "globalThis.report = report(recorded);", name: "page-entry.ts" });
  const server = createServer((request, response) => {
    const isScript = request.url === "/suite.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    response.end(
      isScript ? script : '<!doctype html><title>suite</title><script type="module" src="/suite.js"></script>',
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction(() => "report" in globalThis);
    return await page.evaluate(() => (globalThis as unknown as { readonly report: Promise<Report> }).report);
  } finally {
    await browser.close();
    server.close();
  }
}
