import CProcess
import Glibc

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
    private var directory: CInt
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
        var walk = PathWalk(rest: whole.split(separator: "/"), directory: tprt_open_place(AT_FDCWD, "/"))
        defer { close(walk.directory) }
        return try walk.run()
    }

    private init(rest: [Substring], directory: CInt) {
        self.rest = rest
        self.directory = directory
    }

    private var name: String { "/" + path.joined(separator: "/") }

    private mutating func run() throws(FileError) -> Place {
        if let place = try judge() { return place }
        while !rest.isEmpty {
            let part = rest.removeFirst()
            if part == "." { continue }
            var status = stat()
            guard fstatat(directory, String(part), &status, AT_SYMLINK_NOFOLLOW) == 0 else {
                guard errno == ENOENT else { throw FileError("\(name)/\(part)", errno) }
                path += [part] + rest
                return .root(name, isSticky: isSticky)
            }
            // Sticky: what is there is its owner's to replace.
            if status.st_uid != 0, isSticky || status.st_mode & S_IFMT == S_IFLNK {
                return .other(FileUser(owning: status), "\(name)/\(part)")
            }
            switch status.st_mode & S_IFMT {
            case S_IFLNK: try follow(part)
            case S_IFDIR:
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
        var status = stat()
        guard fstat(directory, &status) == 0 else { throw FileError(name, errno) }
        if status.st_uid != 0 { return .other(FileUser(owning: status), name) }
        let isOpen = status.st_mode & 0o022 != 0
        isSticky = isOpen && status.st_mode & S_ISVTX != 0
        return isOpen && !isSticky ? .shared(name) : nil
    }

    private mutating func enter(_ part: Substring) throws(FileError) {
        let next = tprt_open_place(directory, String(part))
        guard next >= 0 else { throw FileError("\(name)/\(part)", errno) }
        close(directory)
        directory = next
        if part == ".." { _ = path.popLast() } else { path.append(part) }
    }

    private mutating func follow(_ part: Substring) throws(FileError) {
        links += 1
        guard links <= Self.linkLimit else { throw FileError("\(name)/\(part)", ELOOP) }
        var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlinkat(directory, String(part), &bytes, bytes.count)
        guard count > 0, count < bytes.count else { throw FileError("\(name)/\(part)", count < 0 ? errno : ENOENT) }
        let target = String(decoding: bytes[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
        rest = target.split(separator: "/") + rest
        guard target.hasPrefix("/") else { return }
        let root = tprt_open_place(AT_FDCWD, "/")
        guard root >= 0 else { throw FileError(target, errno) }
        close(directory)
        directory = root
        path = []
        isSticky = false
    }
}
