internal import CEventScan

/// Decimals as integers: x · 10^scale, read from texts and written as texts without floating point.
///
/// Pure functions, safe on every thread.
public enum ScaledNumber {
    /// 10^scale, for a scale of 0 to 18.
    public static func unit(scale: Int) -> Int64 {
        var unit: Int64 = 1
        for _ in 0..<scale { unit *= 10 }
        return unit
    }

    /// Reads a number as RFC 8259 writes it, times 10^scale.
    ///
    /// `fraction`: it has more decimals than the scale. With `rounds` these are rounded half to
    /// even.
    @inline(__always)
    static func read(
        _ text: UnsafeRawBufferPointer, scale: Int, rounds: Bool
    ) -> JSONInteger {
        var value: Int64 = 0
        let found = es_decimal(
            text.baseAddress?.assumingMemoryBound(to: CChar.self), text.count, Int32(scale),
            rounds ? 1 : 0, &value)
        return JSONInteger(es_number(UInt32(found)), value)
    }

    /// The number in a text times 10^scale, exactly; nil where it is no number, has more decimals
    /// or is beyond 2^53 − 1.
    public static func value(_ text: String, scale: Int) -> Int64? {
        let bytes = Array(text.utf8)
        guard
            case .integer(let value) = bytes.withUnsafeBytes({
                read($0, scale: scale, rounds: false)
            })
        else { return nil }
        return value
    }

    /// `scaled / 10^scale` with exactly `scale` decimals: (1234, 2) is 12.34.
    public static func text(_ scaled: Int64, scale: Int) -> String {
        let unit = UInt64(unit(scale: scale))
        let (whole, fraction) = scaled.magnitude.quotientAndRemainder(dividingBy: unit)
        let sign = scaled < 0 ? "-" : ""
        guard scale > 0 else { return "\(sign)\(whole)" }
        // With a digit before it, the fraction keeps the zeros that it begins with.
        return "\(sign)\(whole).\(String(unit + fraction).dropFirst())"
    }
}

extension MeterCatalog {
    /// Decimals of a meter's numbers: its cells hold them times 10^scale.
    ///
    /// 0: whole numbers. All its amounts, or the values of an extreme or histogram, have the same.
    public func scale(of meter: MeterDeclaration) -> Int {
        scales(of: meter).first?.scale ?? 0
    }

    /// The fields from which a meter takes its numbers, with their scales.
    func scales(of meter: MeterDeclaration) -> [(field: String, scale: Int)] {
        meter.clauses.flatMap { clause -> [(field: String, scale: Int)] in
            var names: [String] = []
            if case .field(let name, _) = clause.amount { names.append(name) }
            // The event's own time, also where a field has that name.
            if let value = meter.value, value != "time" { names.append(value) }
            return names.compactMap { name in
                guard let field = event(clause.event)?.field(name),
                    field.kind == .integer || field.kind == .decimal
                else { return nil }
                return ("\(clause.event)/\(name)", field.scale)
            }
        }
    }
}

extension Lowering {
    /// Numbers of different scales cannot be added up or compared.
    func checkScales() throws(ProgramError) {
        for meter in catalog.meters {
            let scales = catalog.scales(of: meter)
            guard let first = scales.first,
                let other = scales.first(where: { $0.scale != first.scale })
            else { continue }
            throw ProgramError(
                subject: meter.name,
                message: "its numbers have different scales: '\(first.field)' has \(first.scale) "
                    + "decimals, '\(other.field)' \(other.scale)")
        }
    }

    /// A clause's constant amount, in the scale of the meter's numbers.
    func scaled(_ amount: Int64, _ context: ClauseContext) throws(ProgramError) -> Int64 {
        // Where a value is kept or put in a step, the amount is how often.
        if context.meter.value != nil { return amount }
        let unit = ScaledNumber.unit(scale: catalog.scale(of: context.meter))
        let (product, overflow) = amount.multipliedReportingOverflow(by: unit)
        guard !overflow, product.magnitude <= FieldDeclaration.largestInteger.magnitude else {
            throw context.fail("amount \(amount) is beyond 2^53 - 1 in the meter's decimals")
        }
        return product
    }
}
