import FoundationEssentials
import Programs
import Settings
import WhitelistFiles
import Whitelists

extension WhitelistSelection {
    /// What was read, to be written elsewhere.
    struct Lists {
        var lists = EntryLists()
        /// Whether the daemon honours regular expressions, as far as it is known.
        var honoursPatterns: Bool
    }

    /// Reads all sources with their lists: all entries, or none where any is faulty.
    ///
    /// - Parameter unlisted: the list of what stands in none; nil: it is called as its file is
    func lists(unlisted: String? = nil) throws(ProgramError) -> Lists {
        let service = try settings.load(environment: ProcessInfo.processInfo.environment).service
        // They are kept whether or not they are honoured.
        let options = SourceOptions(allowsPatterns: true, allowsWide: force)
        var result = Lists(honoursPatterns: regex || service.allowWlRegex)
        var faults: [String] = []
        for source in try chosenSources(service) {
            do throws(WhitelistError) {
                for document in try source.documents() {
                    let reading = try document.lists(options, unlisted: unlisted)
                    result.lists.append(reading.entries)
                    faults += reading.complaints
                }
            } catch {
                faults.append(error.description)
            }
        }
        guard faults.isEmpty else { throw ProgramError(.dataError, faults + ["nothing was written"]) }
        return result
    }
}
