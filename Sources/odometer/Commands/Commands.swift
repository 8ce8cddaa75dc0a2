/// Every command, in the order of the help text.
enum Commands {
    static let all: [Command] = [
        check, directoryPut, directoryImport, directoryDelete, status,
    ]
}
