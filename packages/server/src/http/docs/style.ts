/** How the pages look, in light and dark. One string, because the pages' security policy names its hash. */
export const style = `
:root{color-scheme:light dark;--ink:#1b2430;--soft:#5a6675;--line:#dfe4ea;--ground:#fff;--pale:#f5f7f9;--accent:#0b6b4f;--code:#0f172a;--codeink:#dbe4ee;
--get:#0b6b4f;--post:#1d5fbf;--patch:#9a5b00;--delete:#b3261e}
@media (prefers-color-scheme:dark){:root{--ink:#dfe6ee;--soft:#93a1b1;--line:#29323d;--ground:#11161c;--pale:#181f27;--accent:#4cc69b;--code:#0b0f14;--codeink:#d3dde8;
--get:#4cc69b;--post:#79aef5;--patch:#e2a84b;--delete:#f2867f}}
*{box-sizing:border-box}
html{scroll-padding-top:1rem}
body{margin:0;color:var(--ink);background:var(--ground);font:16px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
a{color:var(--accent);text-decoration:none}a:hover{text-decoration:underline}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.86em}
code{background:var(--pale);border:1px solid var(--line);border-radius:4px;padding:.05em .35em;-webkit-box-decoration-break:clone;box-decoration-break:clone}
td:first-child code,td>a code,.type code{white-space:nowrap}
pre{background:var(--code);color:var(--codeink);border-radius:8px;padding:.9rem 1rem;overflow-x:auto;line-height:1.5;margin:.5rem 0;max-height:34rem;white-space:pre}
pre code{background:none;border:0;padding:0;font-size:.94em}
h1{font-size:2rem;line-height:1.2;margin:0 0 .3rem;letter-spacing:-.02em}
h2{font-size:1.45rem;margin:3.5rem 0 .4rem;padding-top:1.2rem;border-top:1px solid var(--line);letter-spacing:-.01em}
h3{font-size:1.1rem;margin:0}
h4{font-size:.78rem;text-transform:uppercase;letter-spacing:.06em;color:var(--soft);margin:1.2rem 0 .3rem}
p{margin:.4rem 0 .8rem}.soft{color:var(--soft)}
.page{display:grid;grid-template-columns:17rem minmax(0,1fr);max-width:92rem;margin:0 auto}
nav{position:sticky;top:0;height:100vh;overflow-y:auto;padding:2rem 1.2rem;border-right:1px solid var(--line);font-size:.9rem}
nav strong{display:block;font-size:1.05rem}
nav h4{margin:1.4rem 0 .3rem}
nav ul{list-style:none;margin:0;padding:0}
nav li a{display:flex;gap:.5rem;align-items:baseline;padding:.17rem 0;color:inherit}
nav .verb{font-size:.62rem;width:3.1rem;flex:none;text-align:right}
main{padding:2.5rem 3rem 6rem;min-width:0}
.lead{font-size:1.1rem;color:var(--soft);max-width:48rem}
.prose{max-width:48rem}
.verb{font:700 .74rem/1 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;letter-spacing:.03em}
.GET{color:var(--get)}.POST{color:var(--post)}.PATCH{color:var(--patch)}.DELETE{color:var(--delete)}
.operation{margin:1.8rem 0;border:1px solid var(--line);border-radius:10px;overflow:hidden}
.operation>header{display:flex;flex-wrap:wrap;gap:.2rem 1rem;align-items:baseline;padding:.9rem 1.2rem;background:var(--pale);border-bottom:1px solid var(--line)}
.operation>header code{background:none;border:0;padding:0;font-size:.95rem;color:var(--soft)}
.operation .columns{display:grid;grid-template-columns:minmax(0,5fr) minmax(0,6fr);gap:0 2rem;padding:.6rem 1.2rem 1.2rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}
td,th{text-align:left;vertical-align:top;padding:.42rem .8rem .42rem 0;border-top:1px solid var(--line)}
tr:first-child td,tr:first-child th{border-top:0}
td:first-child{white-space:nowrap;width:1%;padding-right:1.6rem}
.type{color:var(--soft);font-size:.82rem;overflow-wrap:anywhere}
.must{color:var(--delete);font-size:.74rem;margin-left:.35rem}
.chips{display:flex;flex-wrap:wrap;gap:.35rem}
.chip{border:1px solid var(--line);border-radius:.8rem;padding:.05rem .6rem;font-size:.78rem;max-width:100%;overflow-wrap:anywhere}
.to-contents{display:none}
details{border-top:1px solid var(--line);padding:.5rem 0}summary{cursor:pointer;font-weight:600}
.single{max-width:44rem;margin:0 auto;padding:4rem 1.5rem}
.status{font:700 3.4rem/1 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;color:var(--accent);margin:0 0 .6rem}
footer{margin-top:3rem;color:var(--soft);font-size:.85rem}
@media (max-width:88rem){.operation .columns{grid-template-columns:minmax(0,1fr)}}
@media (max-width:52rem){.page{display:flex;flex-direction:column}nav{order:1;position:static;height:auto;border-right:0;border-top:1px solid var(--line)}.to-contents{display:block;text-align:right;font-size:.9rem}main{padding:1.5rem 1.2rem 4rem}td:first-child{white-space:normal}}
@media (max-width:26rem){td:first-child code,td>a code{white-space:normal}}
@media print{nav{display:none}.page{display:block}pre{max-height:none;white-space:pre-wrap}.to-contents{display:none}}
`
