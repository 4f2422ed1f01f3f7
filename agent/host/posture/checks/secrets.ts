/** How each check of this area is judged. */
import type { secretChecks } from "../../../../protocol/posture/secrets.ts";
import { clause, type Judgement } from "../judge.ts";
import type { LooseFile } from "../collectors/secrets/files.ts";
import { noGateway, of } from "./gateway/rows.ts";

const LOOSE = {
  read: "can be read by others",
  write: "can be changed by others",
  owner: "belongs to another user",
  link: "is a link, and leads elsewhere",
} as const satisfies Record<LooseFile["why"], string>;

const PLACES = {
  history: "a shell's history",
  unit: "a unit or a schedule",
  environment: "an environment file",
  log: "a log",
  file: "a file that others can read",
} as const;

/** Where a key is left behind by mistake, whoever may read it. */
const NEVER = new Set(["history", "unit", "environment", "log"]);

export const secretsJudgements = {
  "key.plaintext": {
    clauses: [
      clause("secrets.plaintext", ({ places }) =>
        places
          .filter(({ kind, isOpen }) => isOpen || NEVER.has(kind))
          .map(({ path, kind, providers }) => `${path} holds a key (${providers.join(", ")}): ${PLACES[kind]}`),
      ),
    ],
  },
  "gw.state.perms": {
    exempt: noGateway,
    clauses: [
      clause("secrets.files", (rows, reader) =>
        rows.flatMap(({ gateway, loose }) =>
          loose.map(({ path, mode, why }) => of(gateway, reader, `${path} (mode ${mode}) ${LOOSE[why]}`)),
        ),
      ),
    ],
  },
  "enc.at-rest": {
    exempt: noGateway,
    clauses: [
      clause("secrets.disk", (rows, reader) =>
        rows
          .filter(({ isEncrypted }) => !isEncrypted)
          .map(({ gateway, device }) => of(gateway, reader, `${device}, under the gateway's files, is not encrypted`)),
      ),
    ],
  },
} as const satisfies Record<keyof typeof secretChecks, Judgement>;
