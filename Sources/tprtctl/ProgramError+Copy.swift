import Programs
import Storage

extension ProgramError {
    /// The store to read can't be opened.
    init(source error: StoreError) {
        switch error.code {
        case .cannotCreate: self.init(.noInput, error.description)
        case .corrupt: self.init(.dataError, "\(error); nothing was copied (--salvage: what can be read)")
        case .denied: self.init(.noPermission, "\(error); run \(Program.name) as the user of tprtd, or as root")
        default: self.init(error)
        }
    }

    /// The store to add to can't be opened.
    init(target error: StoreError) {
        let status = ExitStatus(error.code)
        switch error.code {
        case .inUse: self.init(status, "\(error): stop tprtd first, or copy to a store that it doesn't use")
        case .corrupt: self.init(status, "\(error): move it away first, or copy to another file")
        case .denied: self.init(status, "\(error); run \(Program.name) as the user of tprtd")
        default: self.init(error)
        }
    }

    /// A store failed in the middle, or, without a sentence on how far it came, at once.
    init(_ fault: CopyError, _ sentence: String?) {
        let more = sentence.map { "; \($0)" } ?? ""
        switch fault {
        case .source(let error) where error.code == .corrupt: self.init(.dataError, "\(error)\(more)")
        case .source(let error), .target(let error): self.init(ExitStatus(error.code), "\(error)\(more)")
        }
    }
}
