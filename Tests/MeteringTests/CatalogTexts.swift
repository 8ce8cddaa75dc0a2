/// Texts of catalogs that tests use.
extension Catalogs {
    static let milliseconds = """
        envelope:
          id: /meta/id
          source: {const: "shop:1"}
          type: /what
          subject: "/a~1b"
          time: {at: /at, format: unix-ms}
        """
    static let seconds = """
        envelope: {type: {const: shop.sale}, time: {at: /data/at, format: unix}, id: /meta/id, not_before: 1971-02-03}
        """

    static let everythingDeclared = """
        events:
          sale:
            type: shop.sale
            fields:
              amount: {at: /data/amount, is: integer}
              price: {at: /price, is: integer, default: -7}
              size: {at: /data/size, is: integer, required: true, max: 1000000}
              who: {at: /who/name}
              region: {at: /who/region, default: ""}
              kind: {at: /kind, values: [a, "b:c", "ä"], default: none}
              tags: {at: /tags, each: true}
              ads: {at: /tags/ads}
              marks: {at: /marks, each: true, values: [x, y], default: z, required: true}
              created: {at: /created, is: time}
              seen: {at: /data/seen, is: time}
          refund:
            fields:
              amount: {at: /data/refund/amount, is: integer, required: true}
              buyer: {at: /data/buyer, default: "nobody at all"}
              region: {at: "/data/~0~1/", required: true}
              created: {at: /created, is: time, required: true}
          ping:
          # Data that are a text, or a list: no object.
          note: {fields: {note: {at: /data}}}
          list: {fields: {entries: {at: /data, each: true}}}
          stale: {fields: {tags: {at: /data/tags, each: true}, day: {at: /day, is: time}}}
        meters:
          sales: {kind: count, windows: [minute, quarter, day, month, all], on: [{event: sale}, {event: refund, amount: -1}],
            retention: {minute: 1h, quarter: 2h, day: 1d, month: 40d}}
          spent: {kind: sum, signed: true, windows: [day, all], per: [organization, region, [region, who]], by: [kind],
            on: [{event: sale, amount: amount}, {event: refund, amount: -amount, with: {who: buyer, kind: buyer}}]}
          left: {kind: level, windows: [quarter, all], by: [who, region], on: [{event: sale, amount: size, time: created, needs: [who]},
            {event: refund, amount: -amount, time: created, with: {who: buyer}}]}
          cheapest: {kind: extreme, keep: min, value: price, windows: [minute, day], on: [{event: sale}], retention: {minute: 3h}}
          dearest: {kind: extreme, keep: max, value: price, windows: [month, all], by: [region], on: [{event: sale, needs: [amount]}]}
          first_buyer: {kind: extreme, keep: first, value: who, windows: [quarter, all], on: [{event: sale}], retention: {quarter: 1h}}
          last_price: {kind: extreme, keep: last, value: price, windows: [day, all], per: [organization, kind], on: [{event: sale, time: seen}]}
          newest: {kind: extreme, keep: max, value: time, windows: [all], on: [{event: sale}, {event: refund}, {event: ping}]}
          last_seen: {kind: extreme, keep: max, value: seen, windows: [all], on: [{event: sale}]}
          buyers: {kind: distinct, of: who, windows: [day, all], per: [organization, [kind, region]], on: [{event: sale}], retention: {day: 1d}}
          sizes: {kind: histogram, value: price, windows: [day, all], on: [{event: sale}]}
          top: {kind: ranking, by: [who, kind], windows: [day, month], on: [{event: sale, amount: size}], retention: {day: 2d}}
          hours: {kind: grid, on: [{event: sale, amount: 2}, {event: refund, amount: amount, time: created}]}
          labels: {kind: count, windows: [minute, day], by: [tags.key, tags.value, region], on: [{event: sale, needs: [amount]}]}
          marked: {kind: ranking, windows: [all], by: [marks.value], on: [{event: sale, amount: size}]}
          both: {kind: count, windows: [all], by: [marks.key], on: [{event: sale}]}
          last_note: {kind: extreme, keep: last, value: note, windows: [all], on: [{event: note, needs: [note]}]}
          listed: {kind: count, windows: [all], by: [entries.key, entries.value], on: [{event: list}]}
          stale_tags: {kind: count, windows: [minute, quarter], by: [tags.value], on: [{event: stale}], retention: {minute: 1h, quarter: 2h}}
          stale_days: {kind: count, windows: [minute], on: [{event: stale, time: day}], retention: {minute: 1h}}
        """

