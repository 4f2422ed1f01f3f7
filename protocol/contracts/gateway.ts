/** What pages ask about one gateway: sealed readings, and the curves of its figures. */
import * as v from "valibot";
import { count, seconds, someBytes } from "../fields.ts";
import { historyPoint, historyRangeNames } from "../history.ts";
import { MAX_READING_PARTS, READING_PART_BYTES } from "../limits.ts";
import { assertedSchema, signedSchema } from "../messages.ts";
import { NO_WRITE, type Endpoint } from "./endpoint.ts";

export const gatewayEndpoints = {
  hostRead: {
    method: "POST",
    path: "/api/hosts/:host/read",
    access: "session",
    permission: "metadata.read",
    touch: {
      needed: false,
      why: "the host judges it; content needs a grant that a touch gave, and is sealed to the page",
    },
    /** A signed ReadMessage (reading.ts). `successor`: as with `prepare`. */
    request: v.strictObject({ read: signedSchema, successor: v.optional(assertedSchema) }),
    /** All parts in order; a refusal of the host is one part without ciphertext. */
    response: v.strictObject({
      parts: v.pipe(
        v.array(v.strictObject({ signed: signedSchema, ciphertext: v.optional(someBytes(READING_PART_BYTES)) })),
        v.minLength(1),
        v.maxLength(MAX_READING_PARTS),
      ),
    }),
  },
  hostHistory: {
    method: "GET",
    path: "/api/hosts/:host/history",
    access: "session",
    permission: "metadata.read",
    touch: NO_WRITE,
    /** Query: `range`, one of `historyRangeNames`. */
    response: v.strictObject({
      range: v.picklist(historyRangeNames),
      step: count,
      /** Steps without a gap in time, oldest first; the last one is not over yet. */
      points: v.pipe(v.array(historyPoint), v.maxLength(200)),
      now: seconds,
    }),
  },
} as const satisfies Record<string, Endpoint>;
