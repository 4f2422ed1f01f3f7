/** One share of the mutants and of the bytes, on a processor of its own. */
import { parentPort, workerData } from "node:worker_threads";
import { runCampaign } from "./campaign.ts";
import { sweep, type Share } from "./sweep.ts";

const { mutants, ...share } = workerData as Share & { readonly mutants: number };
const tally = await runCampaign(mutants, share.seed);
parentPort?.postMessage({ tally, swept: await sweep(share) });
