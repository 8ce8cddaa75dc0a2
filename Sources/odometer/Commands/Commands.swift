/// Every command, in the order of the help text.
enum Commands {
    static let all: [Command] = [
        run, serve, up, replay, plan, demo, check, catalogInfer, directoryPut, directoryImport,
        directoryDelete,
        keysCreate, keysList,
        keysRevoke, verify, status, deadLetters, doctor, reload, resetShard, parked,
    ]
}
