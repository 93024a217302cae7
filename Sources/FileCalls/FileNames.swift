import Glibc
public import SystemPackage

/// Calls that make, change and remove the names of files, for which swift-system has none.
///
/// A name is taken as it is: a `FilePath` would lose a slash at its end, which says that it must be a directory's.
public enum FileNames {
    /// Whether there is something, be it without the right to read it; a link leads to what it stands for.
    ///
    /// The corresponding C function is `access`.
    public static func exists(_ path: String) -> Bool {
        access(path, F_OK) == 0
    }

    /// Throws why there is nothing, or why it can't be reached; a link leads to what it stands for.
    ///
    /// The corresponding C function is `access`.
    public static func find(_ path: String) throws(Errno) {
        try check { access(path, F_OK) }
    }

    /// Whether it can be read, by the rights of the real user; a link leads to what it stands for.
    ///
    /// The corresponding C function is `access`.
    public static func isReadable(_ path: String) -> Bool {
        access(path, R_OK) == 0
    }

    /// Removes a name of a file.
    ///
    /// The corresponding C function is `unlink`.
    public static func remove(_ path: String) throws(Errno) {
        try check { unlink(path) }
    }

    /// Removes a name of a file from a directory that is open.
    ///
    /// The corresponding C function is `unlinkat`.
    public static func remove(_ name: String, in directory: FileDescriptor) throws(Errno) {
        try check { unlinkat(directory.rawValue, name, 0) }
    }

    /// Gives a file another name; what has that name loses it.
    ///
    /// The corresponding C function is `rename`.
    public static func rename(_ path: String, to other: String) throws(Errno) {
        try check { Glibc.rename(path, other) }
    }

    /// Gives a file one name more, which must be free.
    ///
    /// The corresponding C function is `link`.
    public static func link(_ path: String, as other: String) throws(Errno) {
        try check { Glibc.link(path, other) }
    }

    /// Makes a symbolic link.
    ///
    /// The corresponding C function is `symlink`.
    public static func makeLink(_ path: String, to target: String) throws(Errno) {
        try check { symlink(target, path) }
    }

    /// Gives what has this name other rights; not what it leads to where it is a link.
    ///
    /// The corresponding C function is `fchmodat`.
    public static func setPermissions(_ path: String, _ permissions: FilePermissions) throws(Errno) {
        try check { fchmodat(AT_FDCWD, path, permissions.rawValue, AT_SYMLINK_NOFOLLOW) }
    }

    /// Makes a directory.
    ///
    /// The corresponding C function is `mkdir`.
    public static func makeDirectory(_ path: String, _ permissions: FilePermissions) throws(Errno) {
        try check { mkdir(path, permissions.rawValue) }
    }

    /// The path without links, from the root on.
    ///
    /// The corresponding C function is `realpath`.
    public static func resolve(_ path: String) throws(Errno) -> String {
        guard let found = realpath(path, nil) else { throw Errno(rawValue: errno) }
        defer { free(found) }
        return String(cString: found)
    }

    /// The names in a directory, in any order, `.` and `..` among them.
    ///
    /// The corresponding C functions are `opendir` and `readdir`.
    public static func names(in directory: String) throws(Errno) -> [String] {
        guard let stream = opendir(directory) else { throw Errno(rawValue: errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw Errno(rawValue: errno) }
                return names
            }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            names.append(name)
        }
    }
}
