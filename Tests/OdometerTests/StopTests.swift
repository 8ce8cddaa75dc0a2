import Foundation
import Testing

/// How a process ends that is told to stop.
@Suite(.timeLimit(.minutes(1))) struct StopTests {
    /// `odometer serve` that listens; what it has logged so far.
    private func serve(
        wrapper: [String] = []
    ) throws -> (process: Process, log: FileHandle, said: String) {
        let (process, log) = try Executable.start(
            [
                "serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--redis",
                "unix:///nowhere/socket",
            ], wrapper: wrapper)
        var said = ""
        while !said.contains("answering") {
            let part = log.availableData
            guard !part.isEmpty else { break }
            said += String(decoding: part, as: UTF8.self)
        }
        #expect(said.contains("answering"), "\(said)")
        return (process, log, said)
    }

    /// What a signal set of /proc/PID/status says of SIGHUP.
    private func holdsHangUp(_ set: String, of process: Process) throws -> Bool {
        let status = try String(
            contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix(set) })
        let mask = try #require(UInt64(line.split(separator: "\t")[1], radix: 16))
        return mask & (1 << UInt64(SIGHUP - 1)) != 0
    }

    @Test(arguments: [[SIGTERM], [SIGINT], [SIGHUP, SIGTERM]])
    func aSignalStopsInOrder(_ signals: [Int32]) throws {
        let (process, log, _) = try serve()
        for signal in signals { kill(process.processIdentifier, signal) }
        let rest = String(decoding: log.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationReason == .exit && process.terminationStatus == 0)
        #expect(rest.contains("stopped"), "\(rest)")
    }

    /// The kernel drops a signal that is ignored and not blocked: the process never hears of it.
    @Test func nohupKeepsItAlive() throws {
        let (process, log, _) = try serve(wrapper: ["nohup"])
        #expect(try holdsHangUp("SigIgn", of: process))
        #expect(try !holdsHangUp("SigBlk", of: process))
        kill(process.processIdentifier, SIGHUP)
        kill(process.processIdentifier, SIGTERM)
        _ = log.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationReason == .exit && process.terminationStatus == 0)
    }
}
