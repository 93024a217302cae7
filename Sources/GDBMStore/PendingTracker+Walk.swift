import Greylist
import Storage

/// A record doesn't tell its client's network. It is read from a plain key; what is under a hashed one is counted among all
/// entries only, and not by network, once this process hasn't written it itself.
extension PendingTracker<WalkPosition> {
    /// Does a slice of the walk.
    ///
    /// After an error it waits for the next query, which meets the same error and deals with it.
    func walk(_ database: Database) {
        do throws(GDBMError) {
            let slice = try database.entries(from: position, limit: Self.slice)
            var hasRemoved = false
            for entry in slice.entries {
                guard let sighting = entry.sighting, sighting.isPending else { continue }
                if isUncounted(sighting) { count(sighting, network: entry.network) }
                guard limiter.hasDropped(sighting), try database.remove(entry) else { continue }
                hasRemoved = true
                forget(sighting, network: entry.network)
            }
            endSlice(at: slice.next, hasRemoved: hasRemoved)
        } catch {
            restart()
        }
    }
}
