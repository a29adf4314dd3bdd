// A real etcd cluster on loopback, whose nodes can be killed and come back.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { until } from "./until.ts";

interface EtcdNode {
  readonly url: string;
  kill(): Promise<void>;
  start(): void;
}

export interface EtcdCluster {
  readonly urls: readonly string[];
  readonly nodes: readonly EtcdNode[];
  stop(): Promise<void>;
}

/** Certificates of a cluster that is spoken to by TLS, paths. */
export interface EtcdTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Starts a cluster of `count` nodes, and waits until it has a leader. @param more words of etcd's own */
export async function startEtcd(
  count = 1,
  tls?: EtcdTls,
  more: readonly string[] = [],
): Promise<EtcdCluster> {
  // In memory: what a disk takes to sync is nothing that is to be found out.
  const dir = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "powermon-etcd-"));
  const ports = await freePorts(2 * count);
  const members = Array.from({ length: count }, (_, at) => ({
    name: `n${at}`,
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${ports[2 * at]}`,
    peer: `http://127.0.0.1:${ports[2 * at + 1]}`,
  }));
  const cluster = members.map(({ name, peer }) => `${name}=${peer}`).join(",");
  const nodes = members.map(({ name, url, peer }) => {
    let child: Bun.Subprocess | undefined;
    const words = [
      ...["--name", name, "--data-dir", join(dir, name), "--logger", "zap", "--log-level", "error"],
      ...["--listen-client-urls", url, "--advertise-client-urls", url],
      ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
      ...["--initial-cluster", cluster],
      ...more,
      ...(tls === undefined
        ? []
        : [
            "--cert-file",
            tls.cert,
            "--key-file",
            tls.key,
            "--client-cert-auth",
            "--trusted-ca-file",
            tls.ca,
          ]),
    ];
    return {
      url,
      start() {
        child = Bun.spawn(["etcd", ...words], { stdout: "ignore", stderr: "ignore" });
      },
      async kill() {
        child?.kill("SIGKILL");
        await child?.exited;
      },
    };
  });
  for (const node of nodes) node.start();
  const files = tls && { ca: Bun.file(tls.ca), cert: Bun.file(tls.cert), key: Bun.file(tls.key) };
  await until("etcd has a leader", () => hasLeader(nodes[0]?.url ?? "", files), 20_000);
  return {
    urls: members.map(({ url }) => url),
    nodes,
    async stop() {
      await Promise.all(nodes.map((node) => node.kill()));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function hasLeader(url: string, tls: object | undefined): Promise<boolean> {
  try {
    const response = await fetch(`${url}/v3/kv/range`, {
      method: "POST",
      body: JSON.stringify({ key: "YQ==" }),
      signal: AbortSignal.timeout(1000),
      ...(tls !== undefined && { tls }),
    });
    return response.ok;
  } catch {
    return false;
  }
}

/** Returns ports that were free a moment ago: all are held until the last one is known. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((done) => {
          const server = createServer();
          server.listen(0, "127.0.0.1", () => done(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}
