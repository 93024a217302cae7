/// What the program is called, said once.
enum Program {
    static let name = "tprtctl"
}
