/** The pinned gateway from npm, installed once for all tests, and started where a test needs its own. */
import path from "node:path";
import { installGateway } from "../../agent/host/demo/install.ts";

const root = path.resolve(import.meta.dirname, "../..");

/** The folder shared by all tests of this checkout. */
export const gatewayCache = process.env["CLAWHOLD_TEST_CACHE"] ?? path.join(root, ".cache", "openclaw");

/** Folder of the installed version. */
export async function gatewayInstall(): Promise<string> {
  const entry = await installGateway({
    directory: gatewayCache,
    environment: process.env,
    fetchAllowed: true,
    log: (line) => console.log(line),
  });
  return path.resolve(entry, "../../..");
}
