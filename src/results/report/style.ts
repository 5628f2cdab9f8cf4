/** The style sheet of a report: no outside fonts or files, light and dark, from phone to print. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #fbfbfa; --card: #ffffff; --ink: #1b1c1e; --ink-soft: #5c6066; --line: #dcdee1; --accent: #00629b;
  --warn-page: #fff4dc; --warn-line: #d9a326; --bad: #b3261e;
  --series-1: #0072b2; --series-2: #d55e00; --series-3: #009e73; --series-4: #b5548b;
  --series-5: #b08900; --series-6: #3a9bd0; --series-7: #5b4a9c; --series-8: #6b6b6b;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #131416; --card: #1c1e21; --ink: #eceef0; --ink-soft: #a4a9b0; --line: #3a3e44; --accent: #6cb8e6;
    --warn-page: #35290d; --warn-line: #b98a20; --bad: #f2867e;
    --series-1: #5ab4e8; --series-2: #f5894a; --series-3: #35c99b; --series-4: #e08cbd;
    --series-5: #e5c33a; --series-6: #9ad6f5; --series-7: #b0a1ee; --series-8: #b5b5b5;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
body { margin: 0; background: var(--page); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
main, header, footer { max-width: 1080px; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 1.5rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .4rem; }
h2 { font-size: 1.25rem; margin: 0 0 .6rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .5rem; }
p { margin: .5rem 0; max-width: 68ch; }
section > ul { margin: .6rem 0; padding-left: 1.2rem; max-width: 68ch; }
a { color: var(--accent); }
.lead { font-size: 1.05rem; color: var(--ink-soft); }
.note { font-size: .875rem; color: var(--ink-soft); }
.warning { background: var(--warn-page); border-left: 4px solid var(--warn-line); padding: .6rem .9rem; margin: 1rem 0; border-radius: 4px; max-width: none; }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; list-style: none; padding: 0; margin: .8rem 0; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1.1rem; margin: 1.1rem 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .8rem; margin: 1rem 0; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .7rem .9rem; }
.tile b { display: block; font-size: 1.6rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tile span { font-size: .85rem; color: var(--ink-soft); display: block; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .6rem 1.5rem; margin: .6rem 0; }
.facts dt { font-size: .8rem; color: var(--ink-soft); }
.facts dd { margin: 0; }
figure { margin: 0; min-width: 0; }
figcaption { font-size: .85rem; color: var(--ink-soft); margin-bottom: .3rem; }
svg { display: block; width: 100%; height: auto; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 18.5rem), 1fr)); gap: 1.4rem; align-items: start; }
.multiples { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 12.5rem), 1fr)); gap: 1rem; align-items: start; }
.scroll { overflow-x: auto; margin: 0 0 .8rem; }
.caption { margin: 1rem 0 .3rem; }
table { border-collapse: collapse; font-size: .92rem; width: 100%; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; font-weight: normal; overflow-wrap: normal; }
tbody th { min-width: 6.5rem; }
.stacked tbody th { white-space: nowrap; }
thead th { font-size: .8rem; color: var(--ink-soft); vertical-align: bottom; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.spread { color: var(--ink-soft); font-size: .78rem; white-space: nowrap; }
.confusion td, .confusion thead th { text-align: center; }
.confusion td { border: 1px solid var(--line); font-variant-numeric: tabular-nums; min-width: 4.2rem; }
.confusion td b { display: block; }
.confusion td span { font-size: .78rem; white-space: nowrap; }
.confusion tbody th { max-width: 11rem; }
.rows { display: grid; gap: 1rem; }
.rows:not(:has(.pictures > :nth-child(3))) { grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); }
.pictures { display: grid; gap: .5rem; max-width: 58rem; }
.pictures img { width: 100%; height: auto; display: block; border-radius: 4px; }
.pictures figcaption { font-size: .78rem; line-height: 1.3; margin: .25rem 0 0; }
.scale { display: flex; align-items: center; gap: .6rem; font-size: .8rem; color: var(--ink-soft); max-width: 30rem; margin: .7rem 0; }
.scale i { flex: 1; height: .7rem; border-radius: 3px; }
.bars { display: grid; gap: .7rem; max-width: 46rem; margin: 1rem 0; }
.bar { position: relative; height: 1.1rem; background: color-mix(in srgb, var(--line) 55%, transparent); border-radius: 4px; }
.bar i { position: absolute; inset: 0 auto 0 0; background: var(--series-1); border-radius: 4px; }
.bar.chance i { background: var(--series-8); }
.bar u { position: absolute; top: 50%; height: 2px; margin-top: -1px; background: var(--ink); }
.bars .label { display: flex; justify-content: space-between; gap: 1rem; font-size: .9rem; }
.bars .label span:last-child { font-variant-numeric: tabular-nums; white-space: nowrap; }
ul.findings { list-style: none; padding: 0; max-width: none; display: grid; gap: .9rem; }
.findings li { border-left: 4px solid var(--line); padding: .1rem 0 .1rem .8rem; }
.findings .leak { border-color: var(--bad); }
.findings .warning-mark { border-color: var(--warn-line); }
.findings p { margin: .15rem 0 0; }
.badge { font-size: .75rem; font-weight: 600; text-transform: uppercase; letter-spacing: .04em; color: var(--ink-soft); margin-right: .5rem; }
.leak .badge { color: var(--bad); }
.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 1.3rem; margin: 1rem 0; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: .4rem; align-items: end; }
.pair > p { grid-column: 1 / -1; margin: 0; font-size: .85rem; }
.pair img, .strip img { width: 100%; height: auto; display: block; border-radius: 4px; background: #000; }
.pair figcaption, .strip figcaption { font-size: .78rem; line-height: 1.3; margin: .25rem 0 0; }
.strip { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: .8rem; margin: .8rem 0; }
pre { background: var(--page); border: 1px solid var(--line); border-radius: 6px; padding: .7rem; overflow-x: auto; font-size: .82rem; line-height: 1.45; overflow-wrap: normal; }
summary { cursor: pointer; color: var(--accent); }
footer { padding-bottom: 2rem; }
@media (max-width: 30rem) {
  section { padding: .8rem; margin: .8rem 0; }
  main, header, footer { padding-left: .6rem; padding-right: .6rem; }
  h1 { font-size: 1.4rem; }
  .stacked thead { display: none; }
  .stacked tr { display: grid; grid-template-columns: 1fr auto; border-bottom: 1px solid var(--line); padding: .35rem 0; }
  .stacked th, .stacked td { border: 0; padding: 0; }
  .stacked td:last-child { grid-column: 1 / -1; color: var(--ink-soft); font-size: .85rem; line-height: 1.4; }
  .pictures:has(> :nth-child(4)) { grid-template-columns: repeat(2, minmax(0, 1fr)) !important; }
  th, td { padding: .3rem .45rem; }
}
@media print { :root { font-size: 80%; } .scroll { overflow-x: visible; } section, .tile { border-color: #ccc; } h2, h3, .caption { break-after: avoid; } figure, tr, .pictures, .pair, .rows > div { break-inside: avoid; } nav { display: none; } }
`;
