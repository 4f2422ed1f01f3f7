import { describe, expect, it } from "vitest";
import { parseHujson } from "../../../../agent/edge/tailscale/hujson.ts";
import { MARK, planPolicy } from "../../../../agent/edge/tailscale/merge.ts";
import { policyText, wantedParts } from "../../../../agent/edge/tailscale/policy.ts";

const wish = { people: ["ada@example.com", "group:ops"], owners: ["autogroup:admin"], port: 4470, agentPort: 4471 };
const wanted = wantedParts(wish);
const count = wanted.length;

const theirs = `// Our tailnet. Ask Bo before you change it.
{
  "groups": {
    "group:ops": ["bo@example.com"], // the night shift
  },
  /* Reachability */
  "grants": [
    // everybody prints
    {"src": ["*"], "dst": ["tag:printer"], "ip": ["tcp:631"]},
    // and nothing else
  ],
  "tagOwners": {
    "tag:printer": ["group:ops"]
  }
}
`;

/** Lines of theirs that are still there as they were, in their order. */
function keeps(text: string, lines: readonly string[]): void {
  let at = 0;
  for (const line of lines) {
    const found = text.indexOf(line, at);
    expect(found, line).toBeGreaterThanOrEqual(at);
    at = found + line.length;
  }
}

describe("our part", () => {
  it("is two tags, one grant for hosts and one for people, each with tests", () => {
    expect(policyText(wanted)).toBe(`{
	"tagOwners": {
		"tag:clawhold-edge": ["autogroup:admin"],
		"tag:clawhold-host": ["autogroup:admin"],
	},
	"grants": [
		{"src": ["tag:clawhold-host"], "dst": ["tag:clawhold-edge"], "ip": ["tcp:4471"]},
		{"src": ["ada@example.com", "group:ops"], "dst": ["tag:clawhold-edge"], "ip": ["tcp:4470"]},
	],
	"tests": [
		{"src": "tag:clawhold-host", "proto": "tcp", "accept": ["tag:clawhold-edge:4471"], "deny": ["tag:clawhold-edge:4470", "tag:clawhold-edge:22", "tag:clawhold-host:22"]},
		{"src": "ada@example.com", "proto": "tcp", "accept": ["tag:clawhold-edge:4470"], "deny": ["tag:clawhold-edge:4471"]},
		{"src": "group:ops", "proto": "tcp", "accept": ["tag:clawhold-edge:4470"], "deny": ["tag:clawhold-edge:4471"]},
		{"src": "tag:clawhold-edge", "proto": "tcp", "deny": ["tag:clawhold-host:22", "tag:clawhold-host:4471"]},
	],
}`);
  });
});

describe("a policy of others", () => {
  it("gets our part and keeps every line of its own", () => {
    const plan = planPolicy(theirs, wanted);
    expect([plan.add.length, plan.remove, plan.foreign]).toEqual([count, [], []]);
    keeps(plan.text, theirs.replace('["group:ops"]\n  }\n}', '["group:ops"]').split("\n"));
    const json = parseHujson(plan.text).json as { readonly grants: unknown[]; readonly tests: unknown[] };
    expect([json.grants.length, json.tests.length]).toEqual([3, 4]);
  });

  it.each([
    theirs,
    "{}",
    "{ }",
    "// c\n{\n}",
    '{"grants": [], "tests": [],}',
    '{"tests":[{"src":"a@b.c","accept":["x:1"]}]}',
  ])("is as planned afterwards, and a second plan changes nothing: %j", (before) => {
    const { text } = planPolicy(before, wanted);
    expect(planPolicy(text, wanted)).toEqual({ add: [], remove: [], foreign: [], text });
    const old = parseHujson(before).json as Readonly<Record<string, unknown>>;
    for (const [key, value] of Object.entries(old))
      if (!Array.isArray(value)) expect((parseHujson(text).json as never)[key]).toMatchObject(value as object);
  });

  it("loses nothing of its own when our part goes", () => {
    const { text } = planPolicy(theirs, wanted);
    const back = planPolicy(
      text,
      wanted.filter(({ section }) => section === "tagOwners"),
    );
    expect(back.add).toEqual([]);
    expect(back.remove).toHaveLength(count - 2);
    expect(back.text).not.toContain(MARK);
    keeps(back.text, ["// the night shift", "/* Reachability */", "// everybody prints", "// and nothing else"]);
  });

  it("that says something about our tags is shown and left", () => {
    const more = theirs.replace(
      '"grants": [',
      '"grants": [\n    {"src": ["group:ops"], "dst": ["tag:clawhold-edge"], "ip": ["tcp:22"]},',
    );
    const plan = planPolicy(more, wanted);
    expect(plan.foreign).toEqual(['{"src": ["group:ops"], "dst": ["tag:clawhold-edge"], "ip": ["tcp:22"]}']);
    expect(plan.text).toContain('"ip": ["tcp:22"]');
  });
});

describe("drift", () => {
  const { text } = planPolicy(theirs, wanted);

  it("of an entry of ours is replaced", () => {
    const drifted = text.replace('["ada@example.com", "group:ops"]', '["*"]');
    const plan = planPolicy(drifted, wanted);
    expect([plan.add.length, plan.remove.length]).toEqual([1, 1]);
    expect(plan.remove[0]?.json).toMatchObject({ src: ["*"] });
    expect(parseHujson(plan.text).json).toEqual(parseHujson(text).json);
  });

  it("of who may give the tags is replaced", () => {
    const drifted = text.replace(
      '"tag:clawhold-host": ["autogroup:admin"]',
      '"tag:clawhold-host": ["autogroup:member"]',
    );
    const plan = planPolicy(drifted, wanted);
    expect([plan.add.length, plan.remove.length]).toEqual([1, 1]);
    expect(parseHujson(plan.text).json).toEqual(parseHujson(text).json);
  });

  it("by a missing entry is seen, and another order or a lost comment is none", () => {
    const line = text.split("\n").find((one) => one.includes('"tcp:4471"')) ?? "";
    expect(planPolicy(text.replace(line, ""), wanted).add).toHaveLength(1);
    expect(planPolicy(text.replaceAll(MARK, ""), wanted)).toMatchObject({ add: [], remove: [] });
    const turned = text.replace(
      /\{"src": \["tag:clawhold-host"\], "dst": (\[[^\]]*\]), "ip": (\[[^\]]*\])\}/,
      (_all, dst: string, ip: string) => `{"ip": ${ip}, "dst": ${dst}, "src": ["tag:clawhold-host"]}`,
    );
    expect(turned).not.toBe(text);
    expect(planPolicy(turned, wanted)).toMatchObject({ add: [], remove: [] });
  });
});

describe("a policy that is not one", () => {
  it.each(["[]", "{", '{"grants": {}}', '{"tests": 1}', '{"tagOwners": []}'])("is not touched: %j", (text) => {
    expect(() => planPolicy(text, wanted)).toThrow(expect.objectContaining({ name: "HujsonError" }));
  });
});
