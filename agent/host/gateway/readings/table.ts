/** The table of what can be read from a gateway; a new read of the protocol does not compile without its row. */
import type { ReadArgs, ReadResult } from "../../../../protocol/reads.ts";
import type { GatewayReadings, GatewayReadName } from "../control-interface.ts";
import { readCommandRules } from "../operations/exec.ts";
import { readQuestions } from "../questions/open.ts";
import { ReadingError } from "../reading-error.ts";
import { readAdvice } from "./advice.ts";
import { readAgent, readAgentList } from "./agents.ts";
import { withGateway, type Asking, type ReadingDeps } from "./asking.ts";
import { readChannelList } from "./channels.ts";
import {
  readConfigSchema,
  readConfigState,
  readConfigValues,
  readConfigVersion,
  readLockdown,
} from "./configuration.ts";
import { readDevices } from "./devices.ts";
import { readExtensions } from "./extensions.ts";
import { readJob, readJobRuns, readJobs } from "./jobs.ts";
import { readLogs } from "./logs.ts";
import { readSessionList, readTranscript } from "./sessions.ts";
import { readUsageShares } from "./usage.ts";

type Rows = { readonly [N in GatewayReadName]: (asking: Asking, args: ReadArgs<N>) => Promise<ReadResult<N>> };

const rows: Rows = {
  "gateway.sessions@1": readSessionList,
  "gateway.agents@1": readAgentList,
  "gateway.jobs@1": readJobs,
  "gateway.job-runs@1": readJobRuns,
  "gateway.devices@1": readDevices,
  "gateway.channels@1": readChannelList,
  "gateway.extensions@1": readExtensions,
  "gateway.usage@1": readUsageShares,
  "gateway.config@1": readConfigState,
  "gateway.advice@1": readAdvice,
  "gateway.lockdown@1": readLockdown,
  "gateway.questions@1": ({ deps, wide, now }) => {
    if (deps.questions === undefined) throw new ReadingError("unsupported");
    return readQuestions(deps.questions, () => readCommandRules(wide.ask), now);
  },
  "content.logs@1": readLogs,
  "content.config@1": readConfigValues,
  "content.config-schema@1": readConfigSchema,
  "content.config-version@1": readConfigVersion,
  "content.transcript@1": readTranscript,
  "content.job@1": readJob,
  "content.agent@1": readAgent,
};

export function gatewayReadings(deps: ReadingDeps): GatewayReadings {
  return {
    read: (operation, args) => {
      // The arguments went through the read's own schema before anybody was asked to answer.
      const row = rows[operation] as (asking: Asking, args: unknown) => Promise<unknown>;
      return withGateway(deps, (asking) => row(asking, args));
    },
  };
}

export type { ReadingDeps };
