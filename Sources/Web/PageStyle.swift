extension Page {
    /// The style sheet: system fonts, light and dark, from 320 pixels on.
    ///
    /// Colours are variables, which a test holds against each other: text has a contrast of 4.5 at least, what is drawn
    /// 3.
    static let style: StaticString = #"""
        :root {
          color-scheme: light dark;
          --ground: #f7f7f4; --paper: #ffffff; --line: #dfe1dd; --strong-line: #82898c; --faint: #b9bfbf;
          --ink: #1b2226; --soft: #566067; --link: #1d5f86; --focus: #1d5f86;
          --once: #34789f; --waited: #b97a1c; --deferred: #858e95;
          --working: #2b7a4b; --observing: #34789f; --degraded: #b3402a;
          --degraded-paper: #fcf1ee; --degraded-ink: #8c2f1d; --code-paper: #eff0ec;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --ground: #13171a; --paper: #1a1f23; --line: #2d343a; --strong-line: #6d777e; --faint: #4a545b;
            --ink: #e5e8ea; --soft: #9ba6ad; --link: #7fbbdd; --focus: #7fbbdd;
            --once: #5a9ec6; --waited: #d79b43; --deferred: #737d85;
            --working: #58b07b; --observing: #5a9ec6; --degraded: #ea7f69;
            --degraded-paper: #2b1d1b; --degraded-ink: #f2a394; --code-paper: #252b30;
          }
        }
        * { box-sizing: border-box; }
        html { -webkit-text-size-adjust: 100%; }
        body {
          margin: 0; background: var(--ground); color: var(--ink);
          font: 0.9375rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", Cantarell, sans-serif;
          font-variant-numeric: tabular-nums lining-nums;
        }
        .bar, main, footer { max-width: 80rem; margin: 0 auto; padding: 0 1.5rem; }
        h1, h2, h3, p, dl, dd, ul { margin: 0; padding: 0; }
        ul { list-style: none; }
        a { color: var(--link); text-decoration: none; }
        a:hover { text-decoration: underline; text-underline-offset: 0.2em; }
        :focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; border-radius: 2px; }
        main:focus { outline: none; }
        .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
        .skip { position: absolute; left: 1rem; top: -4rem; padding: 0.5rem 1rem; background: var(--paper); z-index: 1; }
        .skip:focus { top: 0.5rem; }

        .top { background: var(--paper); border-bottom: 1px solid var(--line); }
        .bar { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0.75rem 2rem;
          padding-top: 0.75rem; padding-bottom: 0.75rem; }
        h1 { display: flex; align-items: center; gap: 0.55rem; font-size: 1rem; font-weight: 600; min-width: 0; }
        h1 .name { letter-spacing: 0.06em; }
        h1 .host { color: var(--soft); font-weight: 400; overflow-wrap: anywhere; min-width: 0; }
        .mark { flex: none; }
        .mark .body { fill: var(--once); }
        .mark .wave { fill: none; stroke: var(--waited); stroke-width: 2; stroke-linecap: round; }
        form { display: flex; flex: 0 1 27rem; }
        input, button { font: inherit; color: inherit; }
        input { flex: 1; min-width: 0; padding: 0.4rem 0.7rem; background: var(--ground); appearance: none;
          border: 1px solid var(--strong-line); border-right: 0; border-radius: 5px 0 0 5px; }
        input::placeholder { color: var(--soft); opacity: 1; }
        button { padding: 0.4rem 0.9rem; background: var(--paper); border: 1px solid var(--strong-line); border-radius: 5px;
          cursor: pointer; }
        form button { border-radius: 0 5px 5px 0; }
        button:hover { background: var(--code-paper); }
        form { position: relative; }
        kbd { display: none; position: absolute; right: 5.6rem; top: 50%; transform: translateY(-50%); padding: 0 0.45rem;
          font: inherit; font-size: 0.75rem; color: var(--soft); border: 1px solid var(--faint); border-radius: 3px; }
        .scripted kbd { display: block; }
        input:focus ~ kbd, input:not(:placeholder-shown) ~ kbd { display: none; }

        main { padding-bottom: 1rem; }
        section { margin-top: 2.5rem; }
        section > header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.1rem 0.9rem; margin-bottom: 0.75rem; }
        h2 { font-size: 1.125rem; font-weight: 600; line-height: 1.3; overflow-wrap: anywhere; min-width: 0; }
        h3 { font-size: 1rem; font-weight: 600; overflow-wrap: anywhere; }
        .note, .sub, .running, .more, .none, .null, .arrow { color: var(--soft); }
        .note { font-size: 0.875rem; }

        .line { display: flex; align-items: baseline; gap: 0.7rem; font-size: 1.625rem; font-weight: 600; line-height: 1.25;
          letter-spacing: -0.012em; }
        .lamp { flex: none; width: 0.72rem; height: 0.72rem; border-radius: 50%; background: var(--working);
          position: relative; top: -0.12em; }
        .observing .lamp { background: var(--observing); border-radius: 2px; }
        .degraded .lamp { background: var(--degraded); border-radius: 2px; transform: rotate(45deg); }
        .running { margin-top: 0.3rem; }
        .problems { margin-top: 1rem; display: grid; gap: 0.5rem; }
        .problems li { padding: 0.7rem 1rem; background: var(--degraded-paper); border-left: 3px solid var(--degraded);
          border-radius: 0 5px 5px 0; overflow-wrap: anywhere; }
        .problems p { color: var(--degraded-ink); font-weight: 500; }
        .problems .remedy { color: var(--ink); font-weight: 400; }
        .parts { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); gap: 1px; margin-top: 1.25rem;
          background: var(--line); border: 1px solid var(--line); border-radius: 6px; overflow: hidden; }
        .parts > div { padding: 0.6rem 1rem 0.7rem; background: var(--paper); min-width: 0; }
        dt { font-size: 0.8125rem; color: var(--soft); overflow-wrap: anywhere; }
        .parts dd { overflow-wrap: anywhere; line-height: 1.4; }
        .parts .off dd { color: var(--soft); }
        .main, .sub { display: block; overflow-wrap: anywhere; }
        .sub { font-size: 0.8125rem; line-height: 1.4; }
        .tag { margin-left: 0.5rem; padding: 0 0.35rem; border: 1px solid currentColor; border-radius: 3px; font-size: 0.75rem; }
        .parts .degraded .tag { color: var(--degraded-ink); }

        .day { display: grid; grid-template-columns: 15rem minmax(0, 1fr); gap: 2rem; padding: 1.25rem 1.5rem 1.1rem;
          background: var(--paper); border: 1px solid var(--line); border-radius: 6px; }
        .figures { display: grid; align-content: start; gap: 0.7rem; }
        .figures dd { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 0.5rem; }
        .value { font-size: 1.25rem; font-weight: 600; line-height: 1.25; letter-spacing: -0.01em; }
        .swatch { display: inline-block; width: 0.65rem; height: 0.65rem; margin-right: 0.45rem; border-radius: 2px; }
        .swatch.once { background: var(--once); }
        .swatch.waited { background: var(--waited); }
        .swatch.deferred { background: var(--deferred); }
        .chart { min-width: 0; }
        .drawing { display: flex; }
        svg { display: block; overflow: visible; }
        .scale { flex: none; }
        .bars { flex: 1; min-width: 0; }
        .drawing text { fill: var(--soft); font-size: 12px; }
        .grid { stroke: var(--line); }
        .base { stroke: var(--strong-line); }
        .hit { fill: transparent; }
        .bars g:hover .hit { fill: var(--ink); fill-opacity: 0.06; }
        rect.once { fill: var(--once); }
        rect.waited { fill: var(--waited); }
        rect.deferred { fill: var(--deferred); }
        summary { cursor: pointer; }
        .numbers { margin-top: 0.5rem; font-size: 0.875rem; }
        .numbers > summary { color: var(--soft); width: fit-content; margin-left: auto; }
        .plain { border-collapse: collapse; margin-top: 0.5rem; width: 100%; }
        .plain th, .plain td { padding: 0.2rem 0.5rem; text-align: right; font-weight: 400; border-top: 1px solid var(--line); }
        .plain thead th { color: var(--soft); border: 0; vertical-align: bottom; }
        .plain th:first-child { text-align: left; }

        .cards { width: 100%; border-collapse: collapse; background: var(--paper); border: 1px solid var(--line);
          border-radius: 6px; border-spacing: 0; border-collapse: separate; table-layout: fixed; }
        .cards th { padding: 0.5rem 0.75rem; text-align: left; font-size: 0.8125rem; font-weight: 500; color: var(--soft);
          border-bottom: 1px solid var(--line); }
        .cards td { padding: 0.5rem 0.75rem; vertical-align: top; line-height: 1.4; overflow-wrap: anywhere;
          overflow: hidden; }
        .cards tr + tr td { border-top: 1px solid var(--line); }
        .cards th:first-child, .cards td:first-child { padding-left: 1rem; }
        .cards th:last-child, .cards td:last-child { padding-right: 1rem; }
        .cards a, h3 a { color: inherit; text-decoration: underline 1px var(--faint); text-underline-offset: 0.22em; }
        .cards a:hover, h3 a:hover { color: var(--link); text-decoration-color: currentColor; }
        #waiting th:nth-child(3), #waiting th:nth-child(4) { width: 9rem; }
        #waiting th:nth-child(6) { width: 12.5rem; }
        #waiting th:last-child { width: 5.4rem; }
        #waiting th:last-child, #waiting td:last-child { text-align: right; }
        .story th:nth-child(1) { width: 12rem; }
        bdi { overflow-wrap: anywhere; }
        .domain { display: inline-block; max-width: 100%; vertical-align: top; }
        a bdi, a .domain { text-decoration: inherit; }
        time, time + .sub, .main:has(+ time) { white-space: nowrap; }
        .long > summary { list-style: none; }
        .long > summary::-webkit-details-marker { display: none; }
        .long > summary::after { content: "all"; margin-left: 0.35rem; font-size: 0.8125rem; font-weight: 400; color: var(--link); }
        .long[open] > summary::after { content: "less"; }
        .long > bdi { display: block; max-height: 16rem; overflow: auto; margin: 0.25rem 0; padding: 0.4rem 0.5rem;
          background: var(--code-paper); border-radius: 3px; font-size: 0.8125rem; font-weight: 400; color: var(--ink); }
        .more { margin-top: 0.5rem; font-size: 0.875rem; }

        .empty { padding: 1.1rem 1.5rem; background: var(--paper); border: 1px solid var(--line); border-radius: 6px; }
        .empty p { color: var(--soft); }
        .empty .what { color: var(--ink); font-weight: 600; }
        .failure { padding: 0.7rem 1rem; color: var(--degraded-ink); background: var(--degraded-paper);
          border-left: 3px solid var(--degraded); border-radius: 0 5px 5px 0; overflow-wrap: anywhere; }

        /* A letter with a hundred accents is one character, which no line can break. */
        .story, h2 { overflow-x: clip; }
        .story { margin-top: 1.25rem; padding-left: 1.1rem; border-left: 3px solid var(--line); }
        .story .arrow { font-weight: 400; }
        .outcome { margin: 0.1rem 0 0.75rem; }
        .outcome::before, .verdict::before { content: ""; display: inline-block; width: 0.65rem; height: 0.65rem;
          margin-right: 0.5rem; border-radius: 2px; background: var(--deferred); }
        .outcome.once::before, .verdict.passed::before { background: var(--once); }
        .outcome.waited::before { background: var(--waited); }
        .sentences { margin-top: 0.75rem; max-width: 45rem; display: grid; gap: 0.25rem; }
        .commands { margin-top: 0.75rem; display: grid; gap: 0.15rem; }
        .command { display: flex; align-items: stretch; gap: 0.5rem; margin: 0.15rem 0 0.4rem; max-width: 60rem; }
        code { flex: 0 1 auto; min-width: 0; padding: 0.35rem 0.7rem; background: var(--code-paper); border-radius: 5px;
          font: 0.875rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
        .copy { display: none; flex: none; align-self: start; padding: 0.25rem 0.7rem; font-size: 0.8125rem; }
        .scripted .copy { display: block; }
        #access h2 { margin-bottom: 0.75rem; }
        #access .command { margin: 0.5rem 0 0.15rem; }

        footer { margin-top: 1.5rem; padding-top: 1rem; padding-bottom: 2rem; font-size: 0.8125rem; color: var(--soft); }
        .stale { color: var(--degraded-ink); font-weight: 500; }

        @media (max-width: 60rem) {
          .day { grid-template-columns: minmax(0, 1fr); gap: 1.25rem; }
          .figures { grid-template-columns: repeat(auto-fit, minmax(7.5rem, 1fr)); gap: 0.9rem 1rem; }
          .cards, .cards tbody, .cards tr, .cards td { display: block; }
          .cards { border: 0; background: none; }
          .cards thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
          .cards tbody { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); gap: 0.6rem; }
          .cards tr { padding: 0.5rem 0; background: var(--paper); border: 1px solid var(--line); border-radius: 6px; }
          .cards td, .cards td:first-child, .cards td:last-child { position: relative; min-height: 1.8em;
            padding: 0.15rem 0.9rem 0.15rem 7rem; text-align: left; }
          .cards tr + tr td { border: 0; }
          .cards td::before { content: attr(data-name); position: absolute; left: 0.9rem; top: 0.2rem; font-size: 0.8125rem;
            color: var(--soft); }
          .cards .main:has(+ time), .cards .main + time, .cards time.main, .cards time.main + .sub { display: inline; }
          .cards .main:has(+ time), .cards time.main { margin-right: 0.6rem; }
          #waiting td:last-child { width: auto; text-align: left; }
        }
        @media (max-width: 40rem) {
          .bar, main, footer { padding-left: 1rem; padding-right: 1rem; }
          section { margin-top: 2rem; }
          form { flex-basis: 100%; }
          .line { font-size: 1.375rem; }
          .parts { grid-template-columns: repeat(2, minmax(0, 1fr)); }
          .parts > div:last-child:nth-child(odd) { grid-column: 1 / -1; }
          .parts > div { padding: 0.5rem 0.75rem 0.6rem; }
          .day, .empty { padding: 1rem; }
          .scale { margin-left: -0.75rem; }
          .minor, .scripted kbd { display: none; }
          .story { padding-left: 0.75rem; }
        }
        @media (prefers-reduced-motion: no-preference) {
          button, a { transition: background-color 0.12s, color 0.12s; }
        }
        @media (forced-colors: active) {
          .swatch, .lamp, .outcome::before, .verdict::before, rect { forced-color-adjust: none; }
        }
        """#
}
