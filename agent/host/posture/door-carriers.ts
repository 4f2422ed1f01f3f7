/**
 * The two ways an order reaches `posture.cjs`: as a child of a single-process agent, with that agent's rights, or through a
 * systemd unit of its own on an installed host, where the warden may not do it itself.
 */
import { randomBytes } from "node:crypto";
import { execFile, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomically } from "../../shared/atomic-file.ts";
import { PostureDoorError, type Carrier } from "./door.ts";

/** Packages may have to be installed: minutes on a slow mirror. */
const ORDER_MILLISECONDS = 600_000;
const MAX_ANSWER_BYTES = 1 << 20;
const SYSTEMCTL = "/usr/bin/systemctl";

/** `argv`: starts `posture.cjs order --directory ...`, which reads one order and prints one answer. */
export function childCarrier(argv: readonly string[]): Carrier {
  const [program = "", ...rest] = argv;
  return (order) =>
    new Promise((resolve, reject) => {
      const child = spawn(program, rest, { stdio: ["pipe", "pipe", "ignore"] });
      const parts: Buffer[] = [];
      let size = 0;
      const timer = setTimeout(() => child.kill("SIGKILL"), ORDER_MILLISECONDS);
      child.stdout.on("data", (part: Buffer) => {
        size += part.length;
        if (size > MAX_ANSWER_BYTES) child.kill("SIGKILL");
        else parts.push(part);
      });
      child.stdin.on("error", () => undefined); // it ended without reading: its answer tells
      child.stdin.end(JSON.stringify(order));
      child.once("error", (cause) => {
        clearTimeout(timer);
        reject(new PostureDoorError("unanswered", { cause }));
      });
      child.once("close", () => {
        clearTimeout(timer);
        resolveJson(Buffer.concat(parts).toString("utf8"), { resolve, reject });
      });
    });
}

export interface UnitCarrierOptions {
  /** The posture directory: orders lie below it, root's alone. */
  readonly directory: string;
  /** The unit of one order, e.g. `clawhold-fix@.service`. */
  readonly template: string;
  /** For tests. */
  readonly start?: (unit: string) => Promise<void>;
}

export function unitCarrier({ directory, template, start = startUnit }: UnitCarrierOptions): Carrier {
  const orders = join(directory, "orders");
  return async (order) => {
    mkdirSync(orders, { recursive: true, mode: 0o700 });
    const id = randomBytes(8).toString("hex");
    const [file, answer] = [join(orders, `${id}.json`), join(orders, `${id}.answer`)];
    try {
      writeFileAtomically(file, JSON.stringify(order));
      await start(template.replace("@", `@${id}`));
      const text = readFileSync(answer, "utf8");
      return await new Promise<unknown>((resolve, reject) => resolveJson(text, { resolve, reject }));
    } catch (cause) {
      throw cause instanceof PostureDoorError ? cause : new PostureDoorError("unanswered", { cause });
    } finally {
      rmSync(file, { force: true });
      rmSync(answer, { force: true });
    }
  };
}

/** Resolves when the order's unit has ended, in whatever way: its answer tells. */
function startUnit(unit: string): Promise<void> {
  return new Promise((resolve) => {
    execFile(SYSTEMCTL, ["start", "--", unit], { timeout: ORDER_MILLISECONDS }, () => resolve());
  });
}

interface Settling {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: PostureDoorError) => void;
}

function resolveJson(text: string, { resolve, reject }: Settling): void {
  try {
    resolve(JSON.parse(text));
  } catch (cause) {
    reject(new PostureDoorError(text === "" ? "unanswered" : "malformed_answer", { cause }));
  }
}
