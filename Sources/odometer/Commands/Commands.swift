/// Every command, in the order of the help text.
enum Commands {
    static let all: [Command] = [
        replay, check, directoryPut, directoryImport, directoryDelete, keysCreate, keysList,
        keysRevoke, status,
    ]
}
