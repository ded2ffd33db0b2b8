"""How the page looks, light and dark, at a desk and on a telephone. Pure."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root{color-scheme:light dark;--ink:#1b1f24;--dim:#57606a;--page:#fff;--pane:#f6f8fa;--line:#d0d7de;
--link:#0a58ca;
--passed:#116329;--passed-b:#dafbe1;--failed:#a40e26;--failed-b:#ffdce0;--inconclusive:#7d4e00;
--inconclusive-b:#fff1c9;
--not_comparable:#5a32a3;--not_comparable-b:#eadfff;--not_run:#57606a;--not_run-b:#eaeef2;--own:#0a58ca;
--base:#9a6700;
--heat:#cf222e}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--dim:#9198a1;--page:#0d1117;--pane:#161b22;
--line:#3d444d;
--link:#79b8ff;--passed:#7ee787;--passed-b:#12361f;--failed:#ff9ba3;--failed-b:#4d1319;
--inconclusive:#f2cc60;
--inconclusive-b:#3f2f06;--not_comparable:#d2b8ff;--not_comparable-b:#33215c;--not_run:#b1bac4;
--not_run-b:#2a3038;
--own:#79b8ff;--base:#e3b341;--heat:#ff7b72}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1240px;padding:16px;background:var(--page);color:var(--ink);
font:15px/1.45 system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;overflow-wrap:anywhere}
h1{font-size:1.5em;margin:0 0 4px}h2{font-size:1.2em;margin:32px 0 8px}h3{font-size:1em;margin:16px 0 4px}
p{margin:4px 0 8px}a{color:var(--link)}small,.dim{color:var(--dim)}
.sum{font-size:1.15em;padding:10px 14px;border-left:6px solid;border-radius:4px;margin:12px 0}
.box{overflow-x:auto;margin:6px 0 10px;border:1px solid var(--line);border-radius:6px;max-width:100%}
table{border-collapse:collapse;width:100%}
th,td{padding:4px 8px;text-align:left;border-bottom:1px solid var(--line);vertical-align:top;
overflow-wrap:normal}
tr:last-child>td{border-bottom:0}thead th{background:var(--pane);white-space:nowrap}td.n{text-align:right}
td.n,td.k{white-space:nowrap;font-variant-numeric:tabular-nums}table.wide td:nth-child(2){min-width:16em}
th button{font:inherit;font-weight:600;color:inherit;background:none;border:0;padding:0;cursor:pointer}
th[aria-sort=ascending] button:after{content:" \\25b2"}
th[aria-sort=descending] button:after{content:" \\25bc"}
.passed{color:var(--passed);background:var(--passed-b)}.failed{color:var(--failed);
background:var(--failed-b)}
.inconclusive{color:var(--inconclusive);background:var(--inconclusive-b)}
.not_comparable{color:var(--not_comparable);background:var(--not_comparable-b)}
.not_run{color:var(--not_run);background:var(--not_run-b)}
.badge{display:inline-block;padding:0 7px;border-radius:9px;font-size:.87em;font-weight:600;
white-space:nowrap}
.grid td.m{text-align:center;font-weight:700;padding:0;min-width:2.6em}.grid td.m a{display:block;
padding:4px;color:inherit;
text-decoration:none}.grid th.p{white-space:normal;min-width:7em;font-weight:400}
.grid td:first-child{min-width:13em}
.counts th:nth-child(n+4){text-align:right}.counts td:nth-child(2){min-width:9em}
details{border:1px solid var(--line);border-radius:6px;margin:6px 0;padding:0 10px}
details>summary{cursor:pointer;padding:6px 0}details[open]>summary{border-bottom:1px solid var(--line);
margin-bottom:6px}
details:target{outline:2px solid var(--link)}
pre{background:var(--pane);border-radius:6px;padding:8px;margin:6px 0;overflow-x:auto;
font:12.5px/1.4 ui-monospace,
"DejaVu Sans Mono",monospace}
.note{border:1px solid var(--line);border-radius:6px;padding:8px 12px;margin:8px 0}
svg{display:block;max-width:100%}svg text{fill:var(--dim);font-size:11px}.ax{stroke:var(--dim);fill:none}
.heat{stroke:var(--heat);fill:none;stroke-width:1.5;stroke-dasharray:4 3}
.own,.base{fill:none;stroke-width:6}.own{stroke:var(--own);stroke-linecap:round}
.base{stroke:var(--base);stroke-linecap:square;stroke-width:5}
.iv{stroke:var(--own);stroke-width:2;fill:none}.lim{stroke:var(--failed);stroke-dasharray:2 2;fill:none;
stroke-width:1.5}
.front{stroke:var(--own);fill:none}.jump{stroke:var(--failed);fill:none;stroke-width:7;stroke-linecap:round}
.key{display:inline-block;width:1.4em;text-align:center;font-weight:700;border-radius:3px;
margin:0 3px 0 10px}
#find{font:inherit;padding:6px 10px;width:min(100%,26em);border:1px solid var(--line);border-radius:6px;
background:var(--page);color:inherit}
.hide{display:none!important}.needs{display:none}.js .needs{display:block}
@media print{.needs{display:none!important}.box{overflow:visible}}
"""
SCRIPT: Final = """
(function(){
var root=document.documentElement,find=document.getElementById('find'),told=document.getElementById('told');
root.classList.add('js');
function shown(){
 var words=find.value.toLowerCase().split(/\\s+/).filter(Boolean),count=0,all=0;
 document.querySelectorAll('[data-find]').forEach(function(one){
  var text=one.textContent.toLowerCase();
  var fits=words.every(function(word){return text.indexOf(word)>=0});
  one.classList.toggle('hide',!fits);
  if(one.tagName==='DETAILS'){all++;if(fits)count++}
 });
 told.textContent=words.length?count+' of '+all+' cells':'';
}
find.addEventListener('input',shown);
function value(row,at){
 var cell=row.cells[at],text=cell?(cell.getAttribute('data-v')||cell.textContent).trim():'';
 var figure=parseFloat(text);
 return {text:text.toLowerCase(),figure:isNaN(figure)?null:figure};
}
document.querySelectorAll('table.sort').forEach(function(table){
 Array.prototype.forEach.call(table.tHead.rows[0].cells,function(head,at){
  var button=document.createElement('button');button.type='button';
  while(head.firstChild)button.appendChild(head.firstChild);
  head.appendChild(button);
  button.addEventListener('click',function(){
   var up=head.getAttribute('aria-sort')!=='ascending',body=table.tBodies[0];
   Array.prototype.forEach.call(table.tHead.rows[0].cells,function(each){each.removeAttribute('aria-sort')}
);
   head.setAttribute('aria-sort',up?'ascending':'descending');
   Array.prototype.map.call(body.rows,function(row){return [value(row,at),row]}).sort(function(a,b){
    var x=a[0],y=b[0];
    if((x.text==='-'||!x.text)!==(y.text==='-'||!y.text))return (x.text==='-'||!x.text)?1:-1;
    var by=x.figure!==null&&y.figure!==null?x.figure-y.figure:x.text<y.text?-1:x.text>y.text?1:0;
    return up?by:-by;
   }).forEach(function(pair){body.appendChild(pair[1])});
  });
 });
});
function open(){
 var cell=location.hash.length>1&&document.getElementById(location.hash.slice(1));
 if(cell&&cell.tagName==='DETAILS'){cell.open=true;cell.scrollIntoView()}
}
addEventListener('hashchange',open);open();
})();
"""
