/// What the environment says, in the order of its names, what is wrong with it, and what was left alone.
///
/// Only names that begin with `TPRT_` are ours, and all of those must be settings, but for what a container's manager sets
/// for a service that is called so.
func environmentAssignments(
    _ environment: [String: String]
) -> (found: [Assignment], errors: [SettingError], warnings: [String]) {
    let keys = Dictionary(
        Configuration.fields.map { ($0.environmentName, $0.key) }, uniquingKeysWith: { first, _ in first })
    let links = ServiceLinks(in: environment)
    var found: [Assignment] = []
    var errors: [SettingError] = []
    var foreign: [String] = []
    for (name, value) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix("TPRT_") {
        let origin = Origin.environment(name: name)
        if links.contain(name) {
            foreign.append(name)
        } else if let key = keys[name] {
            found.append(Assignment(key: key, input: .text(value), origin: origin))
        } else {
            let remedy =
                suggestion(for: name, among: Configuration.fields.map(\.environmentName)) ?? advice(on: name)
            errors.append(SettingError(origin: origin, complaint: "no such setting", remedy: remedy))
        }
    }
    return (found, errors, foreign.isEmpty ? [] : [ignored(foreign)])
}

/// The sentence on variables that are left alone.
private func ignored(_ names: [String]) -> String {
    let shown = names.prefix(3).joined(separator: ", ") + (names.count > 3 ? " and \(names.count - 3) more" : "")
    return "environment: \(shown): ignored, set by Kubernetes or Docker for a service of that name "
        + "(enableServiceLinks: false in the pod's specification keeps them out)"
}

/// What is meant by a variable such as `TPRT_SERVICE_DELAY`; nil where that can't be told.
private func advice(on name: String) -> String? {
    let parts = name.lowercased().split(separator: "_", maxSplits: 2).map(String.init)
    guard parts.count == 3, let key = meantSetting(by: "\(parts[1]).\(parts[2])") else { return nil }
    return Configuration.field(key).map { "did you mean \($0.environmentName)?" }
}
