/** How the two checks of a gateway's configuration as a file are judged: who may write it, and whether somebody wrote it down. */
import { clause, type Judgement } from "../judge.ts";
import { noGateway, of } from "./gateway/rows.ts";

const HOW: Readonly<Record<string, string>> = {
  file: "the gateway's user can write to it",
  directory: "the gateway's user can put another file in its place",
};

const VERSIONS = {
  none: "no version of the configuration is kept with its author",
  changed: "the configuration that runs is none that was written down",
  outside: "the configuration was changed by somebody whom nobody knows",
} as const;

export const configurationJudgements = {
  "cfg.immutable": {
    exempt: noGateway,
    clauses: [
      clause("gateway.writable", (rows, reader) =>
        rows.flatMap(({ gateway, path, how }) =>
          how.map((what) => of(gateway, reader, `${path}: ${HOW[what] ?? "the gateway's user can change it"}`)),
        ),
      ),
    ],
  },
  "cfg.versioned": {
    exempt: noGateway,
    clauses: [
      clause("gateway.versions", (rows, reader) =>
        rows.flatMap(({ gateway, state }) => (state === "written" ? [] : [of(gateway, reader, VERSIONS[state])])),
      ),
    ],
  },
} as const satisfies Record<"cfg.immutable" | "cfg.versioned", Judgement>;
