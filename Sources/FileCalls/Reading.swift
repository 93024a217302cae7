public import SystemPackage

extension FileDescriptor {
    /// The bytes from the file's offset to its end.
    ///
    /// - Parameter limit: where there are more, it stops soon after so many
    public func readToEnd(limit: Int = .max) throws(Errno) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 14)
        while bytes.count <= limit {
            let count = try systemCall { try chunk.withUnsafeMutableBytes { try read(into: $0) } }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return bytes
    }

    /// The bytes of a file.
    ///
    /// - Parameter limit: where there are more, it stops soon after so many
    public static func contents(of path: String, limit: Int = .max) throws(Errno) -> [UInt8] {
        let file = try systemCall { try open(path, .readOnly, options: .closeOnExec) }
        defer { try? file.close() }
        return try file.readToEnd(limit: limit)
    }
}
