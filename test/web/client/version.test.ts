import { signal } from "@preact/signals";
import { describe, expect, it } from "vitest";
import { watchVersion } from "../../../web/client/version.ts";

const OWN = "/app-AAAAAAAA.js";
const page = (script: string) => `<!doctype html><script type="module" src="${script}" integrity="x"></script>`;

interface Far {
  answer: () => Promise<Response>;
  asked: RequestInit[];
  hidden: boolean;
  now: number;
}

function watched() {
  const far: Far = { answer: async () => new Response(page(OWN)), asked: [], hidden: false, now: 0 };
  const document = Object.assign(new EventTarget(), { querySelector: () => ({ getAttribute: () => OWN }) });
  Object.defineProperty(document, "hidden", { get: () => far.hidden });
  const view = {
    document,
    performance: { now: () => far.now },
    fetch: (_: string, options: RequestInit) => {
      far.asked.push(options);
      return far.answer();
    },
  } as unknown as Window;
  const answers = signal(true);
  return {
    far,
    answers,
    version: watchVersion({ view, answers }),
    show: () => document.dispatchEvent(new Event("visibilitychange")),
  };
}

describe("a newer version", () => {
  it("is one whose first script has another name", async () => {
    const { far, version } = watched();
    await version.look();
    expect(version.newer.value).toBe(false);
    far.answer = async () => new Response(page("/app-BBBBBBBB.js"));
    await version.look();
    expect(version.newer.value).toBe(true);
    expect(far.asked[0]).toMatchObject({ cache: "no-store", redirect: "error" });
  });

  it.each([
    ["a page that is not the dashboard", async () => new Response("<h1>Sign in to the network</h1>")],
    ["a refusal", async () => new Response(page("/app-BBBBBBBB.js"), { status: 503 })],
    ["a script of another place", async () => new Response(page("https://evil.example/app-BBBBBBBB.js"))],
    ["no answer", () => Promise.reject(new TypeError("Failed to fetch"))],
  ])("is not concluded from %s", async (_, answer) => {
    const { far, version } = watched();
    far.answer = answer;
    await version.look();
    expect(version.newer.value).toBe(false);
  });

  it("is looked for when the control plane answers again", () => {
    const { far, answers } = watched();
    answers.value = false;
    expect(far.asked).toHaveLength(0);
    answers.value = true;
    expect(far.asked).toHaveLength(1);
  });

  it("is looked for when somebody comes back to the page, at most every five minutes", () => {
    const { far, show } = watched();
    far.now = 300_000;
    show();
    expect(far.asked).toHaveLength(0);
    far.now = 300_001;
    far.hidden = true;
    show();
    expect(far.asked).toHaveLength(0);
    far.hidden = false;
    show();
    show();
    expect(far.asked).toHaveLength(1);
  });
});
