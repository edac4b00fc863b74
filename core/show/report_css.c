/* SPDX-License-Identifier: Apache-2.0
 *
 * The style of the report. Colours are chosen so that text keeps a contrast of 4.5 to 1 in both themes; status
 * is always a word and a sign besides a colour. A list of strings, because C promises only 4095 bytes in one.
 */
#include "show/report.h"

static const char *const css[] = {
    ":root{color-scheme:light dark;--bg:#f4f6f8;--card:#fff;--text:#18212c;--dim:#566272;--line:#dbe1e8;--grid:#e8ecf1;"
    "--code:#f2f4f7;--accent:#1f5fa8;--ok:#17744a;--ok2:#dff3e8;--bad:#b3261e;--bad2:#fce4e2;--warn:#8a5300;"
    "--warn2:#fdeecf;--unk:#6f36a8;--unk2:#eee2fa;--run:#1a62a8;--run2:#dcebfa;--idle:#5c6877;--idle2:#eceff3;"
    "--bar:#3b7dc4;--bar2:#2f9a86}\n",
    "@media(prefers-color-scheme:dark){:root{--bg:#10141a;--card:#181e26;--text:#e4e9f0;--dim:#9ba8b7;--line:#2b343f;"
    "--grid:#252d37;--code:#12171e;--accent:#7cb7f2;--ok:#56c78f;--ok2:#14352a;--bad:#ff8a80;--bad2:#43201f;"
    "--warn:#f0b455;--warn2:#3b2d12;--unk:#cba4f5;--unk2:#33224a;--run:#7cb7f2;--run2:#17304b;--idle:#98a4b3;"
    "--idle2:#262e38;--bar:#5b9be0;--bar2:#46b39e}}\n",
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--bg);color:var(--text);font:15px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,"
    "\"DejaVu Sans\",sans-serif;font-variant-numeric:tabular-nums;-webkit-text-size-adjust:100%}\n"
    "main,header.top,footer{max-width:1120px;margin:0 auto;padding:0 20px}\n"
    "header.top{padding-top:28px}\n"
    "h1{font-size:26px;line-height:1.25;margin:0 0 4px;display:flex;flex-wrap:wrap;gap:6px 12px;align-items:center;"
    "overflow-wrap:anywhere}\n"
    "h2{font-size:16px;margin:0 0 12px}h3{font-size:13px;margin:18px 0 6px;color:var(--dim);font-weight:600}\n"
    "p{margin:0 0 8px}a{color:var(--accent)}.dim{color:var(--dim)}.sub{color:var(--dim);overflow-wrap:anywhere}\n"
    "code,pre,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,\"DejaVu Sans Mono\",monospace;font-size:13px}\n",
    "pre{background:var(--code);border:1px solid var(--line);border-radius:6px;padding:10px 12px;margin:4px 0;"
    "overflow-x:auto;white-space:pre;max-height:32em;overflow-y:auto;tab-size:4}\n"
    "section.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:18px 20px;margin:16px 0;"
    "min-width:0}\n"
    ".two{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:16px}.two>section.card{margin:0}\n"
    ".two{margin:16px 0}\n"
    ".facts{display:flex;flex-wrap:wrap;gap:10px 32px;margin:16px 0 0;padding:0;list-style:none}\n"
    ".facts b{display:block;font-size:18px;font-weight:600}.facts span{color:var(--dim);font-size:13px}\n"
    ".pill{display:inline-block;border-radius:99px;padding:1px 10px;font-size:13px;font-weight:600;white-space:nowrap;"
    "border:1px solid currentColor;line-height:1.5}\n"
    "h1 .pill{font-size:14px;padding:2px 12px}\n",
    ".s-succeeded{color:var(--ok);background:var(--ok2)}.s-failed{color:var(--bad);background:var(--bad2)}\n"
    ".s-unknown,.s-vanished{color:var(--unk);background:var(--unk2)}.s-running{color:var(--run);background:var(--run2)}\n"
    ".s-backoff,.s-parked,.s-interrupted{color:var(--warn);background:var(--warn2)}\n"
    ".s-skipped,.s-cancelled,.s-waiting,.s-ready{color:var(--idle);background:var(--idle2)}\n"
    ".s-skipped,.s-waiting,.s-ready{border-style:dashed}\n"
    ".callout{border-left:4px solid var(--bad)!important}.callout.unknown{border-left-color:var(--unk)!important}\n"
    ".callout.stopped{border-left-color:var(--warn)!important}\n"
    ".callout .msg{font-size:16px;font-weight:600;overflow-wrap:anywhere}\n"
    ".next{margin:10px 0 0;padding:0;list-style:none}.next li{margin:4px 0;overflow-wrap:anywhere}\n"
    ".next code,.cmd{background:var(--code);border:1px solid var(--line);border-radius:5px;padding:1px 6px}\n",
    "table{border-collapse:collapse;font-size:14px}th,td{text-align:left;vertical-align:top;padding:5px 14px 5px 0}\n"
    "table.kv th{font-weight:500;color:var(--dim);white-space:nowrap;padding-right:20px}\n"
    "table.kv td{overflow-wrap:anywhere;min-width:6em}table.kv td>pre{max-width:100%}\n"
    "table.kv tr+tr>*{border-top:1px solid var(--grid)}table.kv table.kv{margin:0}\n"
    ".scroll{overflow-x:auto;max-width:100%}\n"
    "table.data th{color:var(--dim);font-weight:600;font-size:13px;border-bottom:1px solid var(--line);white-space:nowrap}\n"
    "table.data tbody tr+tr>*{border-top:1px solid var(--grid)}\n"
    "table.data td.n,table.data th.n{text-align:right}\n"
    "ul{margin:0;padding-left:20px}.t{overflow-wrap:anywhere;white-space:pre-wrap}\n"
    ".secret{border:1px dashed var(--dim);border-radius:5px;padding:0 6px;color:var(--dim);font-size:13px}\n",
    ".dag{overflow-x:auto;margin:0 -20px;padding:4px 20px}.dag svg{display:block;margin:0 auto}\n"
    ".dag .edge{fill:none;stroke:var(--dim);stroke-width:1.5;opacity:.65}.dag .tip{fill:var(--dim)}\n"
    ".dag .edge.off{stroke-dasharray:4 4;opacity:.5}\n"
    ".dag a{text-decoration:none}.dag rect.box{fill:var(--card);stroke:currentColor;stroke-width:1.5}\n"
    ".dag rect.soft{stroke:none}.dag .id{fill:var(--text);font-size:13px;font-weight:600}\n"
    ".dag .info{fill:var(--dim);font-size:12px}.dag .sign{fill:currentColor;font-size:15px;font-weight:700;"
    "text-anchor:middle}\n"
    ".dag .part{fill:var(--dim);font-size:12px;font-weight:600}\n"
    ".dag .off rect.box{stroke-dasharray:5 4}.dag a:hover rect.box,.dag a:focus rect.box{stroke-width:3}\n"
    ".dag g.s-succeeded{color:var(--ok)}.dag g.s-succeeded .soft{fill:var(--ok2)}\n"
    ".dag g.s-failed{color:var(--bad)}.dag g.s-failed .soft{fill:var(--bad2)}\n"
    ".dag g.s-unknown{color:var(--unk)}.dag g.s-unknown .soft{fill:var(--unk2)}\n"
    ".dag g.s-running{color:var(--run)}.dag g.s-running .soft{fill:var(--run2)}\n"
    ".dag g.s-backoff,.dag g.s-parked{color:var(--warn)}.dag g.s-backoff .soft,.dag g.s-parked .soft{fill:var(--warn2)}\n",
    ".dag g.s-skipped,.dag g.s-cancelled,.dag g.s-waiting,.dag g.s-ready{color:var(--idle)}\n"
    ".dag g.s-skipped .soft,.dag g.s-cancelled .soft,.dag g.s-waiting .soft,.dag g.s-ready .soft{fill:var(--idle2)}\n"
    ".chart{display:grid;grid-template-columns:minmax(90px,max-content) minmax(0,1fr) max-content;column-gap:12px;"
    "font-size:13px;align-items:center}\n"
    ".chart .row{display:contents}.chart .name{text-align:right;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;max-width:230px}\n"
    ".chart .name a{color:inherit;text-decoration:none}.chart .name a:hover{text-decoration:underline}\n"
    ".chart .track{position:relative;height:26px;border-left:1px solid var(--dim)}\n"
    ".chart .grid{position:absolute;top:0;bottom:0;width:1px;background:var(--grid)}\n"
    ".chart .axis{position:relative;height:20px;border-top:1px solid var(--dim);color:var(--dim);font-size:12px}\n"
    ".chart .axis i{position:absolute;top:2px;transform:translateX(-50%);font-style:normal;white-space:nowrap}\n"
    ".chart .axis i:first-child{transform:none}.chart .val{white-space:nowrap;color:var(--dim)}\n"
    ".bar{position:absolute;top:5px;height:16px;border-radius:3px;min-width:2px}\n",
    ".bar.dur{background:var(--bar);left:0}.bar.rows{background:var(--bar2);left:0}\n"
    ".bar.wait{top:12px;height:2px;border-radius:0;background:var(--line)}\n"
    ".bar.back{top:12px;height:0;border-top:2px dotted var(--warn);border-radius:0}\n"
    ".bar.a-succeeded{background:var(--ok)}.bar.a-running{background:var(--run)}.bar.a-skipped{background:var(--idle)}\n"
    ".bar.a-failed{background:repeating-linear-gradient(135deg,var(--bad) 0 5px,var(--bad2) 5px 8px);"
    "border:1px solid var(--bad)}\n"
    ".bar.a-vanished{background:var(--unk2);border:2px dashed var(--unk)}\n"
    ".bar.a-interrupted,.bar.a-cancelled{background:repeating-linear-gradient(90deg,var(--warn) 0 3px,var(--warn2) 3px 6px);"
    "border:1px solid var(--warn)}\n"
    ".legend{display:flex;flex-wrap:wrap;gap:4px 18px;margin:10px 0 0;padding:0;list-style:none;color:var(--dim);"
    "font-size:12px}\n"
    ".legend li>span{position:relative;display:inline-block;width:26px;height:16px;margin-right:6px;vertical-align:-3px}\n"
    ".legend .bar{top:0;left:0;width:26px}.legend .bar.wait,.legend .bar.back{top:7px}\n",
    "details.step{border:1px solid var(--line);border-radius:8px;margin:8px 0;background:var(--card)}\n"
    "details.step>summary{cursor:pointer;padding:9px 14px;display:flex;flex-wrap:wrap;gap:4px 12px;align-items:center}\n"
    "details.step>summary b{overflow-wrap:anywhere}details.step[open]>summary{border-bottom:1px solid var(--line)}\n"
    "details.step>summary::before{content:\"▸\";color:var(--dim)}details.step[open]>summary::before{content:\"▾\"}\n"
    "summary::-webkit-details-marker{display:none}details.step>summary{list-style:none}\n"
    "details.step .in{padding:4px 16px 14px;min-width:0}summary .dim{font-size:13px}\n"
    "details.log{margin:6px 0}details.log>summary{cursor:pointer;color:var(--dim);font-size:13px}\n"
    "details.card>summary{cursor:pointer;font-weight:600;font-size:16px}details.card[open]>summary{margin-bottom:12px}\n"
    "details.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 20px;margin:16px 0}\n"
    ".blocks{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,330px),1fr));gap:0 36px}"
    ".b{min-width:0}.b.wide{grid-column:1/-1}\n"
    ".error{border-left:3px solid var(--bad);padding:4px 0 4px 12px;margin:8px 0;overflow-wrap:anywhere}\n"
    "footer{color:var(--dim);font-size:13px;padding-bottom:32px}\n"
    ":target{outline:2px solid var(--accent);outline-offset:2px}\n",
    "@media(max-width:640px){main,header.top,footer{padding-left:12px;padding-right:12px}header.top{padding-top:16px}\n"
    "section.card,details.card{padding:14px;border-radius:8px}.dag{margin:0 -14px;padding:4px 14px}.two{grid-template-columns:"
    "minmax(0,1fr)}\n"
    "h1{font-size:21px}.facts{gap:8px 22px}.facts b{font-size:16px}\n"
    ".chart,.chart .row{display:block}.chart .row{display:grid;grid-template-columns:minmax(0,1fr) max-content;"
    "column-gap:12px}\n"
    ".chart .name{text-align:left;max-width:none;grid-area:1/1}.chart .val{grid-area:1/2}"
    ".chart .track{grid-area:2/1/3/3;height:22px;margin-bottom:6px}.chart .bar{top:3px}.chart .bar.wait,.chart .bar.back"
    "{top:10px}.chart .corner{display:none}\n"
    "table.kv,table.kv>tbody,table.kv>tbody>tr,table.kv>tbody>tr>th,table.kv>tbody>tr>td{display:block}\n"
    "table.kv>tbody>tr>th{padding-bottom:0;font-size:13px}table.kv>tbody>tr+tr>td{border-top:0}\n"
    "details.step .in{padding:4px 12px 12px}}\n",
    "@media print{body{background:#fff}section.card,details{break-inside:avoid}pre{max-height:none;white-space:pre-wrap}}\n",
};

void
report_css(struct buf *buf)
{
    for (size_t i = 0; i < sizeof css / sizeof css[0]; i++) buf_text(buf, css[i]);
}
