/** One share of the mutants, on a processor of its own. */
import { parentPort, workerData } from "node:worker_threads";
import { runCampaign } from "./campaign.ts";

const { mutants, seed } = workerData as { readonly mutants: number; readonly seed: number };
parentPort?.postMessage(await runCampaign(mutants, seed));
