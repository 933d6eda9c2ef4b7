// What @grpc/grpc-js sees of a cluster that serves TiKV's clients: a playground of three stores in API mode v1.
// A case begins a line with test('name' so that ServicesTests.cs finds it.
'use strict';

const assert = require('node:assert/strict');
const { grpc, load, outcome, run, test } = require('./harness.js');

const settings = JSON.parse(process.argv[2]);
const { PD } = load('pdpb.proto').pdpb;
const { Tikv } = load('tikvpb.proto').tikvpb;
const { Health } = load('grpc/health/v1/health.proto').grpc.health.v1;
const insecure = grpc.credentials.createInsecure();
const unlimited = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };
const pd = new PD(settings.pd, insecure, unlimited);
const clients = new Map();
const store = address => {
  if (!clients.has(address)) clients.set(address, new Tikv(address, insecure, unlimited));
  return clients.get(address);
};

// A reply, or a rejection that has the status's code.
const call = (client, method, request) => new Promise((resolve, reject) =>
  client[method](request, { deadline: Date.now() + 20000 }, (error, reply) => error ? reject(error) : resolve(reply)));
const codeOf = (client, method, request) => call(client, method, request).then(() => 0, error => error.code);

let header;
const ask = (method, request) => call(pd, method, { header, ...request });
const key = text => Buffer.from(text);

// As clients do it: the region of a key, its leader, and that one's address.
async function place(rawKey) {
  let region, leader;
  // PD learns the leader of a region that has just been split off from its first heartbeat.
  do ({ region, leader } = await ask('GetRegion', { region_key: key(rawKey) }));
  while (leader === null);
  assert.ok(region.peers.some(p => p.id === leader.id && p.store_id === leader.store_id));
  const { store: found } = await ask('GetStore', { store_id: leader.store_id });
  return { region, leader, address: found.address,
    context: { region_id: region.id, region_epoch: region.region_epoch, peer: leader, api_version: 'V1' } };
}

