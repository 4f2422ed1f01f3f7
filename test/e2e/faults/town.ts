/** A set-up installation whose own host is admitted, for faults to happen to. */
import path from "node:path";
import { openSql } from "../../../agent/edge/d1.ts";
import type { CommandStatus } from "../../../protocol/contracts.ts";
import { AS_A_PROGRAM, temporaryDirectory, Up, type UpOptions } from "../installation.ts";
import { HeadlessOperator } from "../operator.ts";
import { clawhold } from "./program.ts";

export interface TownOptions {
  readonly port: number;
  /** A directory of its own unless given. */
  readonly dataDir?: string;
  readonly gateway?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Town {
  readonly options: UpOptions;
  readonly up: Up;
  readonly operator: HeadlessOperator;
  /** The host beside the edge. */
  readonly host: string;
  readonly dataDir: string;
  stop(): Promise<void>;
}

export function seedOf(url: string): string {
  return new URLSearchParams(new URL(url).hash.slice(1)).get("seed") ?? "";
}

export async function startTown({ port, dataDir, gateway = "none", env = {} }: TownOptions): Promise<Town> {
  const directory = dataDir === undefined ? temporaryDirectory("faults") : { path: dataDir, remove: () => undefined };
  const options = { dataDir: directory.path, port, agentPort: port + 1, gateway, env: { ...AS_A_PROGRAM, ...env } };
  const up = new Up(options);
  const setup = await up.event((said) => said.event === "setup");
  const operator = await HeadlessOperator.create(port);
  await operator.setUp(seedOf(String(setup["url"])));
  const host = await operator.admitFirstHost();
  await up.event((said) => said.event === "admitted");
  return {
    options,
    up,
    operator,
    host,
    dataDir: directory.path,
    async stop() {
      operator.close();
      await up.stop();
      directory.remove();
    },
  };
}

/** A signed no-op, from the question to its end. */
export async function check(operator: HeadlessOperator, host: string): Promise<CommandStatus> {
  const sent = await operator.build("host.check@1", host);
  await operator.submit(sent);
  return operator.ended(sent, host);
}

/** A fresh join file, as `clawhold host invite` prints it. */
export async function invite(town: Town): Promise<string> {
  const { out } = await clawhold(["host", "invite", "--data", town.dataDir]);
  return out;
}

/** The edge's database, through its own private socket: for what only time would bring about. */
export function sql(dataDir: string, statement: string): Promise<unknown> {
  return openSql(path.join(dataDir, "run", "d1.sock"))([{ sql: statement }]);
}
