/// Settings that are right one by one and wrong together.
struct Conflict: Equatable {
    /// The settings, the one to name first.
    var keys: [String]
    var complaint: Complaint

    /// The conflict as an error of the first of its settings that somebody gave.
    func error(in loaded: LoadedConfiguration) -> SettingError {
        let given = keys.first { loaded.origins[$0] != nil }
        return SettingError(
            origin: given.map { loaded.origin(of: $0) } ?? .default, key: given ?? keys.first,
            complaint: complaint.sentence, remedy: complaint.remedy)
    }
}

extension LoadedConfiguration {
    /// What is wrong between settings.
    func conflicts() -> [Conflict] {
        let service = configuration.service
        var conflicts: [Conflict] = []
        if service.greyRetryWindow <= service.greyDelay {
            conflicts.append(
                Conflict(
                    keys: ["service.grey_retry_window", "service.grey_delay"],
                    complaint: Complaint(
                        "grey_retry_window, \(service.greyRetryWindow.text), is not longer than "
                            + "grey_delay, \(service.greyDelay.text)",
                        remedy: "no retry could ever pass")))
        }
        if service.greyMaxAge < service.greyRetryWindow {
            conflicts.append(
                Conflict(
                    keys: ["service.grey_max_age", "service.grey_retry_window"],
                    complaint: Complaint(
                        "grey_max_age, \(service.greyMaxAge.text), is shorter than "
                            + "grey_retry_window, \(service.greyRetryWindow.text)",
                        remedy: "entries would be gone before their retry")))
        }
        if configuration.log.logType == .file, configuration.log.logFile.isEmpty {
            conflicts.append(
                Conflict(
                    keys: ["log.log_file", "log.log_type"],
                    complaint: Complaint("log_type is file, and log_file is empty", remedy: "give log_file a path")))
        }
        return conflicts
    }
}
