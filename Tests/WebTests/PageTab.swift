import Foundation
import JSONText
import TestSupport
import Testing

/// A tab of the browser.
struct PageTab: Sendable {
    private let browser: PageBrowser
    private let session: String

    init(_ browser: PageBrowser, session: String) {
        self.browser = browser
        self.session = session
    }

    /// Calls a method of the protocol in this tab.
    @discardableResult
    func call(_ method: String, _ parameters: [String: JSONValue] = [:]) async throws -> JSONValue {
        try await browser.call(method, parameters, session: session)
    }

    /// What the tab looks like to a page.
    struct Looks: Sendable, CustomTestStringConvertible {
        var width: Int
        var isDark = false
        var hasScripts = true

        var testDescription: String { "\(width) \(isDark ? "dark" : "light")\(hasScripts ? "" : " without scripts")" }
    }

    /// Gives the tab a size and a colour scheme.
    func look(_ looks: Looks) async throws {
        try await call(
            "Emulation.setDeviceMetricsOverride",
            [
                "width": .int(looks.width), "height": .int(900), "deviceScaleFactor": .int(1),
                "mobile": .bool(looks.width < 600),
            ])
        try await call(
            "Emulation.setEmulatedMedia",
            [
                "features": .array([
                    .object([
                        "name": .string("prefers-color-scheme"), "value": .string(looks.isDark ? "dark" : "light"),
                    ]),
                    .object(["name": .string("prefers-reduced-motion"), "value": .string("reduce")]),
                ])
            ])
        try await call("Emulation.setScrollbarsHidden", ["hidden": .bool(true)])
        try await call("Emulation.setScriptExecutionDisabled", ["value": .bool(!looks.hasScripts)])
    }

    /// Opens a URL and waits until it is loaded with all that belongs to it.
    func open(_ url: String) async throws {
        try await loading {
            let error = try await call("Page.navigate", ["url": .string(url)])["errorText"]
            if let text = error.string { throw TestError("\(url): \(text)") }
        }
    }

    /// Does something that loads a document, and waits until that is there.
    func loading(_ action: () async throws -> Void) async throws {
        let before = try await count(of: "Page.loadEventFired")
        try await action()
        try await waitUntil("a document to load") { try await count(of: "Page.loadEventFired") > before }
    }

    /// What has happened of a kind.
    func events(_ method: String) async throws -> [JSONValue] {
        try await browser.events(of: session).filter { $0.method == method }.map(\.parameters)
    }

    private func count(of method: String) async throws -> Int { try await events(method).count }

    /// What an expression of JavaScript yields; works where the page may not run any.
    @discardableResult
    func evaluate(_ expression: String) async throws -> JSONValue {
        let reply = try await call(
            "Runtime.evaluate",
            ["expression": .string(expression), "returnByValue": .bool(true), "awaitPromise": .bool(true)])
        guard reply["exceptionDetails"] == .null else { throw TestError(reply["exceptionDetails"].text) }
        return reply["result"]["value"]
    }

    /// Presses a key: one character, or `Enter` or `Tab`.
    func press(_ key: String) async throws {
        let codes = ["Enter": 13, "Tab": 9]
        var down: [String: JSONValue] = ["type": .string("keyDown"), "key": .string(key)]
        if let code = codes[key] {
            down["windowsVirtualKeyCode"] = .int(code)
            if key == "Enter" { down["text"] = .string("\r") }
        } else {
            down["text"] = .string(key)
        }
        try await call("Input.dispatchKeyEvent", down)
        try await call("Input.dispatchKeyEvent", ["type": .string("keyUp"), "key": .string(key)])
    }

    /// Types a text where the focus is.
    func type(_ text: String) async throws {
        try await call("Input.insertText", ["text": .string(text)])
    }

    /// A picture of the whole document as PNG, as far as it isn't longer than that.
    func screenshot(longest: Int = 3_000) async throws -> Data {
        let size = try await call("Page.getLayoutMetrics")["cssContentSize"]
        let clip: [String: JSONValue] = [
            "x": .int(0), "y": .int(0), "width": size["width"],
            "height": .double(min(size["height"].number ?? 0, Double(longest))), "scale": .int(1),
        ]
        let reply = try await call(
            "Page.captureScreenshot",
            ["format": .string("png"), "captureBeyondViewport": .bool(true), "clip": .object(clip)])
        guard let data = reply["data"].string.flatMap({ Data(base64Encoded: $0) }) else {
            throw TestError("no picture: \(reply.text.prefix(200))")
        }
        return data
    }

    /// What the browser had to complain of: errors of scripts, of the network, of the policy about content; dialogs.
    func complaints() async throws -> [String] {
        let complaining = [
            "Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Page.javascriptDialogOpening",
            "Network.loadingFailed",
        ]
        return try await browser.events(of: session).filter { complaining.contains($0.method) }
            .map { "\($0.method): \($0.parameters.text)" }
    }
}
