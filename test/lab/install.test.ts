/** A server becomes a host by the pasted command, over the network, from the real edge; and is a server again afterwards. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import { clawhold, type RunningEdge } from "../net/product.ts";
import { startEdge } from "./edge.ts";
import { Machine } from "./machine.ts";
import { Network } from "./network.ts";
import type { Ended } from "./process.ts";

const closers: Closers = [];
let edge: RunningEdge;
let machine: Machine;
/** As it was before anything of ours was there. */
let bare: string;
let command: string;
let installed: Ended;

beforeAll(async () => {
  const network = new Network();
  closers.push(() => network.close());
  [edge, machine] = await Promise.all([startEdge(closers), Machine.started({ network })]);
  closers.push(() => machine.remove());
  bare = await tree();
  command = await added();
});

afterAll(() => closeAll(closers));

/** What a person pastes. */
async function added(): Promise<string> {
  const adding = clawhold(edge.installed, "host", "add", "--gateway", "none");
  return String((await adding.mustSay((said) => said["event"] === "add"))["command"]);
}

const paste = (text: string): Promise<Ended> => machine.run(["/bin/bash", "-s"], { input: `${text}\n` });

/**
 * Every file with its owner, mode and content. Not: what the running system writes by itself, and the copies of the user
 * database that useradd and userdel keep beside it (passwd-).
 */
async function tree(): Promise<string> {
  const not = ["/proc", "/sys", "/run", "/dev", "/tmp", "/var/log", "/var/tmp", "/var/cache", "/var/lib/systemd"];
  const skip = not.flatMap((path, at) => [...(at === 0 ? [] : ["-o"]), "-path", path]);
  const found = ["(", ...skip, ")", "-prune", "-o", "-not", "-name", "*-", "-printf", "%p %y %U:%G %m %l\n"];
  const names = await machine.must([
    "/usr/bin/find",
    "/etc",
    "/opt",
    "/usr",
    "/var",
    "/root",
    "/home",
    "/srv",
    ...found,
  ]);
  const sums = await machine.must([
    "/usr/bin/find",
    "/etc",
    "/opt",
    "/usr/local",
    "/root",
    "(",
    "-path",
    "/usr/local/lib/node_modules",
    ")",
    "-prune",
    "-o",
    "-type",
    "f",
    "-not",
    "-name",
    "*-",
    "-exec",
    "/usr/bin/sha256sum",
    "{}",
    "+",
  ]);
  return [...names.split("\n"), ...sums.split("\n")].toSorted().join("\n");
}

describe("the pasted command", () => {
  it("with --dry-run says what it would do, and changes nothing", async () => {
    const { code, stdout, stderr } = await paste(command.replace(/ --workspace=/, " --dry-run --workspace="));
    console.log(stdout, stderr);
    expect(code).toBe(0);
    expect(await tree()).toBe(bare);
  });

  it("installs", async () => {
    installed = await paste(command);
    console.log(installed.stdout, installed.stderr);
    expect(installed.code).toBe(0);
    console.log(await machine.run(["/usr/bin/systemctl", "status", "clawhold-*", "--no-pager"]));
    console.log(await machine.run(["/usr/bin/journalctl", "-n", "60", "--no-pager", "-u", "clawhold-*"]));
  });

  it("uninstalls", async () => {
    const { code, stdout, stderr } = await machine.run(["/usr/local/bin/clawhold", "host", "uninstall", "--yes"]);
    console.log(stdout, stderr);
    expect(code).toBe(0);
    expect(await tree()).toBe(bare);
  });
});
