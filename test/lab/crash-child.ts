/** Starts a server and waits: a test ends it in the one way that nobody can tidy up after. */
import { Machine } from "./machine.ts";
import { Network } from "./network.ts";

const machine = await Machine.started({ network: new Network(), diskMegabytes: 256 });
console.log(machine.directory);
await machine.off;
