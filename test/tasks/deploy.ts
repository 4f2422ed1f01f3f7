/** `npm run deploy`: builds what is uploaded, and hands over to agent/deploy/. */
import { runDeployment } from "./deployment.ts";

process.exitCode = await runDeployment("deploy");
