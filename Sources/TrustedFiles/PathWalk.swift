import CProcess
import Glibc
import SystemPackage

/// A way from `/` along a path, as root sees it, directory by directory.
struct PathWalk {
    /// Whose the end of a path is.
    enum Place {
        /// Nobody but root can change where it leads: the path without links. In a sticky directory others may make files
        /// beside it.
        case root(String, isSticky: Bool)
        /// From this place on another user decides.
        case other(FileUser, String)
        /// From this directory on several do.
        case shared(String)
    }

    private static let linkLimit = 40

    private var rest: [Substring]
    private var path: [Substring] = []
    private var directory: FileDescriptor
    private var isSticky = false
    private var links = 0

    /// Whose the end of that path is.
    static func follow(_ path: String) throws(FileError) -> Place {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw FileError(path, ENOENT, message: "is not the path of a file")
        }
        var whole = path
        if !path.hasPrefix("/") {
            guard let here = getcwd(nil, 0) else { throw FileError(path, errno) }
            defer { free(here) }
            whole = "\(String(cString: here))/\(path)"
        }
        var walk = PathWalk(rest: whole.split(separator: "/"), directory: try Self.openRoot(on: path))
        defer { try? walk.directory.close() }
        return try walk.run()
    }

    private init(rest: [Substring], directory: FileDescriptor) {
        self.rest = rest
        self.directory = directory
    }

    private var name: String { "/" + path.joined(separator: "/") }

    private mutating func run() throws(FileError) -> Place {
        if let place = try judge() { return place }
        while !rest.isEmpty {
            let part = rest.removeFirst()
            if part == "." { continue }
            let status: Stat
            do throws(Errno) {
                status = try Stat(String(part), relativeTo: directory, flags: .symlinkNoFollow)
            } catch {
                guard error == .noSuchFileOrDirectory else { throw FileError("\(name)/\(part)", error.rawValue) }
                path += [part] + rest
                return .root(name, isSticky: isSticky)
            }
            // Sticky: what is there is its owner's to replace.
            if status.userID.rawValue != 0, isSticky || status.type == .symbolicLink {
                return .other(FileUser(owning: status), "\(name)/\(part)")
            }
            switch status.type {
            case .symbolicLink: try follow(part)
            case .directory:
                try enter(part)
                if let place = try judge() { return place }
            default:
                path += [part] + rest
                return .root(name, isSticky: isSticky)
            }
        }
        return .root(name, isSticky: isSticky)
    }

    /// Looks at the directory that was entered; nil where root may go on.
    private mutating func judge() throws(FileError) -> Place? {
        let status: Stat
        do throws(Errno) { status = try Stat(directory) } catch { throw FileError(name, error.rawValue) }
        if status.userID.rawValue != 0 { return .other(FileUser(owning: status), name) }
        let isOpen = !status.permissions.isDisjoint(with: [.groupWrite, .otherWrite])
        isSticky = isOpen && status.permissions.contains(.saveText)
        return isOpen && !isSticky ? .shared(name) : nil
    }

    private mutating func enter(_ part: Substring) throws(FileError) {
        let next = tprt_open_place(directory.rawValue, String(part))
        guard next >= 0 else { throw FileError("\(name)/\(part)", errno) }
        try? directory.close()
        directory = FileDescriptor(rawValue: next)
        if part == ".." { _ = path.popLast() } else { path.append(part) }
    }

    private mutating func follow(_ part: Substring) throws(FileError) {
        links += 1
        guard links <= Self.linkLimit else { throw FileError("\(name)/\(part)", ELOOP) }
        var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlinkat(directory.rawValue, String(part), &bytes, bytes.count)
        guard count > 0, count < bytes.count else { throw FileError("\(name)/\(part)", count < 0 ? errno : ENOENT) }
        let target = String(decoding: bytes[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
        rest = target.split(separator: "/") + rest
        guard target.hasPrefix("/") else { return }
        let root = try Self.openRoot(on: target)
        try? directory.close()
        directory = root
        path = []
        isSticky = false
    }

    private static func openRoot(on path: String) throws(FileError) -> FileDescriptor {
        let root = tprt_open_place(AT_FDCWD, "/")
        guard root >= 0 else { throw FileError(path, errno) }
        return FileDescriptor(rawValue: root)
    }
}
