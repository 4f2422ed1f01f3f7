/**
 * The gateway's configuration, by path. Values are sealed: a configuration holds keys, tokens and texts that no edge may
 * read. Each version that Clawhold writes is kept on the host, with who wrote it and by which intent.
 */
import * as v from "valibot";
import { count } from "../fields.ts";
import type { Operation } from "./operation.ts";

/** `a.b.c`, as the gateway's schema names it; a list's element by its number. */
export const configPath = v.pipe(v.string(), v.maxLength(200), v.regex(/^[A-Za-z0-9_$-]+(\.[A-Za-z0-9_$@/:-]+)*$/));

export const configChange = v.strictObject({
  /** In the order in which they were written down. `value`: JSON text; absent takes the path out. */
  changes: v.pipe(
    v.array(
      v.strictObject({ path: configPath, value: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(16_384))) }),
    ),
    v.minLength(1),
    v.maxLength(32),
  ),
  note: v.optional(v.pipe(v.string(), v.maxLength(200))),
});
export type ConfigChange = v.InferOutput<typeof configChange>;

export const configurationOperations = {
  "config.set@1": {
    class: "critical",
    permission: "gateway.configure",
    args: v.strictObject({ changes: v.pipe(count, v.minValue(1), v.maxValue(32)) }),
    sealed: configChange,
    expects: ["configHash"],
  },
  "config.rollback@1": {
    class: "critical",
    permission: "gateway.configure",
    /** Number of a version that the host keeps. */
    args: v.strictObject({ version: v.pipe(count, v.minValue(1)) }),
    expects: ["configHash"],
  },
} as const satisfies Record<string, Operation>;
