extension Page {
    /// The script: refreshes what the page shows, lets commands be copied, and `/` go to the search.
    ///
    /// It builds the same elements as the page, by text content alone, and changes in the document only what differs: what
    /// is open, in focus or selected stays so. Where `PageHTML` changes, it has to follow, and a test compares them.
    static let script: StaticString = #"""
        "use strict";
        (() => {
          const every = 30000;
          const svgSpace = "http://www.w3.org/2000/svg";
          const mayShowAddresses = document.documentElement.dataset.access === "yes";
          const searched = (new URLSearchParams(location.search).get("q") || "").trim();

          // Elements. A child is a node, a text, or nothing.
          const build = (node, attributes, children) => {
            for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
            node.append(...children.flat(Infinity).filter((child) => child !== null && child !== ""));
            return node;
          };
          const el = (name, attributes, ...children) => build(document.createElement(name), attributes, children);
          const svg = (name, attributes, ...children) =>
            build(document.createElementNS(svgSpace, name), attributes, children);
          const grouped = (number) => number.toLocaleString("en-US");

          // What a sender wrote.
          const prose = (text) => el("bdi", {}, text);
          const breakableParts = (text) =>
            text.split(/(?=\.)/u).flatMap((part, index) => (index === 0 ? [part] : [el("wbr", {}), part]));
          const breakable = (text) => {
            const domain = text.lastIndexOf("@") + 1;
            return el("bdi", {}, breakableParts(text.slice(0, domain)), domain === 0 ? breakableParts(text)
              : el("span", { class: "domain" }, breakableParts(text.slice(domain))));
          };
          const foreign = (text) => {
            const letters = [...text];
            if (letters.length <= 60) return breakable(text);
            const cut = letters.slice(0, 37).join("") + "…" + letters.slice(-21).join("");
            return el("details", { class: "long" }, el("summary", {}, breakable(cut)), prose(text));
          };
          const address = (text) => {
            if (text === "") return el("span", { class: "null", title: "null sender: a bounce" }, "<>");
            if ([...text].length > 60 || text.includes("\\")) return foreign(text);
            return el("a", { href: "/?q=" + encodeURIComponent(text) }, breakable(text));
          };
          const moment = (time) => [
            el("span", { class: "main" }, time.words),
            el("time", { class: "sub", datetime: time.time }, time.date),
          ];
          const client = (name, network) => [
            el("span", { class: "main" }, name === "" ? "unknown" : foreign(name)),
            el("span", { class: "sub" }, foreign(network)),
          ];
          const identity = (organisation, proof) =>
            organisation === ""
              ? [el("span", { class: "none" }, "its network")]
              : [
                  el("span", { class: "main" }, address(organisation)),
                  proof === "" ? null : el("span", { class: "sub" }, "by " + proof),
                ];
          const cell = (name, content, kind = "") =>
            el("td", { role: "cell", class: kind, "data-name": name }, content);
          const row = (...cells) => el("tr", { role: "row" }, cells);
          const cards = (names, rows) =>
            el("table", { role: "table", class: "cards" },
              el("thead", { role: "rowgroup" },
                row(...names.map((name) => el("th", { role: "columnheader", scope: "col" }, name)))),
              el("tbody", { role: "rowgroup" }, rows));
          const more = (total, shown, hint) =>
            total > shown ? el("p", { class: "more" }, "and " + grouped(total - shown) + " more" + hint) : null;
          const empty = (what, meaning) =>
            el("div", { class: "empty" }, el("p", { class: "what" }, what), el("p", {}, meaning));
          const header = (id, title, note) =>
            el("header", {}, el("h2", { id }, title), note === null ? null : el("p", { class: "note" }, note));

          // The sections, as the page has them.
          const state = (data) =>
            el("section", { id: "state", class: data.state, "aria-label": "State" },
              el("p", { class: "line", role: "status" },
                el("span", { class: "lamp", "aria-hidden": "true" }), el("span", {}, data.line)),
              el("p", { class: "running" },
                ...(data.waiting_words === "" ? [] : [el("span", {}, data.waiting_words), " "]),
                "Running for " + data.running_words + ", since ",
                el("time", { datetime: data.started_at }, data.started_words), "."),
              data.problems.length === 0 ? null : el("ul", { class: "problems" },
                data.problems.map((problem) => el("li", {}, el("p", {}, problem.sentence),
                  problem.remedy === "" ? null : el("p", { class: "remedy" }, problem.remedy)))),
              el("dl", { class: "parts" }, data.parts.map((part) => el("div", { class: part.condition },
                el("dt", {}, part.name,
                  part.condition === "working" ? null : el("span", { class: "tag" }, part.condition)),
                el("dd", {}, el("span", {}, part.summary),
                  part.place === "" ? null : el("span", { class: "sub" }, part.place))))));

          const kinds = [["once", "passed_at_once"], ["waited", "passed_after_waiting"], ["deferred", "deferred"]];
          const scaleLabel = (number) =>
            number >= 1e7 ? grouped(number / 1e6) + " M" : number >= 1e4 ? number / 1e3 + " k" : grouped(number);
          const short = (number) => String(Math.round(number * 1000) / 1000);
          const drawing = (data) => {
            const [height, base, room, share] = [266, 238, 224, 0.72];
            const high = (count) => (count === 0 ? 0 : Math.max(1, (count * room) / data.scale.top));
            const values = [];
            for (let value = 0; value <= data.scale.top; value += data.scale.step) values.push(value);
            const width = 100 / data.buckets.length;
            const bar = (bucket, index) => {
              let y = base;
              const parts = [];
              for (const [kind, key] of kinds) {
                const tall = high(bucket[key]);
                if (tall === 0) continue;
                y -= tall;
                parts.push(svg("rect", {
                  class: kind, x: short(index * width + (width * (1 - share)) / 2) + "%",
                  width: short(width * share) + "%", y: short(y), height: short(tall),
                }));
              }
              const hit = svg("rect", {
                class: "hit", x: short(index * width) + "%", width: short(width) + "%", y: "0", height: String(base),
              });
              const hour = bucket.start.slice(11, 16);
              const label = /:00$/.test(hour) && parseInt(hour, 10) % 3 === 0 ? svg("text", {
                class: parseInt(hour, 10) % 6 === 0 ? "hour" : "hour minor", x: short(index * width) + "%",
                y: String(base + 20), "text-anchor": "middle",
              }, hour) : null;
              return [svg("g", {}, svg("title", {}, bucket.words), hit, parts), label];
            };
            return el("div", { class: "drawing" },
              svg("svg", { class: "scale", height: String(height), width: "48", "aria-hidden": "true" },
                values.map((value) => svg("text",
                  { x: "40", y: short(base - high(value) + 4), "text-anchor": "end" }, scaleLabel(value)))),
              svg("svg", { class: "bars", height: String(height), width: "100%", role: "img",
                "aria-labelledby": "chart-title" },
                svg("title", { id: "chart-title" }, data.summary),
                values.map((value) => svg("line", { class: value === 0 ? "base" : "grid", x1: "0", x2: "100%",
                  y1: short(base - high(value)), y2: short(base - high(value)) })),
                data.buckets.flatMap(bar)));
          };
          const numbers = (data) =>
            el("details", { class: "numbers" }, el("summary", {}, "The same as a table"),
              el("table", { class: "plain" },
                el("thead", {}, el("tr", {}, ["UTC", ...data.figures.slice(0, 3).map((figure) => figure.name)]
                  .map((name) => el("th", { scope: "col" }, name)))),
                el("tbody", {}, data.buckets.map((bucket) => el("tr", {},
                  el("th", { scope: "row" }, bucket.start.slice(11, 16)),
                  kinds.map(([, key]) => el("td", {}, grouped(bucket[key]))))))));
          const day = (data) => {
            const isEmpty = data.buckets.every((bucket) => kinds.every(([, key]) => bucket[key] === 0));
            return el("section", { id: "day", "aria-labelledby": "day-title" },
              header("day-title", "The last 24 hours", isEmpty ? null : data.note),
              isEmpty ? empty("No mail yet", "If none comes, Postfix isn't asking: see check_policy_service in its main.cf.")
              : el("div", { class: "day" },
                el("dl", { class: "figures" }, data.figures.map((figure) => el("div", {},
                  el("dt", {}, figure.kind === "" ? null
                    : el("span", { class: "swatch " + figure.kind, "aria-hidden": "true" }), figure.name),
                  el("dd", {}, el("span", { class: "value" }, figure.value),
                    el("span", { class: "sub" }, figure.note))))),
                el("div", { class: "chart" }, drawing(data), numbers(data))));
          };

          const waiting = (data) =>
            el("section", { id: "waiting", "aria-labelledby": "waiting-title" },
              header("waiting-title", "Who waits now", data.total > 0 ? grouped(data.total) + ", oldest first" : null),
              data.waiting.length === 0
                ? empty("Nothing is waiting", "Every mail that came has passed, or its sender gave up.")
                : [
                    cards(["Sender", "Recipient", "Waiting since", "May pass", "Client", "Identity", "Attempts"],
                      data.waiting.map((one) => row(
                        cell("Sender", address(one.sender)), cell("Recipient", address(one.recipient)),
                        cell("Waiting since", moment(one.first_attempt)), cell("May pass", moment(one.may_pass_from)),
                        cell("Client", client(one.client_name, one.network)),
                        cell("Identity", identity(one.organisation, one.proof)),
                        cell("Attempts", grouped(one.attempts), "number")))),
                    more(data.total, data.waiting.length, ": tprtctl list waiting"),
                  ]);

          const identities = (data) =>
            el("section", { id: "identities", "aria-labelledby": "identities-title" },
              header("identities-title", "Newest earned identities", "their mail passes at once"),
              data.identities.length === 0
                ? empty("None yet", "An organisation earns it with mail accepted on several days.")
                : [
                    cards(["Organisation", "Earned", "By"], data.identities.map((one) => row(
                      cell("Organisation", address(one.organisation)), cell("Earned", moment(one.earned_at)),
                      cell("By", prose(one.merit))))),
                    more(data.total, data.identities.length, ": tprtctl list earned"),
                  ]);

          const story = (one) =>
            el("article", { class: "story" },
              el("h3", {}, address(one.sender), el("span", { class: "arrow" }, " to "), address(one.recipient)),
              el("p", { class: "outcome " + one.outcome.kind }, one.outcome.words),
              cards(["Time", "Decision", "Client", "Identity"], one.attempts.map((attempt) => row(
                cell("Time", [
                  el("time", { class: "main", datetime: attempt.time.time },
                    attempt.time.time.replace("T", " ").replace("Z", "")),
                  el("span", { class: "sub" }, attempt.time.words),
                ]),
                cell("Decision", [
                  el("span", { class: "main verdict " + (attempt.deferred ? "deferred" : "passed") },
                    (attempt.deferred ? "deferred: " : "passed: ") + attempt.reason),
                  attempt.detail === "" ? null : el("span", { class: "sub" }, prose(attempt.detail)),
                ]),
                cell("Client", client(attempt.client_name, attempt.client_address)),
                cell("Identity", identity(attempt.organisation, attempt.proof))))),
              more(one.total_attempts, one.attempts.length, ""),
              one.sentences.length === 0 ? null
                : el("ul", { class: "sentences" }, one.sentences.map((sentence) => el("li", {}, prose(sentence)))),
              el("dl", { class: "commands" }, one.commands.flatMap((command) => [
                el("dt", {}, command.purpose),
                el("dd", {}, el("p", { class: "command" }, el("code", {}, command.command),
                  el("button", { type: "button", class: "copy" }, "Copy"))),
              ])));
          const found = (data) =>
            el("section", { id: "found", "aria-labelledby": "found-title" },
              el("header", {}, el("h2", { id: "found-title" }, "Search for ", foreign(data.text)),
                el("p", { class: "note" },
                  data.total > 0 ? grouped(data.total) + (data.total === 1 ? " mail" : " mails") + ", newest first. " : null,
                  el("a", { href: "/" }, "Back to all"))),
              data.stories.length === 0
                ? empty("Nothing was found", "Try a part of the address, such as its domain. Mail that was always known " +
                    "leaves no story, and the history forgets.")
                : [data.stories.map(story), more(data.total, data.stories.length, ": search for more of the address")]);

          // Makes a node of the document equal to one that was built, and leaves alone what is equal already.
          const isSame = (left, right) => left.nodeType === right.nodeType && left.nodeName === right.nodeName;
          const change = (node, wanted) => {
            if (node.nodeType !== Node.ELEMENT_NODE) {
              if (node.data !== wanted.data) node.data = wanted.data;
              return;
            }
            for (const { name } of [...node.attributes]) {
              if (name !== "open" && !wanted.hasAttribute(name)) node.removeAttribute(name);
            }
            for (const { name, value } of wanted.attributes) {
              if (node.getAttribute(name) !== value) node.setAttribute(name, value);
            }
            let here = node.firstChild;
            for (const child of [...wanted.childNodes]) {
              if (here === null) {
                node.append(child);
              } else if (isSame(here, child)) {
                change(here, child);
                here = here.nextSibling;
              } else {
                const next = here.nextSibling;
                here.replaceWith(child);
                here = next;
              }
            }
            while (here !== null) {
              const next = here.nextSibling;
              here.remove();
              here = next;
            }
          };
          // A row that somebody reads, opened or is about to follow must not become another one.
          const isInUse = (section) => {
            const selection = getSelection();
            return section.contains(document.activeElement) || section.querySelector(".long[open]") !== null ||
              (!selection.isCollapsed && section.contains(selection.anchorNode));
          };
          const show = (id, made) => {
            const section = document.getElementById(id);
            if (section !== null && !isInUse(section)) change(section, made);
          };

          const read = async (path) => {
            const reply = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(20000) });
            const data = await reply.json();
            if (!reply.ok && data.error.code !== "history_off") throw new Error(data.error.code);
            return data;
          };
          const note = document.getElementById("refreshed");
          const parts = [["state", "/api/status", state], ["day", "/api/day", day]];
          if (mayShowAddresses) {
            parts.push(["waiting", "/api/waiting", waiting], ["identities", "/api/identities", identities]);
            if (searched !== "") parts.push(["found", "/api/search?q=" + encodeURIComponent(searched), found]);
          }
          let isRefreshing = false;
          const refresh = async () => {
            if (isRefreshing || document.hidden) return;
            isRefreshing = true;
            const failures = [];
            let time = null;
            for (const [id, path, make] of parts) {
              try {
                const data = await read(path);
                if (id === "state") time = data.time;
                if (!("error" in data)) show(id, make(data));
              } catch (error) {
                failures.push(error.message);
              }
            }
            isRefreshing = false;
            if (failures.length === 0) {
              note.removeAttribute("class");
              note.replaceChildren("As of ",
                el("time", { datetime: time }, time.replace("T", " ").replace("Z", "")), ".");
            } else if (!note.hasAttribute("class")) {
              note.className = "stale";
              note.append(failures.includes("forbidden") ? " This browser may no longer see addresses: type tprtctl web again."
                : " It couldn't be refreshed since then.");
            }
          };

          document.documentElement.classList.add("scripted");
          document.addEventListener("visibilitychange", refresh);
          setInterval(refresh, every);

          document.addEventListener("keydown", (event) => {
            const field = document.getElementById("q");
            if (event.key !== "/" || event.ctrlKey || event.altKey || event.metaKey || field === null) return;
            if (event.target.closest("input, textarea, select, [contenteditable]") !== null) return;
            event.preventDefault();
            field.focus();
            field.select();
          });

          document.addEventListener("click", async (event) => {
            const button = event.target.closest(".copy");
            if (button === null) return;
            const code = button.parentElement.querySelector("code");
            try {
              await navigator.clipboard.writeText(code.textContent);
              button.textContent = "Copied";
              setTimeout(() => { button.textContent = "Copy"; }, 2000);
            } catch {
              getSelection().selectAllChildren(code);
            }
          });
        })();
        """#
}
