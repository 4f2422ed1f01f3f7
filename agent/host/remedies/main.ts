/** The verbs of `posture.cjs` that mend, as they are called: by the warden's order, by timers, and by the start of the machine. */
import { parseArgs } from "node:util";
import type { Hands } from "./hands.ts";
import { orderVerb, recoverVerb, rollbackAll, rollbackVerb, sweepVerb, watchVerb, type VerbOptions } from "./verbs.ts";

/** Where an installed host keeps it. */
const DIRECTORY = "/var/lib/clawhold/host/posture";

export interface MendingProcess {
  readonly hands: Hands;
  readonly readInput: () => Promise<string>;
  readonly print: (line: string) => void;
  readonly log: (line: string) => void;
  readonly afterStep?: VerbOptions["afterStep"];
}

export type Verb = (argv: readonly string[]) => Promise<number>;

export function mendingVerbs({
  hands,
  readInput,
  print,
  log,
  afterStep,
}: MendingProcess): Readonly<Record<string, Verb>> {
  const optionsOf = (argv: readonly string[]) => {
    const text = { type: "string" } as const;
    const { values } = parseArgs({ args: [...argv], options: { directory: text, fix: text, because: text } });
    const verb: VerbOptions = {
      hands,
      log,
      directory: values.directory ?? DIRECTORY,
      ...(afterStep === undefined ? {} : { afterStep }),
    };
    return { verb, fix: values.fix ?? "", because: values.because };
  };
  return {
    /** One order on standard input, one answer on standard output. */
    async order(argv) {
      print(JSON.stringify(await orderVerb(optionsOf(argv).verb, await readInput())));
      return 0;
    },
    /** By a timer; or by somebody at the machine, who names no reason. */
    async rollback(argv) {
      const { verb, fix, because } = optionsOf(argv);
      if (because !== undefined) return rollbackVerb(verb, fix, because);
      const answer = await orderVerb(verb, JSON.stringify({ verb: "rollback", fix, author: "console" }));
      print(JSON.stringify(answer));
      return answer.kind === "refused" ? 1 : 0;
    },
    watch(argv) {
      const { verb, fix } = optionsOf(argv);
      return watchVerb(verb, fix);
    },
    recover: (argv) => recoverVerb(optionsOf(argv).verb),
    sweep: (argv) => sweepVerb(optionsOf(argv).verb),
    /** For an uninstallation: names of fixes that a person changed since, one a line, are left. */
    async "rollback-all"(argv) {
      const left = await rollbackAll(optionsOf(argv).verb);
      for (const fix of left) print(fix);
      return left.length === 0 ? 0 : 1;
    },
  };
}
