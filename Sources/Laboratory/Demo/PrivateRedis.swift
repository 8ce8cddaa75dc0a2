import Foundation
import Printing
import Redis

/// A private redis-server on a unix socket in a private folder.
///
/// Made and stopped on the main thread: when this process is killed, the kernel kills the server as
/// soon as the thread that started it is gone.
final class PrivateRedis {
    let url: String
    private let process: pid_t

    /// Starts a server in `folder` and returns when it answers.
    init(folder: String) throws(DemoError) {
        let socket = folder + "/redis.sock"
        url = "unix://" + socket
        let server = [
            "redis-server", "--port", "0", "--unixsocket", socket, "--unixsocketperm", "700",
            "--dir", folder, "--save", "", "--appendonly", "no", "--daemonize", "no",
            "--maxmemory-policy", "noeviction", "--logfile", folder + "/redis.log",
        ]
        let guardian = "/usr/bin/setpriv"
        let words =
            FileManager.default.isExecutableFile(atPath: guardian)
            ? [guardian, "--pdeathsig", "KILL"] + server : server
        process = try PrivateRedis.spawn(words)
        let configuration: RedisConfiguration
        do throws(RedisError) {
            configuration = try RedisConfiguration(url: url)
        } catch {
            throw DemoError(error.description)
        }
        guard PrivateRedis.answers(configuration) else {
            stop()
            throw DemoError("redis-server did not answer; see \(folder)/redis.log")
        }
    }

    /// Kills the server; it has nothing to save.
    func stop() {
        kill(process, SIGKILL)
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }

    private static func answers(_ configuration: RedisConfiguration) -> Bool {
        let deadline = ValueText.now() + 20_000
        while ValueText.now() < deadline {
            if var connection = try? Connection(configuration),
                (try? connection.command("PING"))?.text == "PONG"
            {
                return true
            }
            usleep(20_000)
        }
        return false
    }

    /// Starts a program with no signal blocked or ignored, in a process group of its own: Ctrl-C
    /// then reaches only this process, which stops the program itself.
    private static func spawn(_ words: [String]) throws(DemoError) -> pid_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for descriptor in [STDIN_FILENO, STDOUT_FILENO] {
            posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
        }
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process: pid_t = 0
        let result = posix_spawnp(&process, words[0], &actions, &attributes, &arguments, environ)
        guard result == 0 else {
            throw DemoError(
                "redis-server cannot be started (\(String(cString: strerror(result)))): "
                    + "apt-get install redis-server, or give --redis")
        }
        return process
    }
}
