import SystemPackage

@testable import LMDBStore

/// The disk under a journal: what a system has of its files, and what of that a power cut leaves.
///
/// Writes stay in the system's memory until they are synced. A power cut takes any sectors of them: some are written, in any
/// order, and of some only a part.
final class SimulatedDisk: @unchecked Sendable {  // guarded by: the thread of its world
    private static let sector = 512

    private final class File {
        /// As the system has it.
        var contents: [UInt8] = []
        /// As the disk has it.
        var durable: [UInt8] = []
        /// Which sectors differ, perhaps.
        var dirty: Set<Int> = []
        /// Whether its name is on the disk.
        var isNamed = false
    }

    private let world: World
    private var files: [String: File] = [:]
    /// Names that were removed, and may come back.
    private var removed: [String: File] = [:]
    private var open: [Int32: (name: String, file: File)] = [:]
    private var lastDescriptor: Int32 = 1_000
    /// Which use of it is the present one: a machine that is dead doesn't write any more.
    private var use = 0

    /// Whether there is room.
    var isFull = false
    /// How many syncs of a thousand fail.
    var failingSyncs = 0
    /// After how many calls the power goes.
    var callsUntilPowerCut: Int?
    /// Has the machine stopped in the middle of a call.
    var stop: () -> Void = {}

    init(in world: World) { self.world = world }

    // MARK: What may happen to it

    /// The process is killed: the system goes on.
    func loseProcess() {
        use += 1
        open = [:]
    }

    /// The power goes: what was synced is there, of all else any part.
    func losePower() {
        loseProcess()
        callsUntilPowerCut = nil
        for (name, file) in removed where files[name] == nil && world.happens(500) { files[name] = file }
        removed = [:]
        for name in files.keys.sorted() {
            guard let file = files[name] else { continue }
            if !file.isNamed, world.happens(500) {
                files[name] = nil
                continue
            }
            for sector in file.dirty.sorted() where world.happens(500) { persist(sector, of: file) }
            (file.contents, file.dirty, file.isNamed) = (file.durable, [], true)
        }
    }

    /// Brings a sector to the disk, or the first part of it.
    private func persist(_ sector: Int, of file: File) {
        let start = sector * Self.sector
        let length = world.happens(150) ? world.number(in: 1...Self.sector) : Self.sector
        let end = min(start + length, file.contents.count)
        guard start < end else { return }
        if file.durable.count < end { file.durable += [UInt8](repeating: 0, count: end - file.durable.count) }
        file.durable.replaceSubrange(start..<end, with: file.contents[start..<end])
    }

    /// The files of a path are those of another one from now on.
    func follow(_ path: String, to other: String) {
        func rename(_ files: inout [String: File]) {
            for name in files.keys.sorted() where name.hasPrefix(path) {
                files[other + name.dropFirst(path.count)] = files.removeValue(forKey: name)
            }
        }
        rename(&files)
        rename(&removed)
    }

    // MARK: The calls

    /// The calls of the process that runs now.
    var calls: JournalFiles {
        let use = use
        return JournalFiles { [self] name in
            files[name] != nil
        } read: { [self] name, limit throws(Errno) in
            guard let file = files[name] else { throw .noSuchFileOrDirectory }
            return Array(file.contents.prefix(limit))
        } rename: { [self] name, other throws(Errno) in
            try begin(use)
            files[other] = files.removeValue(forKey: name)
        } remove: { [self] name throws(Errno) in
            try begin(use)
            guard let file = files.removeValue(forKey: name) else { throw .noSuchFileOrDirectory }
            if file.isNamed { removed[name] = file }
        } open: { [self] name, _ throws(Errno) in
            try begin(use)
            if isFull, files[name] == nil { throw .noSpace }
            let file = files[name] ?? File()
            files[name] = file
            removed[name] = nil
            try begin(use)
            // The directory is synced.
            file.isNamed = true
            lastDescriptor += 1
            open[lastDescriptor] = (name, file)
            return FileDescriptor(rawValue: lastDescriptor)
        } write: { [self] descriptor, bytes, offset throws(Errno) in
            try begin(use)
            guard let file = open[descriptor.rawValue]?.file else { throw .badFileDescriptor }
            if isFull, offset + bytes.count > file.contents.count { throw .noSpace }
            let count = world.happens(20) ? world.number(in: 1...bytes.count) : bytes.count
            let end = offset + count
            if file.contents.count < end {
                file.contents += [UInt8](repeating: 0, count: end - file.contents.count)
            }
            file.contents.replaceSubrange(offset..<end, with: bytes[..<count])
            file.dirty.formUnion(offset / Self.sector...(end - 1) / Self.sector)
            return count
        } sync: { [self] descriptor throws(Errno) in
            try begin(use)
            guard let file = open[descriptor.rawValue]?.file else { throw .badFileDescriptor }
            if world.happens(failingSyncs) {
                for sector in file.dirty.sorted() where world.happens(500) { persist(sector, of: file) }
                // The system takes them for written.
                file.dirty = []
                throw .ioError
            }
            (file.durable, file.dirty) = (file.contents, [])
        } close: { [self] descriptor in
            if use == self.use { open[descriptor.rawValue] = nil }
        } size: { [self] descriptor in
            open[descriptor.rawValue]?.file.contents.count
        } isAt: { [self] name, descriptor in
            open[descriptor.rawValue].map { $0.file === files[name] } ?? false
        }
    }

    /// A call begins, unless the machine is dead, or dies now.
    private func begin(_ use: Int) throws(Errno) {
        guard use == self.use else { throw .ioError }
        guard let calls = callsUntilPowerCut else { return }
        callsUntilPowerCut = calls - 1
        guard calls <= 0 else { return }
        stop()
        throw .ioError
    }
}
