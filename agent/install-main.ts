/** `clawhold.cjs`: what a person types on a host that was installed. */
import { runCommands } from "./cli/dispatch.ts";
import { installedCommands } from "./cli/installed.ts";
import { processIo } from "./process-io.ts";

const [, entry = "", ...argv] = process.argv;
void runCommands(argv, processIo(entry), installedCommands).then((code) => process.exit(code));
