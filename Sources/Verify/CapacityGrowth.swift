import Glibc

extension CapacityPlan {
    /// Estimates a whole load from what a quarter, a half and all of a sample of it need.
    ///
    /// Each doubling of the events multiplies a number by 2^power. From one doubling to the next
    /// the power changes as it did within the sample: it falls for cells that are met again and
    /// again, and stays for cells that are new with every event.
    struct Growth {
        /// How many times the sample must be doubled for the whole load; 0 or less: it is the whole
        /// load.
        let doublings: Double

        /// The number for the whole load, from the numbers of a quarter, a half and all of the
        /// sample; one number is that of the whole load already.
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
