import Glibc
import RedisLab

/// Writes a file.
func write(_ text: String, to path: String) throws {
    guard let file = fopen(path, "w") else { throw LabError("can't write \(path)") }
    defer { fclose(file) }
    fputs(text, file)
}
