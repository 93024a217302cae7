extension PageHTML {
    /// Appends the whole document around its sections.
    ///
    /// - Parameter search: what is searched for, empty for nothing; nil where nothing may be
    mutating func document(
        _ status: PageStatus, search: String?, at now: Int64, _ sections: (inout PageHTML) -> Void
    ) {
        markup("<!DOCTYPE html>\n")
        element("html", ["lang": "en", "data-access": search == nil ? "no" : "yes"]) { html in
            html.element("head") { $0.head(status) }
            html.markup("\n")
            html.element("body") { html in
                html.element("a", ["class": "skip", "href": "#main"], text: "Skip to the content")
                html.element("header", ["class": "top"]) { $0.top(status, search: search) }
                html.markup("\n")
                html.element("main", ["id": "main", "tabindex": "-1"], sections)
                html.markup("\n")
                html.element("footer") { $0.footer(status, at: now) }
            }
        }
        markup("\n")
    }

    private mutating func head(_ status: PageStatus) {
        start("meta", ["charset": "utf-8"])
        element("title", text: "TPRT on \(status.host)")
        start("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
        start("meta", ["name": "color-scheme", "content": "light dark"])
        start("link", ["rel": "icon", "href": Self.icon])
        start("link", ["rel": "stylesheet", "href": "/app.css"])
        element("script", ["src": "/app.js", "defer": ""])
    }

    private mutating func top(_ status: PageStatus, search: String?) {
        element("div", ["class": "bar"]) { html in
            html.element("h1") { html in
                html.markup(Self.mark)
                html.element("span", ["class": "name"], text: "TPRT")
                html.element("span", ["class": "host"]) { html in
                    html.element("span", ["class": "hidden"], text: "on ")
                    html.foreign(status.host)
                }
            }
            guard let search else { return }
            html.element("form", ["role": "search", "method": "get", "action": "/"]) { html in
                html.element("label", ["for": "q", "class": "hidden"], text: "Search for an address")
                html.start(
                    "input",
                    [
                        "id": "q", "name": "q", "type": "search", "value": search, "maxlength": "\(Page.searchLimit)",
                        "placeholder": "Sender, recipient or domain", "autocomplete": "off", "autocapitalize": "none",
                        "spellcheck": "false", "aria-keyshortcuts": "/",
                    ])
                html.element("kbd", ["aria-hidden": "true"], text: "/")
                html.element("button", text: "Search")
            }
        }
    }

    private mutating func footer(_ status: PageStatus, at now: Int64) {
        element("p") { html in
            html.text("TPRT \(status.version). All times are UTC. ")
            html.element("span", ["id": "refreshed"]) { html in
                html.text("As of ")
                html.element("time", ["datetime": now.iso8601], text: now.dateAndSecond)
                html.text(".")
            }
        }
    }

    /// A bell that rings twice.
    private static let mark: StaticString = #"""
        <svg class="mark" width="30" height="26" viewBox="0 0 30 26" aria-hidden="true"><path class="body" d="M4 19h15\#
        l-2.2-3.4v-5.1a5.3 5.3 0 0 0-10.6 0v5.1z"/><path class="body" d="M9.3 21h4.4a2.2 2.2 0 0 1-4.4 0z"/><path \#
        class="wave" d="M20.5 5.5a8 8 0 0 1 1.6 5M24.3 3a12.4 12.4 0 0 1 2.4 7.5"/></svg>
        """#

    /// The same for the browser's tab.
    private static let icon =
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='-1 -1 30 26'%3E%3Cg fill='%2334789f'%3E"
        + "%3Cpath d='M4 19h15l-2.2-3.4v-5.1a5.3 5.3 0 0 0-10.6 0v5.1z'/%3E%3Cpath d='M9.3 21h4.4a2.2 2.2 0 0 1-4.4 0z'/%3E"
        + "%3C/g%3E%3Cpath fill='none' stroke='%23c07c1d' stroke-width='2' stroke-linecap='round' "
        + "d='M20.5 5.5a8 8 0 0 1 1.6 5M24.3 3a12.4 12.4 0 0 1 2.4 7.5'/%3E%3C/svg%3E"
}
