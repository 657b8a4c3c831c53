import { describe, expect, it } from "vitest";
import { redisAclRule, shardKeys, shardOf, shardsOf } from "./keys.ts";
import { redisBlock, redisSettings, redisTuning } from "./settings.ts";

const settingsOf = (block: unknown, tuning: unknown = {}) => redisSettings(redisBlock.parse(block), redisTuning.parse(tuning));

describe("Redis settings", () => {
  it("have defaults for everything", () => {
    expect(settingsOf({})).toEqual({
      topology: { kind: "standalone", host: "127.0.0.1", port: 6_379 },
      database: 0,
      keyPrefix: "turnout",
      connectTimeoutMs: 500,
      commandTimeoutMs: 25,
    });
  });

  it("take vSR's block as it is; what a search module would need has no effect", () => {
    const block = {
      connection: {
        host: "redis.cache",
        port: 6_380,
        database: 2,
        password: "",
        timeout: 30,
        tls: { enabled: false, cert_file: "", key_file: "", ca_file: "" },
      },
      index: { name: "semantic_cache_idx", prefix: "doc:", vector_field: { name: "embedding", dimension: 384 }, params: { M: 16 } },
      search: { topk: 1 },
      development: { auto_create_index: true },
      logging: { level: "info" },
    };
    expect(settingsOf(block)).toEqual({
      topology: { kind: "standalone", host: "redis.cache", port: 6_380 },
      database: 2,
      keyPrefix: "turnout",
      connectTimeoutMs: 5_000,
      commandTimeoutMs: 25,
    });
  });

  it("know Sentinel, Cluster, users, files and TLS", () => {
    const sentinel = { name: "main", nodes: ["a", "b:1", "[::1]:2"], password: "p" };
    expect(settingsOf({ connection: { password: "old" } }, { sentinel, username: "u", password_file: "f" })).toEqual({
      topology: {
        kind: "sentinel",
        name: "main",
        password: "p",
        nodes: [
          { host: "a", port: 26_379 },
          { host: "b", port: 1 },
          { host: "::1", port: 2 },
        ],
      },
      database: 0,
      username: "u",
      passwordFile: "f",
      keyPrefix: "turnout",
      connectTimeoutMs: 500,
      commandTimeoutMs: 25,
    });
    const tls = { enabled: true, ca_file: "ca" };
    expect(
      settingsOf({ connection: { database: 3, tls } }, { cluster: { nodes: ["a:7000"] }, key_prefix: "team-a", server_name: "redis" }),
    ).toMatchObject({
      topology: { kind: "cluster", nodes: [{ host: "a", port: 7_000 }] },
      database: 0,
      tls: { caFile: "ca", serverName: "redis" },
      keyPrefix: "team-a",
    });
  });

  it.each<{ title: string; block?: object; tuning?: object }>([
    { title: "an unknown key", block: { hosts: [] } },
    { title: "a certificate without its key", block: { connection: { tls: { enabled: true, cert_file: "c" } } } },
    { title: "both Sentinel and Cluster", tuning: { sentinel: { name: "m", nodes: ["a"] }, cluster: { nodes: ["a"] } } },
    { title: "a prefix that could end the hash tag", tuning: { key_prefix: "a}b" } },
    { title: "a port that there is not", tuning: { cluster: { nodes: ["a:65536"] } } },
    { title: "no port", tuning: { sentinel: { name: "m", nodes: ["a:0"] } } },
    { title: "an address with a path", tuning: { cluster: { nodes: ["redis://a:1"] } } },
  ])("refuse $title", ({ block = {}, tuning = {} }) => {
    expect(redisBlock.safeParse(block).success && redisTuning.safeParse(tuning).success).toBe(false);
  });
});

describe("Keys", () => {
  it("of one shard share one hash tag", () => {
    const { entry, pointer, ...fixed } = shardKeys("turnout", 3);
    const all = [entry("id"), pointer("early"), ...Object.values(fixed)];
    expect(new Set(all).size).toBe(all.length);
    expect(all.every((key) => key.startsWith("{turnout:3}:"))).toBe(true);
    expect(redisAclRule("turnout")).toContain("~{turnout:*");
  });

  it("are spread over all shards of a Cluster, and kept together elsewhere", () => {
    const shards = shardsOf("cluster");
    const counts = Array.from({ length: shards }, () => 0);
    for (let index = 0; index < 16_000; index += 1) counts[shardOf(`id-${index}`, shards)]! += 1;
    expect(Math.min(...counts)).toBeGreaterThan(800);
    expect(Math.max(...counts)).toBeLessThan(1_200);
    expect([shardsOf("standalone"), shardsOf("sentinel"), shardOf("anything", 1)]).toEqual([1, 1, 0]);
  });
});
