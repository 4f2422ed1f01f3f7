/** How long a sign-in asks for, and what it tells an edge to which nobody has shown a passkey yet. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { fromBase64url } from "../../../protocol/bytes.ts";
import { MAX_SESSION_SECONDS } from "../../../protocol/limits.ts";
import { sessionCodec, type Asserted } from "../../../protocol/messages.ts";
import { MachineMemory } from "../../../web/client/machine-memory.ts";
import { signIn, type SessionDeps } from "../../../web/client/session.ts";
import { SessionLongError, TroubleError } from "../../../web/client/trouble.ts";
import { nonceOf } from "../../fixtures/keys.ts";

vi.mock(import("../../../web/client/passkey.ts"), async (original) => ({
  ...(await original()),
  touch: ({ body }) =>
    Promise.resolve({ body: Buffer.from(body).toString("base64url"), assertion: { credentialId: "AAAA" } } as Asserted),
}));

const workspace = nonceOf("workspace");
const root = { n: 0, hash: workspace, revoked: nonceOf("none") };
const place = (n: number) => ({ n, hash: nonceOf(`hash ${n}`), revoked: nonceOf("none") });

const page = globalThis as { location?: unknown };
const before = page.location;
beforeAll(() => void (page.location = { origin: "http://clawhold.localhost:8443", hostname: "clawhold.localhost" }));
afterAll(() => void (page.location = before));

/** What a browser keeps, an edge that lets in whoever asks for no more than `limit`, and what was asked of it. */
class Scene {
  readonly kept = new Map<string, unknown>();
  readonly nonces: unknown[] = [];
  readonly asked: number[] = [];
  limit = MAX_SESSION_SECONDS;
  /** What an edge says instead of its limit. */
  told: number | undefined;
  newest = root;

  get deps(): SessionDeps {
    const call = (name: string, { body }: { body: { known?: unknown; session?: Asserted } }): Promise<unknown> =>
      name === "signInNonce" ? this.#offer(body) : this.#judge(body.session);
    return {
      client: { call, use: () => undefined },
      vault: {
        get: (key: string) => Promise.resolve(this.kept.get(key)),
        set: (key: string, value: unknown) => Promise.resolve(void this.kept.set(key, value)),
      },
      memory: new MachineMemory(() => Promise.resolve(Response.json(this.kept.get("machine") ?? {}))),
      clock: { set: () => undefined, now: () => 1_000 },
    } as unknown as SessionDeps;
  }

  #offer(body: { readonly known?: unknown }): Promise<unknown> {
    this.nonces.push(body);
    return Promise.resolve({ nonce: nonceOf("n"), workspace, trustHead: this.newest, now: 1_000, lifetime: 7_200 });
  }

  #judge(certificate: Asserted | undefined): Promise<unknown> {
    const { iat, exp } = sessionCodec.decode(fromBase64url(certificate?.body ?? ""));
    this.asked.push(exp - iat);
    if (exp - iat > this.limit)
      return Promise.reject(new SessionLongError({ code: "session_long", what: "Too long." }, this.told ?? this.limit));
    return Promise.resolve({ workspace, person: "p-ada", session: nonceOf("s"), expires: exp, now: 1_000 });
  }
}

let scene: Scene;
beforeEach(() => void (scene = new Scene()));

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof TroubleError) return error.trouble.code;
    throw error;
  }
}

describe("a sign-in asks for", () => {
  it("what everybody is offered, in a browser that knows nobody", async () => {
    await signIn(scene.deps);
    expect(scene.asked).toEqual([7_200]);
  });

  it("what whoever signed in here last may have, and never more than anybody may", async () => {
    scene.kept.set("sessionSeconds", 14_400);
    await signIn(scene.deps);
    scene.kept.set("sessionSeconds", 86_400);
    await signIn(scene.deps);
    expect(scene.asked).toEqual([14_400, MAX_SESSION_SECONDS]);
  });

  it("less at the next press, when the edge has told the person so", async () => {
    scene.limit = 600;
    expect(await codeOf(signIn(scene.deps))).toBe("session_long");
    expect(await codeOf(signIn(scene.deps))).toBeUndefined();
    expect(scene.asked).toEqual([7_200, 600]);
  });

  it("never more for what an edge says, and never nothing", async () => {
    scene.limit = -1;
    scene.kept.set("sessionSeconds", 600);
    expect(await codeOf(signIn(scene.deps))).toBe("session_long");
    expect(scene.kept.get("sessionSeconds")).toBe(60);
    scene.told = 1_000_000;
    expect(await codeOf(signIn(scene.deps))).toBe("session_long");
    expect(scene.kept.get("sessionSeconds")).toBe(60);
  });
});

describe("before the touch, the edge is told", () => {
  it("nothing by a browser that knows nothing", async () => {
    await signIn(scene.deps);
    expect(scene.nonces).toEqual([{}]);
  });

  it("a head that this browser verified, and of a signer the one that its machine did", async () => {
    scene.kept.set("trustHead", place(3));
    await signIn(scene.deps);
    scene.kept.set("machine", { workspace, head: place(4) });
    scene.newest = place(4);
    await signIn(scene.deps);
    expect(scene.nonces).toEqual([{ known: place(3) }, { known: place(4) }]);
  });

  it("and is believed to be behind when it does not know that head", async () => {
    scene.kept.set("machine", { workspace, head: place(4) });
    expect(await codeOf(signIn(scene.deps))).toBe("older_history");
    expect(scene.asked).toEqual([]);
  });
});
