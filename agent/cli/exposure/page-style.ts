/** How the exported page looks: the colours of the dashboard (web/styles/tokens.css), in one file that needs no other. */
export const pageStyle = `
:root { color-scheme: light dark;
  --paper: light-dark(#f7f6f3, #11110f); --panel: light-dark(#ffffff, #191917); --sunken: light-dark(#f2f0eb, #131311);
  --line: light-dark(#e6e3dc, #2b2a27); --text: light-dark(#1b1a17, #edebe6); --text-2: light-dark(#524e47, #b9b5ac);
  --ok: light-dark(#17653f, #71d6a1); --ok-soft: light-dark(#e8f4ed, #12271c);
  --warn: light-dark(#7a4b00, #efbb62); --warn-soft: light-dark(#fcf2df, #2a2112);
  --bad: light-dark(#a1241d, #ff9b92); --bad-soft: light-dark(#fceceb, #311816);
  --unknown-line: light-dark(#a9a498, #66625a); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.4rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2rem 0 .6rem; display: inline-block; }
h2 span { color: var(--text-2); font-weight: 400; font-variant-numeric: tabular-nums; }
h3 { font-size: 1rem; margin: 0; }
header { display: flex; gap: 1.25rem; align-items: flex-start; }
header > div { min-width: 0; flex: 1; }
.grade { font-size: 5rem; line-height: 1; font-weight: 700; margin: 0; padding: .6rem 1.1rem; border-radius: 12px; }
.grade-A { background: var(--ok-soft); color: var(--ok); }
.grade-B, .grade-C { background: var(--warn-soft); color: var(--warn); }
.grade-D, .grade-F { background: var(--bad-soft); color: var(--bad); }
.score { margin: .2rem 0 .8rem; font-variant-numeric: tabular-nums; }
dl { margin: 0; } dl div { display: flex; gap: .75rem; } dt { flex: 0 0 6rem; color: var(--text-2); } dd { margin: 0; overflow-wrap: anywhere; }
article { background: var(--panel); border: 1px solid var(--line); border-left-width: 4px; border-radius: 8px; padding: .8rem 1rem; margin: 0 0 .7rem; }
article.fail.critical, article.fail.high { border-left-color: var(--bad); }
article.fail.medium, article.fail.low { border-left-color: var(--warn); }
article.unverified, article.error { border-left: 4px dashed var(--unknown-line); }
.meta, .why, footer { color: var(--text-2); font-size: .87rem; } .meta { margin: .15rem 0 .5rem; } .why { margin: .4rem 0; }
.chip { border: 1px solid currentcolor; border-radius: 999px; padding: 0 .5rem; }
.critical .chip, .high .chip { color: var(--bad); } .medium .chip { color: var(--warn); }
article ul { margin: 0; padding-left: 1.1rem; } li { overflow-wrap: anywhere; }
ul.plain { list-style: none; padding: 0; } ul.plain li { padding: .25rem 0; border-bottom: 1px solid var(--line); }
code, pre { font: .85rem/1.45 ui-monospace, monospace; } pre { background: var(--sunken); padding: .6rem .8rem; border-radius: 6px; margin: .4rem 0 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.step p { margin: .6rem 0 0; font-weight: 600; } details { margin-top: .5rem; } summary { cursor: pointer; } .evidence p { margin: .5rem 0 0; overflow-wrap: anywhere; }
@media (max-width: 34rem) { header { flex-direction: column; } dt { flex-basis: 5rem; } }
@media print { body { background: none; } article { break-inside: avoid; } details > * { display: block; } }
`;