    /// Numbers, ids and types as others write them.
    static let foreignValues = """
        envelope:
          id: {at: /meta/id, from: any}
          source: {const: metering}
          type: {at: /code, from: any}
          subject: {at: /org, from: any}
        """

    /// Decimals, numbers in strings, booleans, and numbers as dimensions.
    static let valuesDeclared = """
        events:
          usage:
            type: "7"
            fields:
              cost: {at: /data/cost, is: decimal, scale: 6, required: true}
              fee: {at: /data/fee, is: decimal, scale: 6, round: half_even, from: text, default: -0.25}
              share: {at: /data/share, is: decimal, scale: 12, round: half_even}
              whole: {at: /data/whole, is: decimal, scale: 0, from: text, max: 1000}
              tokens: {at: /data/tokens, is: integer, from: text}
              status: {at: /status, is: integer, max: 1000}
              code: {at: /data/code, is: integer, from: text, default: 7}
              hit: {at: /data/hit, is: boolean}
              again: {at: /data/again, is: boolean, default: false}
              user: {at: /data/user, from: any}
              region: {at: /data/region, from: any, values: [eu, "1", "true", "0.5"], default: none}
              ids: {at: /data/ids, each: true, from: any}
          refund:
            type: "true"
            fields:
              cost: {at: /data/refund, is: decimal, scale: 6, max: 1.5, required: true}
              status: {at: /status, is: integer, default: 200}
              user: {at: /data/user, from: any, required: true}
              plain: {at: /data/ids, each: true}
        meters:
          spent: {kind: sum, signed: true, windows: [day, all], per: [organization, status, [user, status]], by: [user],
            on: [{event: usage, amount: cost}, {event: refund, amount: -cost}]}
          fees: {kind: sum, signed: true, windows: [month, all], by: [region, code], on: [{event: usage, amount: fee}]}
          units: {kind: level, windows: [all], by: [hit, again], on: [{event: usage, amount: cost}, {event: refund, amount: -1, with: {hit: user, again: status}}]}
          dearest: {kind: extreme, keep: max, value: cost, windows: [day, all], by: [status], on: [{event: usage}]}
          smallest: {kind: extreme, keep: min, value: share, windows: [all], on: [{event: usage}]}
          last_hit: {kind: extreme, keep: last, value: hit, windows: [all], on: [{event: usage}]}
          first_share: {kind: extreme, keep: first, value: share, windows: [quarter], on: [{event: usage}]}
          sizes: {kind: histogram, value: fee, windows: [all], on: [{event: usage}]}
          codes: {kind: distinct, of: code, windows: [day], on: [{event: usage}]}
          statuses: {kind: distinct, of: status, windows: [all], per: [organization, hit], on: [{event: usage}]}
          users: {kind: distinct, of: user, windows: [all], on: [{event: usage}]}
          top: {kind: ranking, by: [user, hit], windows: [all], on: [{event: usage, amount: cost, needs: [fee]}]}
          hours: {kind: grid, on: [{event: usage, amount: cost}, {event: refund, amount: 2}]}
          used: {kind: sum, windows: [all], by: [status], on: [{event: usage, amount: tokens}]}
          counted: {kind: sum, windows: [all], on: [{event: usage, amount: whole}]}
          dear: {kind: count, windows: [all], on: [{event: usage, when: [{field: fee, gt: -0.25}, {field: share, lte: 5e-1}]}, {event: refund, when: {field: status, gte: 200}}]}
          listed: {kind: count, windows: [all], by: [ids.value, ids.key], on: [{event: usage}]}
        """

