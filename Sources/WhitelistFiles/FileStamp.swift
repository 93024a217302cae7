import Glibc

/// What tells whether a file is another one or has other contents than before.
struct FileStamp: Sendable, Equatable {
    private let path: String
    private let device: UInt64
    /// 0 where there is no file.
    private let inode: UInt64
    private let size: Int64
    /// When the contents changed, and when anything did: its rights, too.
    private let times: [Int]

    /// Looks at the file of that path.
    init(path: String, through access: FileAccess) {
        let found = access.status(path)
        let isThere = found != nil
        let status = found ?? stat()
        self.path = path
        device = isThere ? UInt64(status.st_dev) : 0
        inode = isThere ? UInt64(status.st_ino) : 0
        size = isThere ? Int64(status.st_size) : 0
        let (contents, anything) = (status.st_mtim, status.st_ctim)
        times = isThere ? [contents.tv_sec, contents.tv_nsec, anything.tv_sec, anything.tv_nsec] : []
    }
}
