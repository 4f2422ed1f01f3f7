/**
 * What several collectors of one scan want to know is asked of the machine once: starting a program costs some milliseconds, and the
 * kernel walks all its sockets for each reading of a table. Only for questions whose answer may be two seconds old.
 */
import type { FileText, Machine, Ran } from "../machine.ts";

/** Collectors of one scan ask one after the other; a longer scan asks again. */
const SAME_SECONDS = 2;
/** One row is 150 bytes: room for 50,000 sockets. */
const MAX_TABLE_BYTES = 8 << 20;

interface Asked<T> {
  readonly at: number;
  readonly answer: Promise<T>;
}

type Answers<T> = WeakMap<Machine, Map<string, Asked<T>>>;
const ran: Answers<Ran> = new WeakMap();
const texts: Answers<FileText> = new WeakMap();

export function ranOnce(machine: Machine, argv: readonly string[]): Promise<Ran> {
  return once(ran, { machine, question: argv.join("\0") }, () => machine.run(argv));
}

/** One of the kernel's tables of sockets. */
export function readTable(machine: Machine, path: string): Promise<FileText> {
  return once(texts, { machine, question: path }, () => machine.read(path, MAX_TABLE_BYTES));
}

function once<T>(
  answers: Answers<T>,
  { machine, question }: { readonly machine: Machine; readonly question: string },
  ask: () => Promise<T>,
): Promise<T> {
  const at = machine.now();
  const mine = answers.get(machine) ?? new Map<string, Asked<T>>();
  answers.set(machine, mine);
  const before = mine.get(question);
  if (before !== undefined && Math.abs(at - before.at) <= SAME_SECONDS) return before.answer;
  const answer = ask();
  mine.set(question, { at, answer });
  return answer;
}
