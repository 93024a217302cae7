import Glibc
import JSONText

/// Says something beside the result.
func note(_ sentence: String) {
    ProgressBar.wipe()
    let text = Array("\(Program.name): \(printable(sentence))\n".utf8)
    write(STDERR_FILENO, text, text.count)
}
