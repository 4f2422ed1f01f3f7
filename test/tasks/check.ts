/** `npm run check`: the one gate before a commit. */
import { checkStages } from "./check-stages.ts";
import { runStages } from "./run-stages.ts";

await runStages(checkStages);
