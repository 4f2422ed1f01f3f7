/** Every relative link of every document leads somewhere, to the heading it names. */
import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { anchors, links } from "./markdown.ts";
import { filesBelow, read, ROOT } from "./source.ts";

const documents = ["README.md", "SECURITY.md", "CHANGELOG.md", ...filesBelow("docs", ".md")];

function broken(document: string): readonly string[] {
  return links(read(document)).filter((link) => {
    if (link.startsWith("https://")) return false;
    const [path = "", anchor] = link.split("#", 2);
    const target = path === "" ? document : normalize(join(dirname(document), path));
    if (!existsSync(join(ROOT, target))) return true;
    return anchor !== undefined && !anchors(read(target)).includes(anchor);
  });
}

describe("links", () => {
  it.each(documents)("%s has no broken one", (document) => {
    expect(broken(document)).toEqual([]);
  });

  it("the list of decisions is complete", () => {
    const listed = links(read("docs/decisions/README.md")).map((link) => join("docs/decisions", link));
    const there = documents.filter((path) => /^docs\/decisions\/\d{4}-/.test(path));
    expect(listed.toSorted()).toEqual(there);
  });
});
