/**
 * Whom to ask sshd about. `sshd -T` alone answers for nobody under any Match; so for each Match that the configuration names,
 * connections are made up that it holds for, and sshd is asked what it would do with them. Pure.
 */
import { groupsOf, type Accounts } from "../accounts.ts";
import { isIn, parseRange, samplesOf, type Range } from "./addresses.ts";
import { wildcard, type Criterion, type MatchLine } from "./config-file.ts";

export interface Connection {
  readonly user: string;
  readonly host: string;
  readonly addr: string;
  readonly laddr: string;
  readonly lport: number;
  readonly rdomain: string;
}

export interface Question {
  /** Of whom, in the configuration's words: `Match Address 203.0.113.0/24`. */
  readonly label: string;
  readonly connection: Connection;
}

export interface Questions {
  /** Somebody unknown from far away, whom no Match is about where that is possible. */
  readonly base: Connection;
  readonly list: readonly Question[];
  /** Match lines that no connection could be made up for. */
  readonly unasked: readonly string[];
}

interface Ground {
  readonly accounts: Accounts;
  /** An address and port that sshd listens on. */
  readonly laddr: string;
  readonly lport: number;
}

const MAX_SAMPLES = 8;
const MAX_USERS = 3;
const MAX_QUESTIONS = 24;
/** Of documentation: some address far away. */
const OUTSIDE = ["198.51.100.77", "203.0.113.77", "192.0.2.77"] as const;
const UNKNOWN_USER = "clawhold-nobody";

export function questionsOf(matches: readonly MatchLine[], ground: Ground): Questions {
  const ranges = matches.flatMap(({ criteria }) => criteria.filter(({ kind }) => kind === "address").flatMap(rangesOf));
  const addr = OUTSIDE.find((one) => !ranges.some((range) => isIn(one, range))) ?? OUTSIDE[0];
  const { laddr, lport } = ground;
  const base: Connection = { user: UNKNOWN_USER, host: addr, addr, laddr, lport, rdomain: "" };
  const list: Question[] = [];
  const unasked: string[] = [];
  for (const match of matches) {
    const made = connectionsOf(match, { base, ranges, ground });
    if (made === undefined) unasked.push(`Match ${match.text}, ${match.file}:${String(match.line)}`);
    else
      for (const connection of made) {
        if (list.length >= MAX_QUESTIONS)
          return { base, list, unasked: [...unasked, "more Match lines than are asked about"] };
        if (!list.some((one) => isSame(one.connection, connection)))
          list.push({ label: `Match ${match.text}`, connection });
      }
  }
  return { base, list, unasked };
}

function isSame(one: Connection, other: Connection): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

interface Making {
  readonly base: Connection;
  readonly ranges: readonly Range[];
  readonly ground: Ground;
}

/** Undefined: it names something that we cannot make up. Empty: nobody on this machine can ever be under it. */
function connectionsOf(match: MatchLine, making: Making): readonly Connection[] | undefined {
  const { base, ground } = making;
  const users = usersOf(match, making);
  // Nobody on this machine is meant: it can hold for no connection.
  if (users.length === 0) return [];
  let made: readonly Connection[] = users.map((user) => ({ ...base, user }));
  for (const criterion of match.criteria) {
    const changes = changesOf(criterion, making);
    if (changes === undefined) return undefined;
    made = made.flatMap((one) => changes.map((change) => ({ ...one, ...change })));
  }
  const fitting = made.filter((one) => holds(match, one, ground.accounts) === true);
  // All were excluded by a negation that our samples do not get around: said, not passed over.
  return fitting.length === 0 ? undefined : fitting.slice(0, MAX_SAMPLES);
}

/** Who fits what it says of users and groups: those of this machine, and made-up ones. */
function usersOf({ criteria }: MatchLine, { base, ground }: Making): readonly string[] {
  const about = criteria.filter(({ kind }) => kind === "user" || kind === "group" || kind === "invalid-user");
  const { accounts } = ground.accounts;
  const named = about.filter(({ kind }) => kind === "user").flatMap(({ patterns }) => patterns.map(example));
  const candidates = [base.user, ...named, "root", ...accounts.map(({ name }) => name)];
  const fits = (user: string): boolean =>
    about.every((criterion) => meets(criterion, { ...base, user }, ground.accounts) === true);
  return [...new Set(candidates)].filter(fits).slice(0, MAX_USERS);
}

