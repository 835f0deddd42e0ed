"""The style of a report: light and dark, on a phone and on paper. It loads nothing from elsewhere."""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#16191d;--soft:#5b6570;--line:#e2e6ea;--track:#eceff2;
--accent:#1f5fbf;--created:#2a78d6;--updated:#12936a;--unchanged:#b4bcc5;--stale:#d99400;--left:#8465c9;--bad:#cf3a3a;
--suppressed:#c2477f;--good-bg:#e4f4ec;--good:#0b6b4b;--bad-bg:#fdeaea;--bad-ink:#a52424;--plan-bg:#e8f0fc;--plan:#1b4f9c;
--warn-bg:#fdf3dd;--warn:#7a5400}
@media (prefers-color-scheme:dark){:root{--bg:#111417;--card:#1a1e23;--ink:#eceff2;--soft:#9aa5b1;--line:#2c333b;
--track:#262c33;--accent:#7fb0f5;--created:#4f97ea;--updated:#2fb98b;--unchanged:#5d6873;--stale:#e0a63a;--left:#a58be0;
--bad:#ec6a6a;--suppressed:#e07bab;--good-bg:#123328;--good:#7fdcb8;--bad-bg:#3b1c1e;--bad-ink:#ff9d9d;--plan-bg:#182b47;
--plan:#a7cbff;--warn-bg:#37290d;--warn:#f2c869}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;
-webkit-text-size-adjust:100%}
main{max-width:1080px;margin:0 auto;padding:28px 20px 64px}
h1{font-size:26px;line-height:1.2;margin:0 0 6px}
h2{font-size:19px;margin:36px 0 12px}
h3{font-size:15px;margin:22px 0 8px}
p{margin:6px 0}
a{color:var(--accent)}
code,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.88em;overflow-wrap:anywhere}
.id{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.88em;white-space:nowrap}
.soft{color:var(--soft)}
.badge{display:inline-block;border-radius:999px;padding:1px 10px;font-size:13px;font-weight:600;vertical-align:middle;
white-space:nowrap}
.success{background:var(--good-bg);color:var(--good)}
.failed{background:var(--bad-bg);color:var(--bad-ink)}
.plan,.warning{background:var(--plan-bg);color:var(--plan)}
.skipped,.waiting,.not_started{background:var(--track);color:var(--soft)}
header{display:flex;flex-wrap:wrap;gap:8px 24px;justify-content:space-between;align-items:flex-start}
dl.facts{display:grid;grid-template-columns:max-content 1fr;gap:2px 14px;margin:12px 0 0;font-size:14px}
dl.facts dt{color:var(--soft)}dl.facts dd{margin:0;overflow-wrap:anywhere}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(104px,1fr));gap:10px;
margin:22px 0 0;padding:0;list-style:none}
.cards li{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:10px 14px}
.cards b{display:block;font-size:24px;line-height:1.25;font-variant-numeric:tabular-nums}
.cards span{color:var(--soft);font-size:13px}
section.box,details.lane,.callout{background:var(--card);border:1px solid var(--line);border-radius:12px;
padding:16px 18px;margin:12px 0}
.callout{border-left:5px solid var(--bad)}.callout.warn{border-left-color:var(--stale)}
.callout.signoff{border-left-color:var(--accent)}
.callout h2,section.box h2{margin:0 0 8px}
.callout ul{margin:0;padding-left:18px}.callout li{margin:6px 0}
.remedy{display:block}
details.lane>summary{cursor:pointer;font-weight:600;font-size:16px;display:flex;flex-wrap:wrap;gap:4px 12px;
align-items:center;list-style-position:inside;overflow-wrap:anywhere}
details.lane>summary .soft{font-weight:400;font-size:14px}
details.lane>summary::before{content:"▸";color:var(--soft)}
details.lane[open]>summary::before{content:"▾"}
summary::-webkit-details-marker{display:none}
summary:focus-visible,a:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}
.scroll{overflow-x:auto;margin:0 -4px;padding:0 4px}
table{border-collapse:collapse;width:100%;font-size:14px}
caption{text-align:left;color:var(--soft);padding:0 0 6px;font-size:14px}
th,td{text-align:left;padding:5px 12px 5px 0;border-bottom:1px solid var(--line);vertical-align:top}
tr:last-child>th,tr:last-child>td{border-bottom:0}
th{font-weight:600}thead th{color:var(--soft);font-weight:500;font-size:13px;white-space:nowrap}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
tbody th{font-weight:500;overflow-wrap:break-word}
table.chart td.draw{width:44%;min-width:110px;padding-top:8px}
table.chart tbody th{width:26%}
svg.bar{display:block;width:100%;height:16px}
svg.columns{display:block;width:100%;height:76px}
.ends{display:flex;justify-content:space-between;color:var(--soft);font-size:12px}
.small{display:grid;grid-template-columns:repeat(auto-fill,minmax(230px,1fr));gap:14px}
.small figure{margin:0}.small figcaption{font-size:13px;margin-bottom:4px}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;list-style:none;margin:0 0 10px;padding:0;font-size:13px;
color:var(--soft)}
.legend b{color:var(--ink)}
.swatch{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:6px;vertical-align:-1px}
rect.track{fill:var(--track)}line.axis{stroke:var(--line);stroke-width:1;vector-effect:non-scaling-stroke}
line.mark{stroke:var(--ink);stroke-width:2;vector-effect:non-scaling-stroke;stroke-dasharray:3 2}
rect.created,rect.would_create,rect.fill,rect.success{fill:var(--created)}rect.updated,rect.would_update{fill:var(--updated)}
rect.unchanged{fill:var(--unchanged)}rect.stale{fill:var(--stale)}rect.left_out{fill:var(--left)}
rect.unreached{fill:var(--track)}.swatch.unreached{background:var(--track);border:1px solid var(--soft)}
rect.rejected,rect.failed,rect.full{fill:var(--bad)}rect.suppressed{fill:var(--suppressed)}rect.waiting,rect.warning{fill:var(--stale)}
.swatch.created,.swatch.would_create{background:var(--created)}.swatch.updated,.swatch.would_update{background:var(--updated)}
.swatch.unchanged{background:var(--unchanged)}.swatch.stale{background:var(--stale)}.swatch.left_out{background:var(--left)}
.swatch.rejected{background:var(--bad)}.swatch.suppressed{background:var(--suppressed)}
.before{color:var(--soft);text-decoration:line-through}
table.wide{min-width:640px}table.changes,table.compact{width:auto}
table.compact th,table.compact td{padding-right:28px}
table.changes td{border:0;padding:0 12px 0 0;font-size:13px}
.values{display:flex;flex-wrap:wrap;gap:0 14px;list-style:none;margin:2px 0 0;padding:0;font-size:13px}
.values span{color:var(--soft)}
.sign{display:grid;grid-template-columns:repeat(auto-fit,minmax(180px,1fr));gap:28px 20px;margin:26px 0 8px}
.sign div{border-top:1px solid var(--soft);padding-top:4px;font-size:13px;color:var(--soft)}
footer{margin-top:40px;color:var(--soft);font-size:13px}
@media (max-width:600px){main{padding:18px 12px 48px}h1{font-size:22px}section.box,details.lane,.callout{padding:12px}
table{font-size:13px}th,td{padding-right:8px}
table.compact th,table.compact td{padding-right:12px}table.compact thead th{white-space:normal}
.stack thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}
.stack tbody,.stack tbody>tr,.stack tbody>tr>th,.stack tbody>tr>td{display:block;width:auto!important;border:0;
padding:0}
.stack tbody>tr{border-bottom:1px solid var(--line);padding:7px 0}.stack tbody>tr:last-child{border:0}
.stack td.draw{padding:4px 0!important}.stack td:empty{display:none!important}
dl.facts{grid-template-columns:1fr;gap:0}dl.facts dd{margin-bottom:6px}}
@media print{body{background:#fff}main{max-width:none;padding:0}details.lane{break-inside:avoid}}
"""
