import FileStorage
import TestSupport
import Testing

struct BootIDTests {
    private static let digits = "0123456789abcdef0123456789abcdef"
    private static let uuid = "01234567-89ab-cdef-0123-456789abcdef"
    private static let this = BootID(digits.utf8)
    private let folder: TemporaryDirectory

    init() throws {
        folder = try TemporaryDirectory()
    }

    @Test(
        arguments: [
            (digits, true), (digits.uppercased(), true), ("01234567-89AB-cdef-0123-456789abcdef", true), ("", false),
            (String(digits.dropLast()), false), (digits + "0", false), (digits + "\n", false), (" " + digits, false),
            ("0123456789abcdef0123456789abcdeg", false), ("0123456-789ab-cdef-0123-456789abcdef", false),
            ("0123456789abcdef-0123456789abcdef", false), (String(repeating: "-", count: 32), false),
        ])
    func spellings(_ text: String, _ isID: Bool) {
        #expect(BootID(text.utf8) == (isID ? Self.this : nil))
    }

    @Test func zerosAreNoBoot() {
        #expect(BootID(String(repeating: "0", count: 32).utf8) == nil)
    }

    /// What the service manager says comes before the kernel's file.
    @Test(
        arguments: [
            (nil, uuid + "\n", true), (nil, uuid, true), ("", uuid + "\n", true), ("%b", uuid + "\n", true),
            (digits, "fedcba98-7654-3210-fedc-ba9876543210\n", true), (digits, nil, true), (nil, nil, false),
            (nil, "", false), (nil, "\n", false), (nil, String(repeating: uuid, count: 1_000), false),
        ] as [(String?, String?, Bool)])
    func whoSaysWhichBootThisIs(_ variable: String?, _ file: String?, _ isKnown: Bool) throws {
        if let file { try folder.write(file, to: "boot_id") }
        let environment = variable.map { ["BOOT_ID": $0] } ?? [:]
        let found = BootID.current(environment: environment, kernelFile: folder.file("boot_id"))
        #expect(found == (isKnown ? Self.this : nil))
    }

    @Test func theKernelSaysWhichBootThisIs() {
        #expect(BootID.current(environment: [:]) != nil)
    }
}
