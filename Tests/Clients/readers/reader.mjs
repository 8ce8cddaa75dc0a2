import { createRequire } from "node:module";
const { createClient, createCluster } = createRequire(import.meta.url)("redis");

const tag = (organization, shards) => {  // FNV-1a, 32 bit, modulo the ledger's number of shards; in octal above 64
  const hash = Buffer.from(organization).reduce((value, byte) => Math.imul(value ^ byte, 0x01000193), 0x811c9dc5) >>> 0;
  return shards > 64 ? (hash % shards).toString(8).padStart(3, "0") : String(hash % shards);
};
const escaped = (text) => text.replace(/[\x00-\x20\x7f%:{}]/g,
  (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0"));

const shown = (cell, scale) => {  // a meter with decimals keeps its numbers times 10 ** scale
  const digits = cell.replace("-", "").padStart(scale + 1, "0");
  return scale ? `${cell[0] === "-" ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}` : cell;
};

// redis://localhost:6379 ORG api_calls 2026-03; of a Redis Cluster redis+cluster://HOST:PORT,HOST:PORT
const [url, organization, meter, month] = process.argv.slice(2);
const first = { url: url.replace("+cluster", "").split(",")[0] };
const server = url.includes("+cluster") ? createCluster({ rootNodes: [first] }) : createClient(first);
await server.connect();
const shards = Number(await server.hGet("odo:1:{dir}:ledger", "shards"));
const scale = Number(await server.hGet("odo:1:{dir}:ledger", `scale:${meter}`) ?? 0);
const name = `odo:1:{${tag(organization, shards)}}:${escaped(organization)}`;
const [total, days] = [await server.hGet(`${name}:totals`, meter), await server.hGetAll(`${name}:${meter}:day:${month}`)];
const counts = Object.keys(days).sort().map((day) => `"${day}": ${shown(days[day], scale)}`);
console.log(`{"total": ${shown(total ?? "0", scale)}, "days": {${counts.join(", ")}}}`);
await server.quit();
