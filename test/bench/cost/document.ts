/** docs/COST.md, written from the counts: nobody edits its numbers by hand. */
import { KEEP_ALIVE_SECONDS } from "../../../protocol/limits.ts";
import type { Units } from "./count.ts";
import type { Counted } from "./counts.ts";
import { keepAliveRequests, priceOf, totalOf, usageOf, type Bill, type Fleet } from "./model.ts";
import { OBJECT_GB, PLAN_A_MONTH, PRICES, type Charged } from "./prices.ts";

export interface Measured {
  /** ISO date. */
  readonly at: string;
  readonly units: Units;
}

const HOSTS = [10, 1_000, 100_000] as const;
const CHARGED = Object.keys(PRICES) as readonly Charged[];

interface Case {
  readonly title: string;
  readonly fleet: (hosts: number) => Fleet;
}

const CASES: readonly Case[] = [
  {
    title: "Idle: every host connected, nobody looks, no commands",
    fleet: (hosts) => ({ hosts, commands: 0, watchedHours: 0 }),
  },
  {
    title: "Looked at: as idle, and the fleet's page is open for 8 hours a day",
    fleet: (hosts) => ({ hosts, commands: 0, watchedHours: 8 }),
  },
  {
    title: "In use: 10 commands a host and day, the fleet's page open for 8 hours a day",
    fleet: (hosts) => ({ hosts, commands: 10, watchedHours: 8 }),
  },
];

const PARTS: Readonly<Record<keyof Units, string>> = {
  idle: "three hosts with keep-alives only, 13 seconds",
  telemetry: "a host says its figures",
  telemetryAgain: "again within a minute",
  historyHour: "a host says its samples, first in an hour",
  history: "again within the hour",
  command: "a command: asked, signed, delivered, receipted",
  connection: "a tunnel ends and is opened again",
  checkpoint: "a checkpoint, for all hosts together",
  checkpointHost: "a checkpoint, for each host that witnesses it",
  poll: "a look at the fleet, for all hosts together",
  pollHost: "a look at the fleet, for each host",
};

const COLUMNS: Readonly<Record<keyof Counted, string>> = {
  requests: "requests",
  objectRequests: "object requests",
  alarms: "alarms",
  messages: "frames in",
  objectRowsRead: "object rows read",
  objectRowsWritten: "written",
  databaseQueries: "D1 queries",
  databaseRowsRead: "D1 rows read",
  databaseRowsWritten: "written",
};

export function costDocument({ at, units }: Measured): string {
  return `${[
    INTRODUCTION,
    ...CASES.map(({ title, fleet }) => caseOf(title, fleet, units)),
    KEEP_ALIVES,
    keepAliveTable(),
    `## What was counted\n\nOn ${at}, by the real Worker and its objects in workerd. A part that grows with the fleet was counted with three hosts and with six.`,
    table(
      ["of one", ...Object.values(COLUMNS)],
      Object.entries(units).map(([part, counted]) => partRow(part, counted as Counted)),
    ),
    ASSUMPTIONS,
    `## Prices\n\nUS dollars, Workers Paid plan ($${String(PLAN_A_MONTH)} a month), as the pages said on 20 November 2026: <https://developers.cloudflare.com/workers/platform/pricing/>, <https://developers.cloudflare.com/durable-objects/platform/pricing/>, <https://developers.cloudflare.com/d1/platform/pricing/>. Storage ($0.20 a GB and month in objects, $0.75 in D1 beyond 5 GB) comes to it: an empty object is about 12 KB, an entry of the log about 1.4 KB.`,
    table(
      ["what", "included in a month", "a million more"],
      CHARGED.map((name) => [
        PRICES[name].name,
        `${amount(PRICES[name].included)} ${PRICES[name].unit}`,
        `$${String(PRICES[name].million)}`,
      ]),
    ),
  ].join("\n\n")}\n`;
}

const INTRODUCTION = `# What Clawhold costs on Cloudflare

