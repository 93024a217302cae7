/// Labels of internationalized names as the DNS has them (RFC 3492), without the prefix `xn--`.
enum Punycode {
    private static let (base, shortest, longest) = (36, 1, 26)
    /// No label of the DNS is longer, and none of these sums overflows below it.
    private static let limit = 63

    /// The ASCII form of a label; nil where that is longer than a label may be.
    static func encode(_ label: String.UnicodeScalarView) -> [UInt8]? {
        let values = label.map { Int($0.value) }
        guard values.count <= limit else { return nil }
        var output = values.filter { $0 < 0x80 }.map { UInt8($0) }
        let basic = output.count
        if basic > 0 { output.append(UInt8(ascii: "-")) }
        var (next, delta, bias, done) = (0x80, 0, 72, basic)
        while done < values.count {
            guard let least = values.filter({ $0 >= next }).min() else { return nil }
            delta += (least - next) * (done + 1)
            next = least
            for value in values {
                if value < next { delta += 1 }
                guard value == next else { continue }
                appendNumber(delta, bias: bias, to: &output)
                bias = adapted(delta, count: done + 1, isFirst: done == basic)
                (delta, done) = (0, done + 1)
            }
            delta += 1
            next += 1
        }
        return output.count <= limit ? output : nil
    }

    /// The label that an ASCII form stands for; nil where it is none.
    static func decode(_ text: some BidirectionalCollection<UInt8>) -> String.UnicodeScalarView? {
        guard text.count <= limit else { return nil }
        var (values, rest): ([Int], ArraySlice<UInt8>) = ([], ArraySlice(text))
        if let hyphen = rest.lastIndex(of: UInt8(ascii: "-")) {
            values = rest[..<hyphen].map(Int.init)
            rest = rest[(hyphen + 1)...]
        }
        var (next, index, bias, isFirst) = (0x80, 0, 72, true)
        while !rest.isEmpty {
            let (before, count) = (index, values.count + 1)
            var (weight, position) = (1, base)
            while true {
                guard let digit = rest.popFirst().flatMap(value), index < 1 << 30, weight < 1 << 30 else { return nil }
                index += digit * weight
                let threshold = threshold(position, bias)
                if digit < threshold { break }
                weight *= base - threshold
                position += base
            }
            bias = adapted(index - before, count: count, isFirst: isFirst)
            isFirst = false
            next += index / count
            index %= count
            guard next <= 0x10ffff else { return nil }
            values.insert(next, at: index)
            index += 1
        }
        var label = String.UnicodeScalarView()
        for value in values {
            guard let scalar = Unicode.Scalar(UInt32(value)) else { return nil }
            label.append(scalar)
        }
        return label
    }

    private static func appendNumber(_ number: Int, bias: Int, to output: inout [UInt8]) {
        var (rest, position) = (number, base)
        while true {
            let threshold = threshold(position, bias)
            if rest < threshold { break }
            output.append(digit(threshold + (rest - threshold) % (base - threshold)))
            rest = (rest - threshold) / (base - threshold)
            position += base
        }
        output.append(digit(rest))
    }

    private static func threshold(_ position: Int, _ bias: Int) -> Int {
        min(max(position - bias, shortest), longest)
    }

    /// RFC 3492, section 6.1.
    private static func adapted(_ delta: Int, count: Int, isFirst: Bool) -> Int {
        var (delta, bias) = (isFirst ? delta / 700 : delta / 2, 0)
        delta += delta / count
        while delta > (base - shortest) * longest / 2 {
            delta /= base - shortest
            bias += base
        }
        return bias + (base - shortest + 1) * delta / (delta + 38)
    }

    private static func digit(_ value: Int) -> UInt8 {
        UInt8(value < 26 ? value + Int(UInt8(ascii: "a")) : value - 26 + Int(UInt8(ascii: "0")))
    }

    private static func value(_ digit: UInt8) -> Int? {
        switch digit {
        case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(digit - UInt8(ascii: "a"))
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(digit - UInt8(ascii: "0")) + 26
        default: nil
        }
    }
}
