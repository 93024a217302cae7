import ArgumentParser
import Control
import JSONText
import Programs

/// `tprtctl web`.
struct WebCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "web",
        abstract: "Print the URL of the daemon's page, with a code that opens it once.",
        discussion: """
            Open it within a minute, in the browser that is to see the page: it stays signed in for 12 hours, or until the \
            daemon is restarted. Where the daemon runs on another machine, forward its port first: \
            ssh -L 10923:127.0.0.1:10923 host. Ends with status 78 where the page is off, and with 69 where no daemon \
            answers.
            """)

    @OptionGroup var daemon: ControlAccess

    func run() throws {
        let client = try daemon.client()
        let reply = try client.carryOut(ControlRequest(WebCode.verb))
        guard let code = WebCode(reply) else { throw client.misunderstanding }
        if daemon.json {
            let urls = JSONValue.array(code.urls.map { .string($0) })
            try say(JSONValue.object(["code": .string(code.code), "urls": urls]).text)
        } else {
            for url in code.urls { try say(url) }
        }
    }
}

extension WebCode {
    /// What to open; for a unix socket, what a client has to ask for there.
    fileprivate var urls: [String] {
        places.map { $0.hasPrefix("http") ? "\($0)?code=\(code)" : "\($0) /?code=\(code)" }
    }
}
