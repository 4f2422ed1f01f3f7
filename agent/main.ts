/** The whole program, as a person types it: hands the process to the commands as values. */
import { fileURLToPath } from "node:url";
import { runCli } from "./cli/cli.ts";
import { processIo } from "./process-io.ts";

// Sockets and timers of libraries must not keep a finished command alive.
process.exit(await runCli(process.argv.slice(2), processIo(fileURLToPath(import.meta.url))));