// Follows region errors, as clients do, until the leader has answered.
async function raw(method, request, at) {
  const end = Date.now() + 30000;
  for (;;) {
    const { address, context } = await place(at ?? (request.key ?? request.start_key ?? '').toString());
    const reply = await call(store(address), method, { context, ...request });
    if (!reply.region_error) return reply;
    assert.ok(Date.now() < end, JSON.stringify(reply.region_error));
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

test('members, and a header that clients can use', async () => {
  const members = await call(pd, 'GetMembers', {});
  assert.notEqual(members.header.cluster_id, '0');
  assert.equal(members.header.error, null);
  assert.deepEqual(members.members.map(m => m.client_urls), settings.pds.map(p => [`http://${p}`]));
  assert.ok(members.members.every(m => m.member_id !== '0'));
  assert.ok(members.members.some(m => m.member_id === members.leader.member_id && m.client_urls[0] === members.leader.client_urls[0]));
  header = { cluster_id: members.header.cluster_id };
  for (const url of settings.pds) {
    const other = new PD(url, insecure);
    assert.deepEqual((await call(other, 'GetMembers', {})).leader, members.leader);
    other.close();
  }
});

test('requests of another cluster are refused', async () => {
  const stranger = { header: { cluster_id: '1' } };
  const error = await call(pd, 'GetRegion', stranger).then(() => null, e => e);
  assert.equal(error.code, 9);
  assert.match(error.details, /^mismatch cluster id, need \d+ but got 1$/);
  assert.equal(await codeOf(pd, 'GetMembers', stranger), 0);
});

test('stores with the addresses of their gRPC ports', async () => {
  const { stores } = await ask('GetAllStores', {});
  assert.deepEqual(stores.map(s => s.address).sort(), settings.stores);
  assert.ok(stores.every(s => /^\d+\.\d+\.\d+/.test(s.version)));
  for (const s of stores)
    assert.equal((await ask('GetStore', { store_id: s.id })).store.address, s.address);
  const unknown = await ask('GetStore', { store_id: '999' });
  assert.equal(unknown.header.error.message, 'invalid store ID 999, not found');
  assert.equal((await ask('IsBootstrapped', {})).bootstrapped, true);
});

test('regions by key, by id, before a key, in a range', async () => {
  const { region, leader } = await place('');
  assert.equal(region.start_key.length, 0);
  assert.equal((await ask('GetRegionByID', { region_id: region.id })).leader.id, leader.id);
  assert.equal((await ask('GetRegionByID', { region_id: '999999' })).region, null);
  assert.equal((await ask('GetPrevRegion', { region_key: key('') })).region, null);
  const scan = await ask('ScanRegions', { limit: 0 });
  assert.deepEqual(scan.regions.map(r => r.region.id), scan.region_metas.map(r => r.id));
  assert.deepEqual(scan.regions.map(r => r.leader.id), scan.leaders.map(l => l.id));
});

test('ids', async () => {
  const [one, two] = [await ask('AllocID', {}), await ask('AllocID', {})];
  assert.ok(BigInt(two.id) > BigInt(one.id));
});

test('keyspaces', async () => {
  const { Keyspace } = load('keyspacepb.proto').keyspacepb;
  const client = new Keyspace(settings.pd, insecure);
  const found = await call(client, 'LoadKeyspace', { header, name: 'DEFAULT' });
  assert.deepEqual([found.header.error, found.keyspace.name, found.keyspace.id, found.keyspace.state], [null, 'DEFAULT', 0, 'ENABLED']);
  assert.equal((await call(client, 'GetAllKeyspaces', { header })).keyspaces[0].name, 'DEFAULT');
  client.close();
});

const value = t => (BigInt(t.physical) << 18n) + BigInt(t.logical);

test('timestamps in order, of many requests under way', async () => {
  const tso = pd.Tso();
  const seen = outcome(tso);
  for (let i = 0; i < 500; i++) tso.write({ header, count: 1 + i % 10 });
  tso.end();
  const { code, messages } = await seen;
  assert.deepEqual([code, messages.map(m => m.count)], [0, Array.from({ length: 500 }, (_, i) => 1 + i % 10)]);
  let last = 0n;
  for (const m of messages) {
    assert.ok(value(m.timestamp) - BigInt(m.count) >= last, 'two answers share a timestamp');
    last = value(m.timestamp);
  }
});

test('timestamps of streams that are left, one message each', async () => {
  let last = 0n;
  for (let i = 0; i < 50; i++) {
    const tso = pd.Tso();
    tso.on('error', () => { });
    tso.write({ header, count: 1 });
    const { timestamp } = await new Promise(resolve => tso.once('data', resolve));
    assert.ok(value(timestamp) > last);
    last = value(timestamp);
    tso.cancel();
  }
  assert.ok(value((await ask('GetMinTS', {})).timestamp) > last);
});

test('timestamps of another cluster, and of none', async () => {
  for (const [request, code] of [[{ header: { cluster_id: '1' }, count: 1 }, 9], [{ header, count: 0 }, 3]]) {
    const tso = pd.Tso();
    const seen = outcome(tso);
    tso.write(request);
    assert.equal((await seen).code, code);
  }
});

test('safe points', async () => {
  assert.equal((await ask('GetGCSafePoint', {})).safe_point, '0');
  const state = await ask('GetGCState', { keyspace_scope: { keyspace_id: 0xffffffff } });
  assert.equal(state.header.error, null);
  assert.equal(state.gc_state.txn_safe_point, '0');
});

test('raw calls', async () => {
  assert.equal((await raw('RawPut', { key: key('a'), value: key('1') })).error, '');
  assert.equal((await raw('RawGet', { key: key('a') })).value.toString(), '1');
  assert.equal((await raw('RawGet', { key: key('absent') })).not_found, true);
  await raw('RawBatchPut', { pairs: ['b', 'c', 'd'].map(k => ({ key: key(k), value: key(`of ${k}`) })) }, 'b');
  const pairs = await raw('RawBatchGet', { keys: ['a', 'c', 'absent'].map(key) }, 'a');
  assert.deepEqual(pairs.pairs.map(p => p.value.toString()), ['1', 'of c']);
  assert.deepEqual((await raw('RawScan', { start_key: key('b'), end_key: key('d'), limit: 10 })).kvs.map(p => p.key.toString()), ['b', 'c']);
  assert.deepEqual((await raw('RawScan', { start_key: key('d'), end_key: key('a'), limit: 2, reverse: true }, 'c')).kvs.map(p => p.key.toString()),
    ['c', 'b']);
  const swapped = await raw('RawCompareAndSwap', { key: key('a'), value: key('2'), previous_value: key('1') });
  assert.deepEqual([swapped.succeed, swapped.error], [true, '']);
  assert.equal((await raw('RawCompareAndSwap', { key: key('a'), value: key('3'), previous_value: key('1') })).succeed, false);
  assert.equal((await raw('RawChecksum', { ranges: [{ start_key: key('a'), end_key: key('z') }] }, 'a')).total_kvs, '4');
  await raw('RawBatchDelete', { keys: ['b', 'c'].map(key) }, 'b');
  await raw('RawDelete', { key: key('d') });
  assert.equal((await raw('RawGet', { key: key('c') })).not_found, true);
  await raw('RawDeleteRange', { start_key: key('a'), end_key: key('z') });
  assert.deepEqual((await raw('RawScan', { start_key: key(''), end_key: key(''), limit: 10 })).kvs, []);
  assert.match((await raw('RawPut', { key: key('t'), value: key('1'), ttl: '5' })).error, /^ttl is not enabled/);
});

test('scans and batches are whole, however large', async () => {
  const keys = Array.from({ length: 40 }, (_, i) => key(`large-${String(i).padStart(2, '0')}`));
  for (const k of keys) await raw('RawPut', { key: k, value: Buffer.alloc(500_000, 1) });
  const scan = await raw('RawScan', { start_key: key('large-'), end_key: key('large.'), limit: 1000 });
  assert.equal(scan.kvs.length, 40);
  assert.equal(scan.kvs.reduce((sum, kv) => sum + kv.value.length, 0), 20_000_000);
  const got = await raw('RawBatchGet', { keys }, 'large-');
  assert.equal(got.pairs.reduce((sum, kv) => sum + kv.value.length, 0), 20_000_000);
  await raw('RawDeleteRange', { start_key: key('large-'), end_key: key('large.') });
});

test('region errors that tell the client what to do', async () => {
  const { region, leader, address, context } = await place('a');
  const error = async (at, change) => (await call(store(at), 'RawGet', { key: key('a'), context: { ...context, ...change } })).region_error;
  assert.equal((await error(address, { region_id: '999999' })).region_not_found.region_id, '999999');
  const follower = region.peers.find(p => p.id !== leader.id);
  const { store: other } = await ask('GetStore', { store_id: follower.store_id });
  const notLeader = await error(other.address, { peer: follower });
  assert.equal(notLeader.not_leader.region_id, region.id);
  assert.equal(notLeader.not_leader.leader?.id ?? leader.id, leader.id);
  assert.equal((await error(other.address, {})).store_not_match.actual_store_id, follower.store_id);
  const epoch = { ...region.region_epoch, version: String(BigInt(region.region_epoch.version) + 1n) };
  assert.equal((await error(address, { region_epoch: epoch })).epoch_not_match.current_regions[0].id, region.id);
  assert.ok((await error(address, { region_epoch: epoch })).message.length > 0);
});

test('requests of another API mode', async () => {
  const { address, context } = await place('a');
  const reply = await call(store(address), 'RawGet', { key: key('a'), context: { ...context, api_version: 'V2' } });
  assert.match(reply.error, /the cluster runs v1/);
});

test('batches: every id once, with the case of its request', async () => {
  const { address, context } = await place('batch');
  const stream = store(address).BatchCommands();
  const seen = outcome(stream);
  const wanted = new Map();
  let id = 0;
  for (let b = 0; b < 20; b++) {
    const [requests, request_ids] = [[], []];
    const add = (request, cmd) => {
      requests.push(request);
      request_ids.push(String(++id));
      wanted.set(String(id), cmd);
    };
    for (let i = 0; i < 20; i++) add({ RawPut: { context, key: key(`batch-${b}-${i}`), value: key('v') } }, 'RawPut');
    add({ RawGet: { context, key: key('batch-absent') } }, 'RawGet');
    add({ RawGet: { context: { ...context, region_id: '999999' }, key: key('a') } }, 'RawGet');
    add({ Empty: { test_id: '7' } }, 'Empty');
    stream.write({ requests, request_ids });
  }
  stream.end();
  const { code, messages } = await seen;
  assert.equal(code, 0);
  const got = messages.flatMap(m => m.request_ids.map((i, n) => [i, m.responses[n]]));
  assert.equal(got.length, wanted.size);
  for (const [i, response] of got) {
    assert.equal(response.cmd, wanted.get(i));
    wanted.delete(i);
    if (response.cmd === 'Empty') assert.equal(response.Empty.test_id, '7');
  }
  assert.equal(wanted.size, 0);
  assert.equal((await raw('RawScan', { start_key: key('batch-'), end_key: key('batch.'), limit: 1000 })).kvs.length, 400);
});

test('a batch stream that is left, and another', async () => {
  const { address, context } = await place('batch');
  for (let i = 0; i < 20; i++) {
    const stream = store(address).BatchCommands();
    const ended = outcome(stream);
    const batch = { requests: [{ RawGet: { context, key: key('batch-0-0') } }], request_ids: ['1'] };
    stream.write(batch);
    await new Promise(resolve => stream.once('data', resolve));
    // With a request under way, or without.
    if (i % 2) stream.write(batch);
    stream.cancel();
    assert.equal((await ended).code, 1);
  }
  assert.equal((await raw('RawGet', { key: key('batch-0-0') })).value.toString(), 'v');
});

test('a split, and the region error that tells of it', async () => {
  await raw('RawPut', { key: key('s1'), value: key('1') });
  await raw('RawPut', { key: key('s9'), value: key('9') });
  const before = await place('s9');
  const split = await raw('SplitRegion', { split_keys: [key('s5')], is_raw_kv: true }, 's5');
  assert.deepEqual(split.regions.map(r => r.region_epoch.version).length, 2);
  const stale = await call(store(before.address), 'RawGet', { key: key('s9'), context: before.context });
  assert.ok(stale.region_error.epoch_not_match.current_regions.length > 0);
  assert.equal((await raw('RawGet', { key: key('s1') })).value.toString(), '1');
  assert.equal((await raw('RawGet', { key: key('s9') })).value.toString(), '9');
  const { region } = await place('s9');
  assert.equal(region.start_key.toString(), 's5');
  assert.equal((await ask('GetPrevRegion', { region_key: key('s9') })).region.end_key.toString(), 's5');
});

test('health of both ports', async () => {
  for (const address of [settings.pd, settings.stores[0]]) {
    const health = new Health(address, insecure);
    assert.equal((await call(health, 'Check', { service: '' })).status, 'SERVING');
    assert.equal(await codeOf(health, 'Check', { service: 'no.Such' }), 5);
    health.close();
  }
});

test('what is not there yet', async () => {
  const Other = grpc.makeGenericClientConstructor({
    KvGet: { path: '/tikvpb.Tikv/KvGet', requestStream: false, responseStream: false, requestSerialize: b => b, responseDeserialize: b => b },
    GetClusterInfo: { path: '/pdpb.PD/GetClusterInfo', requestStream: false, responseStream: false, requestSerialize: b => b, responseDeserialize: b => b } });
  for (const [address, method] of [[settings.stores[0], 'KvGet'], [settings.pd, 'GetClusterInfo']]) {
    const other = new Other(address, insecure);
    assert.equal(await codeOf(other, method, Buffer.alloc(0)), 12);
    other.close();
  }
});

run(() => {
  pd.close();
  clients.forEach(client => client.close());
});
