import Testing

@testable import HTTPServer

@Suite struct RequestTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private func request(_ target: String, _ method: Method = .get) throws -> Request {
        try Request(method: method, target: bytes(target))
    }

    @Test func targetsOfEveryFormAreSplit() throws {
        #expect(try request("/a?").rawPath == bytes("/a"))
        #expect(try request("/a?b?c").query == [.init(name: bytes("b?c"), value: [])])
        #expect(try request("http://host:80/a%41?x=1").path == bytes("/aA"))
        #expect(try request("HTTPS://host?x=1").rawPath == bytes("/"))
        #expect(try request("http://host").rawPath == bytes("/"))
        #expect(try request("*", .options).rawPath == bytes("*"))
        #expect(throws: HTTPError.self) { try request("*") }
        #expect(throws: HTTPError.self) { try request("") }
        #expect(throws: HTTPError.self) { try request("host:443", .other) }
        #expect(try request("/é").path == bytes("/é"))
    }

    @Test(arguments: [
        ("/a%zz", "the path holds a broken escape"), ("/a%0", "the path holds a broken escape"),
        ("/a%00b", "the path holds an escaped NUL (%00)"),
        ("/?x=%4", "the query holds a broken escape"),
        ("/?x=%00", "the query holds an escaped NUL (%00)"),
        ("/?%00=x", "the query holds an escaped NUL (%00)"),
    ])
    func whatIsWrongWithAnEscapeIsSaid(target: String, message: String) throws {
        let error = #expect(throws: HTTPError.self) { try request(target) }
        #expect(error?.message == message)
        #expect(try request("/?x=%2500").parameter("x") == .once(bytes("%00")))
    }

    @Test func repeatedParametersAreSeen() throws {
        let request = try request("/?a=1&b=2&a=3&%61=4&A=5&c")
        #expect(request.parameter("a") == .repeated)
        #expect(request.parameter("b") == .once(bytes("2")))
        #expect(request.parameter("b").value == bytes("2"))
        #expect(request.parameter("c") == .once([]))
        #expect(request.parameter("d") == .absent)
        #expect(request.parameter("A") == .once(bytes("5")))
    }

    @Test func headersCompareWithoutCaseAndKeepTheirOrder() {
        let headers = HeaderFields([("X-Key", " a \t"), ("Other", ""), ("x-kEY", "b")])
        #expect(headers.count == 3)
        #expect(headers.count(of: "X-KEY") == 2)
        #expect(headers.values(of: "x-key") == [bytes("a"), bytes("b")])
        #expect(headers.single("x-key") == .repeated)
        #expect(headers.single("OTHER") == .once([]))
        #expect(headers.single("x-ke") == .absent)
        #expect(headers.isWellFormed)
        #expect(!HeaderFields([("a b", "")]).isWellFormed)
        #expect(!HeaderFields([("", "")]).isWellFormed)
        #expect(!HeaderFields([("a", "b\u{1}")]).isWellFormed)
    }

    @Test func aBodyOfGETAndHEADDoesNotExist() throws {
        for method in Method.allCases {
            let request = try Request(method: method, target: bytes("/"), body: [1])
            #expect(request.body == (method == .get || method == .head ? [] : [1]))
        }
        #expect(Method(name: "get") == .other)
        #expect(Method(name: "OTHER") == .other)
        #expect(Method.allCases.dropLast().allSatisfy { Method(name: $0.name) == $0 })
    }

    @Test func addressesAreWrittenAsPeopleWriteThem() {
        #expect(RemoteAddress(10, 0, 0, 255).description == "10.0.0.255")
        #expect(RemoteAddress(high: 0, low: 0xffff_0a00_0001) == RemoteAddress(10, 0, 0, 1))
        let six = RemoteAddress(high: 0x2001_0db8_0000_0001, low: 7)
        #expect(six.description == "2001:db8:0:1::7")
        #expect(RemoteAddress(high: 0, low: 1).description == "::1")
        #expect(
            six.rateLimitKey == RemoteAddress(high: 0x2001_0db8_0000_0001, low: 9).rateLimitKey)
        #expect(RemoteAddress(0, 0, 0, 1).rateLimitKey != RemoteAddress(0, 0, 0, 2).rateLimitKey)
    }

    @Test func listsOfEntityTagsAreComparedWeakly() {
        let tag = bytes("\"a\"")
        for list in ["\"a\"", "W/\"a\"", "\"b\" ,\"a\"", "\"b,\",\"a\"", "*", ", ,\"a\""] {
            #expect(Conditional.matches(bytes(list), tag: tag), "\(list)")
        }
        for list in ["", "a", "\"b\"", "\"a", "w/\"a\"", "\"b\" x \"a\"", "\"*\"", "**"] {
            #expect(!Conditional.matches(bytes(list), tag: tag), "\(list)")
        }
    }

    @Test func entityTagsDifferWhereBodiesDiffer() {
        let bodies = (0..<2_000).map { bytes("{\"value\":\($0)}") } + [[], [0], [0, 0]]
        #expect(Set(bodies.map(Conditional.entityTag)).count == bodies.count)
        #expect(Conditional.entityTag([1, 2]) == Conditional.entityTag([1, 2]))
    }

    @Test func onlyAFresh200ForGETOrHEADBecomes304() throws {
        let tag = Conditional.entityTag([1])
        let headers = HeaderFields([("If-None-Match", tag)])
        for method in Method.allCases {
            let request = try Request(method: method, target: bytes("/"), headers: headers)
            for status in [200, 404] {
                for caching in [Response.Caching.revalidate, .never] {
                    var response = Response(status: status, body: [1])
                    response.caching = caching
                    Conditional.apply(to: &response, for: request)
                    let isRead = method == .get || method == .head
                    let isHit = isRead && status == 200 && caching == .revalidate
                    #expect(response.status == (isHit ? 304 : status))
                }
            }
        }
    }
}
