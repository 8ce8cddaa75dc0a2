import Glibc

extension CapacityPlan {
    /// How what a quarter, a half and the whole of a sample need grows on beyond it.
    ///
    /// A power for each doubling, which changes from one to the next as it did within the sample: cells that are
    /// met again and again fill up, new ones for every event go on.
    struct Growth {
        /// How many times the sample must be doubled for the whole load; 0 or less = it is the whole load.
        let doublings: Double

        /// The whole of one number, from that of a quarter, a half and all of the sample, or of the whole load.
        func extrapolate(_ values: [Double]) -> Double {
            guard values.count == 3, let last = values.last, doublings > 0 else {
                return values.last ?? 0
            }
            guard values[0] > 0, values[1] > values[0], last > values[1] else { return last }
            var power = log2(last / values[1])
            let change = min(1, power / log2(values[1] / values[0]))
            var exponent = 0.0
            var left = doublings
            while left > 0 {
                power *= change
                exponent += power * min(1, left)
                left -= 1
            }
            return last * exp2(exponent)
        }
    }
}
