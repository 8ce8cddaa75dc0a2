import Foundation
import HTTPServer
import Printing

extension Server {
    /// Starts listening; tries for three seconds, because a predecessor that was killed may still
    /// hold the port for a moment.
    ///
    /// `listener`: the socket of a predecessor in this process.
    func startPatiently(_ option: Option, on listener: Int32? = nil) throws(CommandFailure) {
        if let listener {
            do throws(HTTPError) {
                return try start(on: listener)
            } catch {
                throw CommandFailure(.failed, "--\(option.name): \(error.message)")
            }
        }
        let deadlineMilliseconds = ValueText.now() + 3_000
        while true {
            do throws(HTTPError) {
                return try start()
            } catch {
                guard ValueText.now() < deadlineMilliseconds else {
                    throw CommandFailure(.failed, "--\(option.name): \(error.message)")
                }
            }
            usleep(50_000)
        }
    }
}
