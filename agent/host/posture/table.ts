/** All collectors and all judgements, put together from their areas. */
import type { CheckId } from "../../../protocol/posture.ts";
import { configurationJudgements } from "./checks/configuration.ts";
import { gatewayJudgements } from "./checks/gateway.ts";
import { identityJudgements } from "./checks/identity.ts";
import { integrityJudgements } from "./checks/integrity.ts";
import { networkJudgements } from "./checks/network.ts";
import { secretsJudgements } from "./checks/secrets.ts";
import { sshJudgements } from "./checks/ssh.ts";
import type { Collector } from "./collector.ts";
import { gatewayCollectors } from "./collectors/gateway.ts";
import { identityCollectors } from "./collectors/identity.ts";
import { integrityCollectors } from "./collectors/integrity.ts";
import { networkCollectors } from "./collectors/network.ts";
import { secretsCollectors } from "./collectors/secrets.ts";
import { sshCollectors } from "./collectors/ssh.ts";
import type { Judgement } from "./judge.ts";

export const collectors: readonly Collector[] = [
  ...gatewayCollectors,
  ...sshCollectors,
  ...networkCollectors,
  ...identityCollectors,
  ...secretsCollectors,
  ...integrityCollectors,
];

export const judgements: Readonly<Record<CheckId, Judgement>> = {
  ...gatewayJudgements,
  ...sshJudgements,
  ...networkJudgements,
  ...identityJudgements,
  ...secretsJudgements,
  ...integrityJudgements,
  ...configurationJudgements,
};