Computed, not billed: what each part of a day costs was counted ([counts.json](../test/bench/cost/counts.json)), what a day
consists of is assumed ([model.ts](../test/bench/cost/model.ts)). \`npm run bench -- cost\` counts again and writes this file; a test
holds it against the counts. Locally and in a private network none of this is charged.

An idle host costs little: its keep-alives are answered by the runtime while its object sleeps, and it says its figures only
while somebody looks ([0032](decisions/0032-what-an-idle-host-costs.md)). What is left in the first table is its samples for the curves,
four batches an hour ([0040](decisions/0040-history.md)), one reconnection a day, with its two entries in the log, and the checkpoints over them: a host that witnesses the log takes part in each, and in a very large fleet that is the bill.`;

function caseOf(title: string, fleet: (hosts: number) => Fleet, units: Units): string {
  const bills = HOSTS.map((hosts) => usageOf(fleet(hosts), units));
  const priced = bills.map(priceOf);
  const rows = CHARGED.map((name) => [PRICES[name].name, ...bills.map((bill, i) => cell(bill, priced[i], name))]);
  const total = ["**a month**", ...priced.map((bill) => `**${dollars(totalOf(bill))}**`)];
  const each = ["a host", ...priced.map((bill, i) => dollars(totalOf(bill) / (HOSTS[i] ?? 1), 4))];
  return `## ${title}\n\n${table(["", ...HOSTS.map((hosts) => `${amount(hosts)} hosts`)], [...rows, total, each])}`;
}

function cell(usage: Bill, priced: Bill | undefined, name: Charged): string {
  const price = priced?.[name] ?? 0;
  return price === 0 ? amount(usage[name]) : `${amount(usage[name])}: ${dollars(price)}`;
}

const KEEP_ALIVES = `## Keep-alives

A host sends one every ${String(KEEP_ALIVE_SECONDS)} seconds. Cloudflare's page says that one which the runtime answers costs no duration; it does not say whether it counts as
an incoming message (twenty are one request). If it does, this comes to each table above:`;

function keepAliveTable(): string {
  const requests = HOSTS.map(keepAliveRequests);
  return table(
    ["", ...HOSTS.map((hosts) => `${amount(hosts)} hosts`)],
    [
      ["requests", ...requests.map(amount)],
      ["at most", ...requests.map((value) => dollars((value / 1e6) * PRICES.objectRequests.million))],
    ],
  );
}

const ASSUMPTIONS = `## What was assumed

- A host reconnects once a day, its gateway restarts once a day, and it says its figures every six hours
  and its samples every quarter of an hour, with a gateway; every five minutes while somebody looks.
- Entries come evenly over the day. A checkpoint is signed at most every 10 seconds in fleets of up to 100 hosts, every 100 with
  1,000 hosts, every 300 with more than 3,000.
- A page asks for the fleet every 5 seconds up to 250 hosts, and 50 hosts a second beyond: with 100,000 hosts every 33 minutes.
  One answer lists them all, which Cloudflare's limit of 10,000 calls in one request does not allow in this version.
- One object is at work for 30 ms for each request, frame or alarm, charged as ${String(OBJECT_GB)} GB whatever it uses, and the Worker
  computes 5 ms for each request. These two are guesses on the safe side, because this machine's milliseconds are not Cloudflare's.
- Signing in, statements, exports, streams and alerts are rare, and left out. A look at the fleet by a person is counted as one page.`;

function partRow(part: string, counted: Counted): readonly string[] {
  const values = (Object.keys(COLUMNS) as (keyof Counted)[]).map((key) => String(counted[key]));
  return [PARTS[part as keyof Units], ...values];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_cell, i) => (i === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

function amount(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toFixed(1)} G`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} M`;
  return Math.round(value).toLocaleString("en-US");
}

function dollars(value: number, digits = 2): string {
  return `$${value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}
