/// What the environment says, in the order of its names, and what is wrong with it.
///
/// Only names that begin with `TPRT_` are ours, and all of those must be settings.
func environmentAssignments(_ environment: [String: String]) -> (found: [Assignment], errors: [SettingError]) {
    let keys = Dictionary(
        Configuration.fields.map { ($0.environmentName, $0.key) }, uniquingKeysWith: { first, _ in first })
    var found: [Assignment] = []
    var errors: [SettingError] = []
    for (name, value) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix("TPRT_") {
        let origin = Origin.environment(name: name)
        if let key = keys[name] {
            found.append(Assignment(key: key, input: .text(value), origin: origin))
        } else {
            let remedy =
                suggestion(for: name, among: Configuration.fields.map(\.environmentName)) ?? advice(on: name)
            errors.append(SettingError(origin: origin, complaint: "no such setting", remedy: remedy))
        }
    }
    return (found, errors)
}

/// What is meant by a variable such as `TPRT_SERVICE_DELAY`; nil where that can't be told.
private func advice(on name: String) -> String? {
    let parts = name.lowercased().split(separator: "_", maxSplits: 2).map(String.init)
    guard parts.count == 3, let key = meantSetting(by: "\(parts[1]).\(parts[2])") else { return nil }
    return Configuration.field(key).map { "did you mean \($0.environmentName)?" }
}
