import Foundation
import Testing

@testable import Web

@Suite struct PageStyleTests {
    /// The colours of a scheme by their names, as channels from 0 to 255.
    private static func colours(isDark: Bool) -> [String: [Double]] {
        let blocks = Page.style.description.split(separator: "}", maxSplits: 2, omittingEmptySubsequences: false)
        var colours: [String: [Double]] = [:]
        for match in (isDark ? blocks[1] : blocks[0]).matches(of: /--([a-z-]+): #([0-9a-f]{6});/) {
            let digits = Int(match.2, radix: 16) ?? 0
            colours[String(match.1)] = [digits >> 16, digits >> 8 & 255, digits & 255].map { Double($0) }
        }
        return colours
    }

    /// How bright a colour is, from 0 to 1, and the contrast of two, as WCAG 2 has them.
    private static func contrast(_ left: [Double], _ right: [Double]) -> Double {
        func luminance(_ colour: [Double]) -> Double {
            let linear = colour.map { channel in
                let share = channel / 255
                return share <= 0.04045 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4)
            }
            return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        }
        let (one, other) = (luminance(left), luminance(right))
        return (max(one, other) + 0.05) / (min(one, other) + 0.05)
    }

    @Test("text can be read in both schemes", arguments: [false, true]) func text(isDark: Bool) throws {
        let colours = Self.colours(isDark: isDark)
        let pairs = [
            ("ink", ["ground", "paper", "code-paper", "degraded-paper"]), ("soft", ["ground", "paper"]),
            ("link", ["ground", "paper"]), ("degraded-ink", ["ground", "paper", "degraded-paper"]),
        ]
        for (front, backs) in pairs {
            for back in backs {
                let contrast = Self.contrast(try #require(colours[front]), try #require(colours[back]))
                #expect(contrast >= 4.5, "\(front) on \(back): \(contrast)")
            }
        }
    }

    @Test("what is drawn can be told from the ground", arguments: [false, true]) func drawing(isDark: Bool) throws {
        let colours = Self.colours(isDark: isDark)
        for front in ["once", "waited", "deferred", "working", "observing", "degraded", "strong-line", "focus"] {
            for back in ["ground", "paper"] {
                let contrast = Self.contrast(try #require(colours[front]), try #require(colours[back]))
                #expect(contrast >= 3, "\(front) on \(back): \(contrast)")
            }
        }
    }

    @Test("a contrast is measured as it should be") func measure() {
        #expect((20.9...21.1).contains(Self.contrast([0, 0, 0], [255, 255, 255])))
        #expect((4.47...4.49).contains(Self.contrast([119, 119, 119], [255, 255, 255])))
    }

    @Test("style sheet and script ask nobody else, and make no markup of texts") func purity() {
        let style = Page.style.description
        let script = Page.script.description
        for forbidden in ["url(", "@import", "http"] { #expect(!style.contains(forbidden), "\(forbidden)") }
        for forbidden in [
            "innerHTML", "outerHTML", "insertAdjacent", "document.write", "DOMParser", "eval(", "Function(", ".style",
            "setTimeout(\"", "srcdoc", "localStorage",
        ] {
            #expect(!script.contains(forbidden), "\(forbidden)")
        }
        // The one URL is the name of a language.
        #expect(script.split(separator: "http").count == 2)
    }
}