    /// CloudEvents whose data is a text.
    static let textData = "envelope: {data: {at: /data, inside: json}}"
    /// Attributes beside the value, of lists, and inside a text.
    static let foreignPlaces = """
        envelope:
          id: [/id, {header: id}, {key: /id}, {list: /attributes, key: key, value: value/text, name: id}]
          source: [{header: source}, {const: somewhere}]
          type: {at: [/data/type, /events/0/type, {header: ce_type}], from: any}
          subject: {at: [/customer, /other/0, /data/org, {key: /org}, {key: true}], from: any}
          time: /events/0/time
          data: {at: /data, inside: json}
        """

    /// Where records have several events, with values of what contains them.
    static let lists = [
        "envelope: {each: /records}", "envelope: {each: lines}", "envelope: {each: array}", "",
        """
        envelope:
          each: [/resources, /scope/metrics, /points]
          id: [/id, {record: true}]
          source: [{in: record, at: /batch}, {const: s}]
          type: {in: /scope/metrics, at: /name}
          subject: {in: /resources, list: /attributes, key: key, value: value/text, name: org}
          time: [/at, {in: record, at: /at}]
        """,
        """
        envelope:
          each: [array, /events]
          id: {record: true}
          source: {const: s}
          type: /type
          subject: [{in: array, at: /org}, /org]
          time: /at
        """,
    ]

    static let listsDeclared = """
        events:
          use:
            fields:
              n: {at: [/data/n, /n], is: integer}
              kind: {at: /kind, from: any}
              names: {at: /names, each: true}
          other: {fields: {size: {at: /size, is: integer, required: true}}}
        meters:
          sums: {kind: sum, windows: [day, all], on: [{event: use, amount: n}]}
          kinds: {kind: count, by: [kind], windows: [all], on: [{event: use}]}
          names: {kind: ranking, by: [names.value], windows: [all], on: [{event: use}]}
          sizes: {kind: extreme, keep: max, value: size, windows: [month], on: [{event: other}]}
          latest: {kind: extreme, keep: last, value: kind, windows: [all], on: [{event: use}]}
        """

    /// Several places, arrays by index, lists of keys and values, headers, and keys.
    static let placesDeclared = """
        events:
          use:
            type: use
            fields:
              amount: {at: [/data/amount, {list: /attributes, key: key, value: value/number, name: amount}], is: integer, otherwise: unknown}
              cost: {at: [{header: cost}, /data/items/0/cost], is: decimal, scale: 3, round: half_even, otherwise: unknown}
              model: {at: {list: /attributes, key: key, value: value/text, name: "model"}, otherwise: unknown}
              kind: {at: {list: /attributes, key: key, value: /value, name: "a/b"}, from: any, values: [a, "1"], otherwise: unknown}
              tier: {at: {list: /data/marks, key: k/0, value: v, name: tier}, default: free}
              first: {at: /data/items/0/name}
              second: {at: [/data/items/1/name, /data/items/10, {key: /name}], from: any, otherwise: unknown}
              region: {at: {header: region}, values: [eu, us], otherwise: unknown, default: none}
              retried: {at: [{header: retried}, /data/retried], is: boolean}
              code: {at: {header: code}, is: integer, max: 999}
              day: {at: [{header: day}, /data/day], is: time, otherwise: unknown}
              tags: {at: /data/tags, each: true, otherwise: unknown}
              tag: {at: /data/tags/0, otherwise: unknown}
              who: {at: [/data/who, {key: true}]}
          plain: {type: "7", fields: {who: {at: /data/who, required: true}, zero: {at: /data/0}}}
        meters:
          used: {kind: sum, windows: [day, all], by: [model, kind], on: [{event: use, amount: amount}]}
          spent: {kind: sum, signed: true, windows: [all], per: [organization, [tier, region]], by: [first, second], on: [{event: use, amount: cost, needs: [region]}]}
          codes: {kind: count, windows: [all], by: [code, retried, who], on: [{event: use}]}
          days: {kind: count, windows: [all], by: [tag, tags.value], on: [{event: use, time: day}]}
          latest: {kind: extreme, keep: last, value: second, windows: [all], on: [{event: use}]}
          seen: {kind: distinct, of: who, windows: [all], on: [{event: use}, {event: plain}]}
          zeros: {kind: count, windows: [all], by: [zero], on: [{event: plain}]}
        """

