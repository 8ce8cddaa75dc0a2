/// How HTML reports look: on light and dark screens, and in print.
public enum PageStyle {
    /// The style sheet of a page with tiles, plots and tables.
    public static let sheet = """
        :root{--page:#fcfcfb;--ink:#1c1c1a;--soft:#5f5e5a;--line:#e3e2dc;--c1:#2a6fc9;--c2:#c2570c;--c3:#0f7f6b;\
        --good:#1d7a34;--bad:#b42318}
        @media (prefers-color-scheme:dark){:root{--page:#191918;--ink:#f2f1ec;--soft:#b4b2a9;--line:#3a3a37;\
        --c1:#79aef5;--c2:#f0a05f;--c3:#54c7ad;--good:#6fcf87;--bad:#ff8f85}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
        main{max-width:60rem;margin:0 auto;padding:2rem 1.25rem 3rem}
        h1{font-size:1.7rem;line-height:1.2;margin:0 0 .25rem}
        h2{font-size:1.2rem;margin:2.2rem 0 .6rem}
        h3{font-size:1rem;margin:0}
        header p,figcaption p,.how p,.tiles span{color:var(--soft);margin:0}
        .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(10rem,1fr));gap:1rem;margin:1.5rem 0}
        .tiles div{border-top:2px solid var(--line);padding-top:.5rem}
        .tiles b{font-weight:500;color:var(--soft);display:block}
        .tiles strong{font-size:1.6rem;font-weight:600;line-height:1.3;display:block;\
        font-variant-numeric:tabular-nums}
        .tiles span,.legend,figcaption p{font-size:.85rem}
        .good,.bad,.note{border-left:4px solid var(--line);padding:.2rem .8rem;margin:.5rem 0;\
        overflow-wrap:anywhere}
        .good{border-color:var(--good)}.bad{border-color:var(--bad)}
        figure{margin:0 0 1.8rem;break-inside:avoid}
        figcaption{display:flex;flex-wrap:wrap;gap:.1rem .8rem;align-items:baseline;margin-bottom:.3rem}
        .legend{list-style:none;display:flex;flex-wrap:wrap;gap:.1rem 1rem;margin:0 0 0 auto;padding:0}
        .legend i{display:inline-block;width:1.1em;height:3px;border-radius:2px;margin-right:.4em;\
        vertical-align:middle}
        .k1{background:var(--c1)}.k2{background:var(--c2)}.k3{background:var(--c3)}
        svg{width:100%;height:auto;display:block}
        path{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}
        .s1{stroke:var(--c1)}.s2{stroke:var(--c2)}.s3{stroke:var(--c3)}
        .d1{fill:var(--c1)}.d2{fill:var(--c2)}.d3{fill:var(--c3)}
        .grid{stroke:var(--line)}.axis,.mark{stroke:var(--soft)}
        .tick{fill:var(--soft);font-size:12px;font-variant-numeric:tabular-nums}
        table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.92rem;\
        break-inside:avoid}
        th,td{text-align:right;padding:.3rem .5rem;border-bottom:1px solid var(--line);white-space:nowrap}
        th:first-child{text-align:left;white-space:normal}
        th{font-weight:500}thead th{color:var(--soft)}
        @media (max-width:40rem){table{display:block;overflow-x:auto}.plot{overflow-x:auto}\
        .plot svg{min-width:36rem}}
        @media print{:root{--page:#fff;--ink:#000;--soft:#444;--line:#ccc;--c1:#1a56a8;--c2:#a84300;--c3:#0a5c4d}
        body{font-size:10.5pt}main{max-width:none;padding:0}h2{break-after:avoid}figure svg{max-height:6.2cm}}
        """
}
