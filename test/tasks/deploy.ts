/**
 * `npm run deploy`: what this version can do towards a Cloudflare account, and no more. `--plan` bundles the Worker as a
 * deployment would and lists its bindings. Creating the account's resources is not in this version; it says so.
 */
import path from "node:path";
import { dryRun } from "./dry-run.ts";
import { runNode } from "./stage.ts";

const args = process.argv.slice(2);
const help = `npm run deploy -- --plan

  --plan   bundle the Worker as a deployment would, and list what it binds; nothing leaves this machine

This version runs on machines of your own (npm start). It does not create anything in a Cloudflare account yet:
docs/DEPLOY.md says what works and what is missing.`;

if (args.includes("--help")) {
  console.log(help);
} else if (args.includes("--plan")) {
  process.exitCode = await runNode(dryRun.args(path.join(".cache", "plan")), dryRun.env);
} else {
  console.error(help);
  process.exitCode = 4;
}
