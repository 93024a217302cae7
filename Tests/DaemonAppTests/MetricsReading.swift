import Exposition
import TestSupport

@testable import DaemonApp

/// Metrics as a reader of their text sees them.
struct MetricsReading {
    struct Sample: Equatable {
        /// That of the family, for a histogram with what it is of it.
        let name: String
        let labels: [String: String]
        let value: Double
    }

    struct Family {
        let name: String
        let type: String
        let help: String
        var samples: [Sample] = []

        /// The values of each label, but for the bounds of a histogram.
        var labels: [String: Set<String>] {
            var labels: [String: Set<String>] = [:]
            for (name, value) in samples.flatMap(\.labels) where name != "le" {
                labels[name, default: []].insert(value)
            }
            return labels
        }
    }

    private(set) var families: [Family] = []

    /// Reads the text of a snapshot.
    init(_ snapshot: MetricsSnapshot) throws {
        let text = String(decoding: MetricsText(snapshot).bytes, as: UTF8.self)
        var helps: [Substring: Substring] = [:]
        for line in text.split(separator: "\n") {
            if let match = line.wholeMatch(of: #/# HELP ([a-z_]+) (.+)/#) {
                helps[match.1] = match.2
            } else if let match = line.wholeMatch(of: #/# TYPE ([a-z_]+) (counter|gauge|histogram)/#) {
                let help = helps[match.1, default: ""]
                families.append(Family(name: String(match.1), type: String(match.2), help: String(help)))
            } else if let match = line.wholeMatch(of: #/([a-z_]+)(?:\{(.*)\})? ([0-9e+.-]+)/#),
                let value = Double(match.3), families.last.map({ match.1.hasPrefix($0.name) }) ?? false
            {
                let labels = (match.2 ?? "").matches(of: #/([a-z]+)="([^"\\]*)",?/#).map {
                    (String($0.1), String($0.2))
                }
                families[families.count - 1].samples.append(
                    Sample(name: String(match.1), labels: Dictionary(uniqueKeysWithValues: labels), value: value))
            } else {
                throw TestError("a line of metrics that can't be read: \(line)")
            }
        }
    }

    /// A family by its name.
    func family(_ name: String) throws -> Family {
        guard let family = families.first(where: { $0.name == name }) else { throw TestError("no metric \(name)") }
        return family
    }

    /// A sample by its name and labels.
    func value(_ name: String, _ labels: [String: String] = [:]) throws -> Double {
        let samples = families.flatMap(\.samples).filter { $0.name == name && $0.labels == labels }
        guard let sample = samples.first else { throw TestError("no sample \(name) \(labels)") }
        return sample.value
    }
}
