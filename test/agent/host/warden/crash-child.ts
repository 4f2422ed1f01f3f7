/** A warden in a process of its own, for tests that kill it. Argument: its directory. Talks JSON lines on stdin/stdout. */
import { fdatasyncSync, ftruncateSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import type { AppendIo } from "../../../../agent/host/warden/append-file.ts";
import { toBase64url } from "../../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../../protocol/canonical.ts";
import { makeWorld, stated } from "../../../fixtures/workspace.ts";
import { FakeGateway } from "./fakes.ts";
import { Rig } from "./rig.ts";

const [, , directory = "", dieAt = ""] = process.argv;
const gateway = new FakeGateway();
const world = await makeWorld();
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const die = (): boolean => process.kill(process.pid, "SIGKILL");

gateway.onRestart = () => {
  say({ restarted: true });
  if (dieAt === "acted") die();
};
/** Dies in the middle of the next durable line of a file, once armed. */
let isArmed = false;
function dyingIo(file: string): AppendIo {
  return {
    write(fd, bytes, position) {
      const half = isArmed && dieAt === `${file}:half` ? bytes.subarray(0, bytes.length >> 1) : bytes;
      const written = writeSync(fd, half, 0, half.length, position);
      if (isArmed && (dieAt === `${file}:half` || dieAt === `${file}:written`)) die();
      return written;
    },
    sync(fd) {
      fdatasyncSync(fd);
      if (isArmed && dieAt === `${file}:synced`) die();
    },
    truncate: ftruncateSync,
  };
}
const rig = await Rig.open({
  trustIo: dyingIo("trust"),
  sessionEndsIo: dyingIo("session-ends"),
  directory,
  world,
  gateway,
  log: (line) => {
    say(line);
    if (line["step"] === dieAt) die();
  },
});
await rig.welcome();
const { state, people, workspace } = world;
const revoking = await stated(
  { state, by: people.ada.passkey },
  { kind: "person.revoke", body: { person: people.nora.id } },
);
const command = await rig.command();
say({
  world: { root: world.root, statements: world.statements, workspace: world.workspace, host: world.host },
  command: { digest: command.digest, envelope: Buffer.from(command.bytes).toString("base64url") },
  revoking,
  session: command.session,
});
createInterface({ input: process.stdin }).once("line", () => void act().then(() => say({ done: true })));

async function act(): Promise<void> {
  isArmed = true;
  if (dieAt.startsWith("trust:")) return rig.receive({ kind: "trust", page: { statements: [revoking] } });
  if (dieAt.startsWith("session-ends:")) return endSession();
  await rig.deliver(command.bytes);
}

async function endSession(): Promise<void> {
  const { session, submission } = command;
  const body = encodeCanonical({ v: 1, workspace, session, person: people.ada.id, at: 1 });
  const signature = await world.keys.session.sign("session-end", body);
  const end = { body: toBase64url(body), session: submission.session, by: { kind: "session" as const, signature } };
  await rig.receive({ kind: "session-end", end });
}
