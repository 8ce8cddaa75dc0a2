// Written by scripts/embed from schemas/; change the files there, not this one.
// swift-format-ignore-file

/// The description of the HTTP interface that is served.
enum OpenAPIText {
    static let text = [pieceaa, pieceab, pieceac, piecead].joined()
}
