"""The style of report.html: light and dark, from 400 pixels up, and on paper."""

STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--page:#fff;--soft:#f3f4f6;--line:#d5d9de;--note:#5c6570;--link:#0b57b0;
--good:#1d6f42;--bad:#b3261e;--idle:#7a5a00;--exact:#1d6f42;--holds:#4d8fc4;--corrected:#c26a1c;--not:#b3261e;
--rest:#8a8f98}
@media(prefers-color-scheme:dark){:root{--ink:#e4e7ea;--page:#14171a;--soft:#1e2327;--line:#3a4148;--note:#a3abb4;
--link:#82b7f5;--good:#6cc494;--bad:#ff8a80;--idle:#e3bf5c;--exact:#3f9c69;--holds:#5a97c9;--corrected:#d4853c;
--not:#d9655d}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
main{max-width:1160px;margin:0 auto;padding:1rem}
h1{font-size:1.6rem;line-height:1.2;margin:.5rem 0 1rem}h2{margin:2.5rem 0 .6rem;line-height:1.25}
h3{margin:.2rem 0 .6rem}
a{color:var(--link)}code{font:.85em ui-monospace,monospace;background:var(--soft);padding:.1em .3em;border-radius:3px}
dl{margin:0}dt{color:var(--note);font-size:.85rem}dd{margin:0}.note,.links{color:var(--note);font-size:.82rem}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.5rem 1.2rem}
.facts div:last-child{grid-column:span 2}
.counts{display:flex;flex-wrap:wrap;gap:.4rem 2rem;margin:1rem 0;font-size:1.05rem}.counts b{font-size:1.7rem}
.said{padding-left:1.2rem}.keys{list-style:none;padding:0;margin:.6rem 0}
.bar{display:flex;height:2.2rem;border-radius:4px;overflow:hidden;gap:1px}
.bar i{flex-basis:0;min-width:.5rem;font-style:normal;color:#fff;text-align:center;line-height:2.2rem;font-size:.8rem;
overflow:hidden}
.key{display:inline-block;width:.8rem;height:.8rem;border-radius:2px;margin-right:.4rem}
i.exact{background-color:var(--exact)}i.holds{background-color:var(--holds)}
i.corrected{background-color:var(--corrected)}
i.not-reproduced{background-color:var(--not)}i.out-of-reach,i.not-tested{background-color:var(--rest)}
.bar .enumerated{background-image:repeating-linear-gradient(45deg,#0003 0 4px,#0000 4px 8px)}
.bar .proved{box-shadow:inset 0 0 0 3px #0005}
.agrees{color:var(--good)}.differs{color:var(--bad)}.not-judged{color:var(--idle)}
.verdict{font-weight:600;white-space:nowrap}
.status{border:1px solid var(--line);border-radius:3px;padding:0 .3em;white-space:nowrap}
nav ul{padding-left:1.2rem}table{border-collapse:collapse;width:100%;font-size:.86rem}th,td{overflow-wrap:break-word}
th{text-align:left;color:var(--note);font-weight:500}
th,td{padding:.35rem .5rem;border-bottom:1px solid var(--line);vertical-align:top}
.wrong td:first-child{width:9.5rem}.wrong td:nth-child(2){width:30%}.wrong td:last-child{width:170px}
article{border:1px solid var(--line);border-radius:8px;padding:1rem;margin:1.2rem 0}
figure{margin:0}img{max-width:100%;height:auto;background:#fff;border-radius:4px}
figcaption{margin:.4rem 0;font-size:.93rem}
@media(prefers-color-scheme:dark){img{filter:brightness(.92)}}
.story{max-width:46rem}.symbols{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:.2rem 1.2rem;
background:var(--soft);border-radius:6px;padding:.7rem 1rem;font-size:.9rem}
.symbols div{display:flex;gap:.6rem}.symbols dt{min-width:3rem;font-style:italic;color:var(--ink)}
details{border-top:1px solid var(--line);padding:.5rem 0}summary{cursor:pointer}
details p{margin:.4rem 0 .4rem 1.1rem;font-size:.92rem}
:target{outline:3px solid var(--link);outline-offset:4px}.error{color:var(--bad);font-weight:600}
.margin{display:block}.margin .within{fill:var(--good);opacity:.2}.margin .axis{stroke:var(--note);fill:none}
.margin .found{fill:var(--ink)}.margin .null{fill:var(--page);stroke:var(--bad);stroke-width:1.6}
td .note{display:block;font-size:.72rem;line-height:1.25}
.rows{font-size:.8rem}.rows td:first-child{overflow-wrap:anywhere;min-width:7.2rem}
.rows td:nth-child(2){min-width:10rem}.rows td:last-child{width:166px}
@media screen and (max-width:900px){thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}
table,tbody{display:block}.rows{font-size:.88rem}
tr{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));border-bottom:2px solid var(--line);padding:.5rem 0}
td,.rows td,.wrong td{overflow-wrap:anywhere;border:0;width:auto!important;min-width:0!important;padding:.2rem .4rem}
td::before{content:attr(data-label);display:block;color:var(--note);font-size:.72rem}
.rows td:nth-child(2),.wrong td:nth-child(2),.wrong td:nth-child(3){grid-column:1/-1}
.symbols{grid-template-columns:1fr}}
@media screen and (max-width:600px){figure{overflow-x:auto}figure img{max-width:none;width:40rem}
figcaption{position:sticky;left:0}}
@page{margin:14mm 12mm}
@media print{:root{color-scheme:light;--ink:#000;--page:#fff;--soft:#f3f4f6;--line:#bbb;--note:#444;--link:#000;
--good:#1d6f42;--bad:#b3261e;--idle:#7a5a00;--exact:#1d6f42;--holds:#4d8fc4;--corrected:#c26a1c;--not:#b3261e;
--rest:#8a8f98}
*{print-color-adjust:exact}html{font-size:12px}body{font-size:1rem}main{max-width:none;padding:0}nav{display:none}
h1,h2,h3{break-after:avoid}h1,h2,h3,tr,figure,summary,dl{break-inside:avoid}
article{border:0;border-top:1px solid var(--line);border-radius:0;padding:.6rem 0;margin:.6rem 0}
img{filter:none}figure img{max-height:135mm;display:block;margin:auto}.wrong td:last-child{width:30mm}
.rows{font-size:.7rem;table-layout:fixed}th,td,.rows td{padding:.2rem .25rem}.rows .note{display:none}
.rows th{width:8%}.rows th:nth-child(1){width:12%}.rows th:nth-child(2){width:18%}.rows th:nth-child(3){width:9%}
.rows th:nth-child(4){width:13%}
.rows th:nth-child(5),.rows th:nth-child(6){width:14%}.rows th:nth-child(8){width:7%}
.margin{width:100%;height:auto}details::details-content{content-visibility:visible;block-size:auto}}
"""
