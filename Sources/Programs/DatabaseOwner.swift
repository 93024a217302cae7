public import Storage
public import TrustedFiles

/// Whose databases are: root opens none that another user could have put something beside.
///
/// The libraries open files by their names, and again later; so root becomes that user, or leaves the database alone.
public enum DatabaseOwner {
    /// What comes after the name of a database in those of the files beside it.
    private static let suffixes = ["-lock", "-open", "-journal-0", "-journal-1"]

    /// The user who has to open a database; nil where it is this process as it is.
    ///
    /// - Throws: where root may not open it, and there is nobody to become
    public static func of(_ location: StoreLocation) throws(FileError) -> FileUser? {
        switch location {
        case .memory, .redis: nil
        case .lmdb(let path), .gdbm(let path): try FileReach(path).owner(ofFilesWith: suffixes)
        }
    }
}
