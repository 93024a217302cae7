extension Configuration {
    static let historyFields: [Field] = [
        Field(
            "service.history_db", \.service.historyDb,
            "The SQLite file that keeps what became of which mail, and why; empty: none is kept.",
            discussion:
                "{state_dir} stands for the program's state directory. tprtctl why, history and report read it.",
            allowed: .oneLine),
        Field(
            "service.history_max_age", \.service.historyMaxAge,
            "How long the history goes back.",
            allowed: .range(.seconds(3_600) ... .days(3650)), reload: true),
        Field(
            "service.history_max_size", \.service.historyMaxSize,
            "How large the history may become; beyond it the oldest goes first.",
            discussion: "In bytes, or with KiB, MiB or GiB behind the number.",
            allowed: .range(.mebibytes(1) ... .mebibytes(1 << 20)), reload: true),
        Field(
            "service.history_addresses", \.service.historyAddresses,
            "How much of senders and recipients the history keeps: full, domain (without local parts) or hashed.",
            discussion: "With domain and hashed, tprtctl why still finds a mail by the addresses it is given.",
            reload: true),
    ]
}
