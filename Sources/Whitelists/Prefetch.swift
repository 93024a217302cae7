import CPrefetch

extension Array {
    /// Has memory fetch an element that is about to be read, without waiting for it.
    ///
    /// What is asked for at the same time comes at the same time.
    @inline(__always)
    func prefetch(_ index: Int) {
        withUnsafeBufferPointer { cprefetch($0.baseAddress, index * MemoryLayout<Element>.stride) }
    }
}
