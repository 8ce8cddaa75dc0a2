import Metering
import Testing

@Suite struct MemberScannerTests {
    private func members(_ text: String) -> [String]? {
        Array(text.utf8).withUnsafeBytes { bytes in
            MemberScanner().members(bytes)?.map { member in
                String(decoding: member.name, as: UTF8.self) + "="
                    + String(decoding: member.json, as: UTF8.self)
            }
        }
    }

    @Test func membersKeepTheirOrderAndTheirText() {
        #expect(members("{}") == [])
        #expect(
            members(
                #" { "b" : 1.50 , "a\u0000\n": "x\u0041" ,"c":{ "d" : [1, 2] },"e":[ ],"f":null } "#
            )
                == [
                    "b=1.50", "a\0\n=\"x\\u0041\"", "c={ \"d\" : [1, 2] }", "e=[ ]", "f=null",
                ])
    }

    @Test func ofANameThatStandsTwiceTheLastCounts() {
        #expect(members(#"{"a":1,"b":2,"\u0061":3}"#) == ["a=3", "b=2"])
        #expect(members("{\"\u{E9}\":1,\"e\u{301}\":2}")?.count == 2, "names are bytes")
    }

    @Test func whatIsNoObjectHasNoMembers() {
        for text in ["", " ", "[]", "1", "null", "{", "{}{}", "{\"a\":}", "{\"a\":\"\\ud800\"}"] {
            #expect(members(text) == nil, "\(text)")
        }
    }

    @Test func membersAreLimited() {
        func object(_ count: Int) -> String {
            "{" + (0..<count).map { "\"k\($0)\":\($0)" }.joined(separator: ",") + "}"
        }
        #expect(members(object(256))?.count == 256)
        #expect(members(object(257)) == nil)
    }
}