function changesOf({ kind, patterns }: Criterion, { ranges }: Making): readonly Partial<Connection>[] | undefined {
  const positive = patterns.filter((pattern) => !pattern.startsWith("!"));
  switch (kind) {
    case "all":
    case "user":
    case "group":
    case "invalid-user":
      return [{}]; // chosen before
    case "host":
      return positive.map((pattern) => ({ host: example(pattern.toLowerCase()) }));
    case "address":
      return positive.flatMap((pattern) => addresses(pattern, ranges)).map((addr) => ({ addr, host: addr }));
    case "localaddress":
      return positive.flatMap((pattern) => addresses(pattern, [])).map((laddr) => ({ laddr }));
    case "localport":
      return positive.filter((pattern) => /^\d{1,5}$/.test(pattern)).map((pattern) => ({ lport: Number(pattern) }));
    case "rdomain":
      return positive.map((pattern) => ({ rdomain: example(pattern) }));
    default:
      return undefined;
  }
}

function addresses(pattern: string, ranges: readonly Range[]): readonly string[] {
  const range = parseRange(pattern);
  if (range !== undefined) return samplesOf(range, ranges);
  if (pattern === "*") return [...OUTSIDE];
  return [pattern.replaceAll("*", "7").replaceAll("?", "7")];
}

function rangesOf({ patterns }: Criterion): readonly Range[] {
  return patterns.flatMap((pattern) => parseRange(pattern.replace(/^!/, "")) ?? []);
}

function example(pattern: string): string {
  return pattern.replaceAll("*", "x").replaceAll("?", "x");
}

/** Whether a Match line holds for a connection; undefined where we do not know. */
export function holds({ criteria }: MatchLine, connection: Connection, accounts: Accounts): boolean | undefined {
  let isKnown = true;
  for (const criterion of criteria) {
    const result = meets(criterion, connection, accounts);
    if (result === false) return false;
    if (result === undefined) isKnown = false;
  }
  return isKnown ? true : undefined;
}

function meets(
  { kind, patterns }: Criterion,
  connection: Connection,
  { accounts, groups }: Accounts,
): boolean | undefined {
  switch (kind) {
    case "all":
      return true;
    case "user":
      return isListed(connection.user, patterns);
    case "invalid-user":
      return !accounts.some(({ name }) => name === connection.user);
    case "group": {
      const account = accounts.find(({ name }) => name === connection.user);
      if (account === undefined) return false;
      return isAnyListed(groupsOf(account, groups), patterns);
    }
    case "host":
      return isListed(
        connection.host.toLowerCase(),
        patterns.map((pattern) => pattern.toLowerCase()),
      );
    case "address":
      return isAddressListed(connection.addr, patterns);
    case "localaddress":
      return isAddressListed(connection.laddr, patterns);
    case "localport":
      return isListed(String(connection.lport), patterns);
    case "rdomain":
      return isListed(connection.rdomain, patterns);
    default:
      return undefined;
  }
}

/** A negated pattern that fits wins over all others (PATTERNS in ssh_config(5)). */
export function isListed(text: string, patterns: readonly string[]): boolean {
  return isAnyListed([text], patterns);
}

function isAnyListed(texts: readonly string[], patterns: readonly string[]): boolean {
  const fits = (pattern: string): boolean => texts.some((text) => wildcard(pattern).test(text));
  if (patterns.some((pattern) => pattern.startsWith("!") && fits(pattern.slice(1)))) return false;
  return patterns.some((pattern) => !pattern.startsWith("!") && fits(pattern));
}

function isAddressListed(address: string, patterns: readonly string[]): boolean {
  const fits = (pattern: string): boolean => {
    const range = parseRange(pattern);
    return range === undefined ? wildcard(pattern).test(address) : isIn(address, range);
  };
  if (patterns.some((pattern) => pattern.startsWith("!") && fits(pattern.slice(1)))) return false;
  return patterns.some((pattern) => !pattern.startsWith("!") && fits(pattern));
}

export function argumentOf({ user, host, addr, laddr, lport, rdomain }: Connection): string | undefined {
  const parts = { user, host, addr, laddr, lport: String(lport), ...(rdomain === "" ? {} : { rdomain }) };
  const isPlain = Object.values(parts).every((value) => /^[\w.:@%-]+$/.test(value));
  return isPlain
    ? Object.entries(parts)
        .map(([name, value]) => `${name}=${value}`)
        .join(",")
    : undefined;
}
