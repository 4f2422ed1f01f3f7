/**
 * The host's whole verification of a command with one approval, against nothing but the signature checks in it: the very
 * same native calls, written down while one envelope is verified and repeated in turn with the real thing. And how many
 * bytes such an envelope has.
 */
import { verifyEnvelope } from "../../protocol/verify.ts";
import { honestCommand, type SealedCommand } from "../fixtures/command.ts";
import { makeWorld } from "../fixtures/workspace.ts";
import { percentile, row, timed, type Bench } from "./bench.ts";

const WARM_UP = 300;
const TIMES = 600;
/** Different commands, so that nothing which remembers the last one looks fast. */
const COMMANDS = 20;
/** Dispatch, session key, and the two assertions: of the sign-in and of the approval. */
const SIGNATURE_CHECKS = 4;
const RATIO_TARGET = 1.5;
const BYTES_TARGET = 4_096;

const { subtle } = crypto;

interface Work {
  /** Every native verification of `command`, with keys that are already imported. */
  readonly checks: readonly Parameters<typeof subtle.verify>[];
  /** Every import of a key. */
  readonly imports: readonly Parameters<typeof subtle.importKey>[];
}

async function verified({ bytes, view }: SealedCommand): Promise<void> {
  const verdict = await verifyEnvelope(bytes, view);
  if (verdict.kind !== "verified") throw new Error(`the honest command is ${JSON.stringify(verdict)}`);
}

/** Verifies once and writes down what is asked of the platform. */
async function observe(command: SealedCommand): Promise<Work> {
  const checks: Parameters<typeof subtle.verify>[] = [];
  const imports: Parameters<typeof subtle.importKey>[] = [];
  const verify = subtle.verify.bind(subtle);
  const importKey = subtle.importKey.bind(subtle) as (...args: (typeof imports)[number]) => Promise<CryptoKey>;
  const watched = {
    verify(...args: Parameters<typeof subtle.verify>) {
      checks.push(args);
      return verify(...args);
    },
    importKey(...args: Parameters<typeof subtle.importKey>) {
      imports.push(args);
      return importKey(...args);
    },
  };
  Object.assign(subtle, watched);
  try {
    await verified(command);
  } finally {
    for (const name of Object.keys(watched)) Reflect.deleteProperty(subtle, name); // the platform's own show again
  }
  if (checks.length !== SIGNATURE_CHECKS) throw new Error(`${checks.length} signature checks, not ${SIGNATURE_CHECKS}`);
  return { checks, imports };
}

interface Taken {
  readonly whole: readonly number[];
  readonly bare: readonly number[];
  readonly imports: readonly number[];
}

/** In turn, so that whatever else the machine does befalls all three alike. */
async function measure(commands: readonly SealedCommand[], work: Work): Promise<Taken> {
  const whole: number[] = [];
  const bare: number[] = [];
  const imports: number[] = [];
  for (let i = 0; i < WARM_UP + TIMES; i++) {
    const command = commands[i % commands.length];
    if (command === undefined) throw new RangeError("no commands");
    const [full = 0] = await timed(1, () => verified(command));
    const [checks = 0] = await timed(1, async () => {
      for (const args of work.checks) await subtle.verify(...args);
    });
    const [keys = 0] = await timed(1, async () => {
      for (const args of work.imports) await subtle.importKey(...args);
    });
    if (i < WARM_UP) continue;
    whole.push(full);
    bare.push(checks);
    imports.push(keys);
  }
  return { whole, bare, imports };
}

export const verify: Bench = {
  name: "verify",
  about: "a host's verification of one envelope, against its signature checks",
  async run() {
    const world = await makeWorld();
    const commands: SealedCommand[] = [];
    for (let i = 0; i < COMMANDS; i++) commands.push(await honestCommand(world));
    const [first] = commands;
    if (first === undefined) throw new RangeError("no commands");
    const work = await observe(first);
    const { whole, bare, imports } = await measure(commands, work);
    const checks = { name: `its ${SIGNATURE_CHECKS} signature checks, p50`, value: percentile(bare, 0.5) };
    return [
      row({
        name: "verify p50",
        value: percentile(whole, 0.5),
        unit: "ms",
        baseline: checks,
        target: RATIO_TARGET,
      }),
      row({
        name: `importing ${work.imports.length} keys p50`,
        value: work.imports.length === 0 ? 0 : percentile(imports, 0.5),
        unit: "ms",
        baseline: checks,
      }),
      row({
        name: "envelope, one approval",
        value: Math.max(...commands.map(({ bytes }) => bytes.length)),
        unit: "bytes",
        target: BYTES_TARGET,
      }),
    ];
  },
};
