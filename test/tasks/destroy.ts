/** `npm run destroy`: the way back of `npm run deploy`. */
import { runDeployment } from "./deployment.ts";

process.exitCode = await runDeployment("destroy");
