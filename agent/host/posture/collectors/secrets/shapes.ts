/** The shapes that providers give their keys. What is found is said by the provider's name alone. Pure. */

const shapes: readonly (readonly [string, RegExp])[] = [
  ["Anthropic", /\bsk-ant-[A-Za-z0-9_-]{20,}/],
  ["OpenRouter", /\bsk-or-v1-[0-9a-f]{32,}/],
  ["OpenAI", /\bsk-(?!ant-|or-)(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{32,}/],
  ["Google", /\bAIza[0-9A-Za-z_-]{35}\b/],
  ["AWS", /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/],
  ["GitHub", /\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})/],
  ["GitLab", /\bglpat-[A-Za-z0-9_-]{20,}/],
  ["Slack", /\bxox[abprs]-[A-Za-z0-9-]{20,}/],
  ["Telegram", /\b\d{8,10}:AA[A-Za-z0-9_-]{32,34}\b/],
  ["Groq", /\bgsk_[A-Za-z0-9]{40,}/],
  ["Hugging Face", /\bhf_[A-Za-z0-9]{30,}/],
  ["xAI", /\bxai-[A-Za-z0-9]{60,}/],
  ["Stripe", /\b[sr]k_live_[A-Za-z0-9]{20,}/],
  ["OpenClaw", /OPENCLAW_GATEWAY_(?:TOKEN|PASSWORD)=["']?[A-Za-z0-9_+/=-]{16,}/],
];

/** Names of those whose keys are in the text. */
export function keyShapesIn(text: string): readonly string[] {
  return shapes.filter(([, shape]) => shape.test(text)).map(([name]) => name);
}
