/// What the program is called, said once.
enum Program {
    static let name = "tprtd"
    static let version = "1.0.0-dev"
}
