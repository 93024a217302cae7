import Foundation
import TestSupport
import Testing

/// A directory of an unprivileged user's, in which that user has put something in the place of a file of ours.
struct PlantedFile {
    /// What lies there.
    enum Trap: String, CaseIterable, CustomTestStringConvertible {
        case link = "a link to a file of root's"
        case danglingLink = "a link to where nothing is"
        case hardLink = "a file of root's under another name"
        case pipe = "a named pipe"
        case directoryLink = "a directory that is a link to one of root's"

        var testDescription: String { rawValue }
    }

    /// The user's directory, and the file in it that a program is told to use.
    let directory: String
    let file: String
    private let target: String
    private let absent: String
    private let guarded: String
    private let before: State

    /// What must not change.
    private struct State: Equatable {
        let owner: uid_t
        let group: gid_t
        let mode: mode_t
        let seconds: Int
        let content: Data?
        let neighbours: [String]
    }

    /// What root's file says: words that must not be shown to anybody.
    static let secret = "hunter2 is what only root knows"

    /// Plants a trap at `name` in a directory of that user's.
    ///
    /// - Parameters:
    ///   - name: may have a directory in it, which is made
    ///   - owner: whose the directory is
    init(_ trap: Trap, at name: String, in lab: Lab, of owner: String = "daemon", directory: String = "theirs") throws {
        let user = try account(owner)
        guarded = try lab.directory.makeDirectory("guarded")
        let last = name.split(separator: "/").last.map(String.init) ?? name
        target = "\(guarded)/\(last)"
        absent = "\(guarded)/absent"
        self.directory = try lab.directory.makeDirectory(directory)
        try give(self.directory, to: user)
        file = "\(self.directory)/\(name)"
        let parent = URL(fileURLWithPath: file).deletingLastPathComponent().path
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        if parent != self.directory { try give(parent, to: user) }
        try Data("\(Self.secret)\n".utf8).write(to: URL(fileURLWithPath: target))
        chmod(target, 0o600)
        func done(_ code: CInt) throws { if code != 0 { throw TestError.system("\(trap)") } }
        switch trap {
        case .link: try done(symlink(target, file))
        case .danglingLink: try done(symlink(absent, file))
        case .hardLink: try done(Glibc.link(target, file))
        case .pipe: try done(mkfifo(file, 0o666))
        case .directoryLink:
            let sub = parent == self.directory ? nil : parent
            let swapped = try #require(sub, "a directory to swap")
            try done(rmdir(swapped))
            try done(symlink(guarded, swapped))
        }
        if trap != .hardLink, trap != .directoryLink { lchown(file, user.uid, user.gid) }
        if trap == .directoryLink { lchown(parent, user.uid, user.gid) }
        before = try Self.state(of: target, in: guarded)
    }

    /// Checks that root's file is what it was, and that nothing came to be beside it.
    func expectUntouched(_ comment: @autoclosure () -> String = "") throws {
        #expect(try Self.state(of: target, in: guarded) == before, "\(file): \(comment())")
    }

    private static func state(of path: String, in directory: String) throws -> State {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw TestError.system(path) }
        return State(
            owner: status.st_uid, group: status.st_gid, mode: status.st_mode, seconds: status.st_mtim.tv_sec,
            content: FileManager.default.contents(atPath: path),
            neighbours: try FileManager.default.contentsOfDirectory(atPath: directory).sorted())
    }
}
