/** A warden in a process of its own, for tests that kill it. Argument: its directory. Talks JSON lines on stdin/stdout. */
import { createInterface } from "node:readline";
import { FakeGateway, Rig } from "./rig.ts";
import { makeWorld } from "../../../fixtures/workspace.ts";

const [, , directory = "", dieAt = ""] = process.argv;
const gateway = new FakeGateway();
const world = await makeWorld();
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const die = (): boolean => process.kill(process.pid, "SIGKILL");

gateway.onRestart = () => {
  say({ restarted: true });
  if (dieAt === "acted") die();
};
const rig = await Rig.open({
  directory,
  world,
  gateway,
  log: (line) => {
    say(line);
    if (line["step"] === dieAt) die();
  },
});
await rig.welcome();
const command = await rig.command();
say({
  world: { root: world.root, statements: world.statements, workspace: world.workspace, host: world.host },
  command: { digest: command.digest, envelope: Buffer.from(command.bytes).toString("base64url") },
});
createInterface({ input: process.stdin }).once(
  "line",
  () => void rig.deliver(command.bytes).then(() => say({ done: rig.lastReceipt() })),
);
