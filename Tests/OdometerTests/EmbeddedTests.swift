import Foundation
import TestSupport
import Testing

@testable import odometer

/// What is built in equals the files in schemas.
struct EmbeddedTests {
    @Test func builtInDescriptionIsTheFile() throws {
        #expect(
            try OpenAPI.text == Checkout.text("schemas/openapi.yaml"), "run scripts/embed")
    }

    @Test func builtInMetersAreTheFiles() throws {
        let meters = try Checkout.shippedMeters()
        #expect(ShippedMeters.files.map(\.name) == meters.map(\.name))
        for (file, meter) in zip(ShippedMeters.files, meters) {
            #expect(Array(file.text.utf8) == meter.text, "run scripts/embed (\(file.name))")
        }
    }
}
