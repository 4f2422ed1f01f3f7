/** The way to the edge, the clock, and this host's own certificate. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import type { EdgeProbe } from "../../host/link/probe-edge.ts";
import type { HostFile, TlsFile } from "../../host/state.ts";
import { EXIT } from "../io.ts";
import { fails, holds, notReached, type Check } from "./check.ts";

/** Certificates and challenges tolerate less. */
const MAX_CLOCK_DIFFERENCE_SECONDS = 60;
const DAY_MILLISECONDS = 86_400_000;
const JOIN_AGAIN = "Get a fresh join file and join again: clawhold join --file <join file>";

export function edgeChecks({ steps, clockDifferenceSeconds }: EdgeProbe): readonly Check[] {
  const checks = steps.map(({ isRefusal, ...step }): Check =>
    step.state === "fails" ? { ...step, exit: isRefusal === true ? EXIT.refused : EXIT.unreachable } : step,
  );
  return [...checks, clockCheck(clockDifferenceSeconds, steps.find((step) => step.state === "fails")?.name)];
}

function clockCheck(difference: number | undefined, before: string | undefined): Check {
  if (difference === undefined) return notReached("clock", before ?? "access");
  const seconds = Math.abs(difference);
  if (seconds <= MAX_CLOCK_DIFFERENCE_SECONDS)
    return holds("clock", `within ${String(Math.max(seconds, 1))} s of the edge's`);
  const direction = difference > 0 ? "ahead of" : "behind";
  return fails("clock", {
    code: difference > 0 ? "clock_ahead" : "clock_behind",
    sentence: `This host's clock is ${String(seconds)} s ${direction} the edge's. Set it (timedatectl set-ntp true); until then it may refuse commands.`,
  });
}

/** What can be seen here without asking anybody. */
export function certificateCheck({ certificate: pem, key }: TlsFile, { host }: HostFile, now: Date): Check {
  const certificate = new X509Certificate(pem);
  const { validFromDate: begins, validToDate: ends } = certificate;
  const broken = (code: string, sentence: string): Check => fails("certificate", { code, sentence });
  if (!certificate.checkPrivateKey(createPrivateKey(key)))
    return broken("certificate_key", `This host's certificate and its key do not belong together. ${JOIN_AGAIN}`);
  const owner = /^CN=(h-[0-9a-z-]+)$/m.exec(certificate.subject)?.[1];
  if (owner !== undefined && owner !== host)
    return broken(
      "certificate_other_host",
      `This host's certificate was issued to ${owner}, and this is ${host}: a directory was copied. ${JOIN_AGAIN}`,
    );
  if (now < begins)
    return broken(
      "certificate_early",
      `This host's certificate begins on ${dayOf(begins)}, which is in the future by its clock. Set the clock; if it is right, join again: clawhold join --file <join file>`,
    );
  if (now > ends)
    return broken("certificate_expired", `This host's certificate ended on ${dayOf(ends)}. ${JOIN_AGAIN}`);
  const days = Math.floor((ends.getTime() - now.getTime()) / DAY_MILLISECONDS);
  return holds("certificate", `valid for ${String(days)} more days`);
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