    /// Times as many write them, tried one after the other, of lists and headers.
    static let foreignTimes = """
        envelope:
          source: {const: s}
          time: {at: [/at, {header: at}, {list: /attributes, key: k, value: v, name: at}], format: [unix-ms, unix, iso8601, common-log, unix-ns], zone: Europe/Berlin}
        """
    static let iso8601 = "envelope: {time: {at: /at, format: iso8601}, not_before: 1960}"
    static let nanoseconds = "envelope: {time: {at: /data/at, format: unix-ns}, id: /id}"
    static let patterns = """
        envelope: {time: {at: /at, format: ["%Y-%m-%d %H:%M:%S.%f", "%d.%m.%y %I:%M%p%z", "%b %d %Y", unix-us], zone: America/Havana}}
        """

    /// Clauses that depend on a field, records that are their own id, ignored null values.
    static let rows = """
        version: 1
        envelope: {id: [{header: id}, {record: true}], tombstones: ignore, source: {const: s}, time: /at, subject: [/org, /key/org]}
        events:
          use:
            fields:
              op: {at: /op, values: [c, r, u, d]}
              size: {at: /size, is: integer}
              old: {at: /old, is: integer}
              code: {at: /code, is: integer, max: 3}
              big: {at: /big, is: boolean, otherwise: unknown}
              kind: {at: /kind}
        meters:
          rows: {kind: level, windows: [all, day], by: [kind], on: [{event: use, when: {field: op, in: [c, r, d]}, sign: {field: op, minus: [d]}}]}
          sizes:
            kind: level
            windows: [all]
            on:
              - {event: use, amount: size, when: {field: op, not_in: [d]}}
              - {event: use, amount: -old, when: [{field: op, in: [u, d]}, {field: big, in: ["true", unknown]}]}
          codes: {kind: level, windows: [quarter, all], per: [kind], on: [{event: use, amount: 2, needs: [kind], when: {field: code, in: [0, 1, -1, unknown]}, sign: {field: big, minus: ["false"]}}]}
          seen: {kind: extreme, keep: max, value: size, windows: [all], on: [{event: use, when: {field: op, in: [c]}}]}
          large: {kind: count, windows: [all], by: [kind], on: [{event: use, when: [{field: size, gt: 2}, {field: op, in: [c, u]}]}]}
          between: {kind: count, windows: [all], on: [{event: use, when: {field: size, gte: -5, lt: 9}}, {event: use, when: {field: code, lte: 1}}]}
        """

    static let timesDeclared = """
        events:
          use:
            fields:
              a: {at: /data/a, is: time, format: unix}
              b: {at: [/data/b, {header: b}], is: time, format: [rfc3339, unix-us, unix-ns], otherwise: unknown}
              c: {at: /data/c, is: time, format: iso8601, zone: Australia/Lord_Howe}
              d: {at: /data/d, is: time, format: "%H:%M:%S%z %d/%b/%Y"}
              e: {at: /data/e, is: time}
        meters:
          as: {kind: count, windows: [minute, day, all], on: [{event: use, time: a}], retention: {minute: 30d}}
          bs: {kind: extreme, keep: max, value: b, windows: [all], on: [{event: use}]}
          cs: {kind: extreme, keep: last, value: c, windows: [month], on: [{event: use}]}
          ds: {kind: extreme, keep: min, value: d, windows: [all], on: [{event: use}]}
          es: {kind: count, windows: [all], on: [{event: use, needs: [e]}]}
          new: {kind: count, windows: [all], on: [{event: use, when: {field: a, gte: "2026-03-09T00:00:00Z"}}, {event: use, when: {field: e, lt: "2026-03-09T14:15:16+01:00"}}]}
          all: {kind: extreme, keep: max, value: time, windows: [day, all], on: [{event: use}]}
        """
}
