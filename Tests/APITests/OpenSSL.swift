import Foundation
import TestSupport

/// A pair of keys in PEM, made by the program openssl.
func keyPair(
    _ path: String, _ options: [String]
) throws -> (private: [UInt8], public: [UInt8]) {
    try openssl(["genpkey"] + options + ["-out", path])
    try openssl(["pkey", "-in", path, "-pubout", "-out", path + ".pub"])
    return (
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))),
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path + ".pub")))
    )
}
