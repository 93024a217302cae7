import Glibc

/// What tells whether a file is another one or has other contents than before.
struct FileLook: Sendable, Equatable {
    private let path: String
    private let device: UInt64
    /// 0 where there is no file.
    private let inode: UInt64
    private let size: Int64
    private let seconds: Int
    private let nanoseconds: Int

    /// Looks at the file of that path.
    init(path: String) {
        var status = stat()
        let isThere = stat(path, &status) == 0
        self.path = path
        device = isThere ? UInt64(status.st_dev) : 0
        inode = isThere ? UInt64(status.st_ino) : 0
        size = isThere ? Int64(status.st_size) : 0
        seconds = isThere ? status.st_mtim.tv_sec : 0
        nanoseconds = isThere ? status.st_mtim.tv_nsec : 0
    }
}
