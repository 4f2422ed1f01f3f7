import { expect, it } from "vitest";
import { deviceOf } from "../../../worker/http/device.ts";

const CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

it.each([
  [CHROME, "Chrome on Linux"],
  [CHROME.replace("Chrome", "HeadlessChrome"), "Chrome on Linux"],
  [`${CHROME} Edg/140.0`, "Edge on Linux"],
  [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/26.0 Safari/605.1.15",
    "Safari on Mac",
  ],
  ["Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1", "Safari on iPhone"],
  ["Mozilla/5.0 (Android 16; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0", "Firefox on Android"],
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Windows"],
  ["clawhold-ui", "clawhold ui"],
  ["curl/8.0", "Unknown device"],
  ["<script>Linux", "Linux"],
  [undefined, "Unknown device"],
])("%s is called %s", (text, words) => {
  expect(deviceOf(text)).toBe(words);
});
