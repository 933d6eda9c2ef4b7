// What @grpc/grpc-js sees of the gRPC layer. A case begins a line with test('name' so that NodeTests.cs finds it.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const http2 = require('node:http2');
const { grpc, load, loader, options, outcome, run, test } = require('./harness.js');

const settings = JSON.parse(process.argv[2]);
const Echo = load('echo.proto').conformance.Echo;
const address = port => `127.0.0.1:${port}`;
const unlimited = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };
const insecure = grpc.credentials.createInsecure();
const plain = new Echo(address(settings.plain), insecure, unlimited);
const limited = new Echo(address(settings.limited), insecure, unlimited);

function unary(client, request, metadata, callOptions) {
  const messages = [];
  const call = client.Unary(request, metadata ?? new grpc.Metadata(), callOptions ?? {}, (_, message) => { if (message) messages.push(message); });
  return outcome(call, messages);
}

function clientStream(client, requests, metadata, callOptions) {
  const messages = [];
  const call = client.ClientStream(metadata ?? new grpc.Metadata(), callOptions ?? {}, (_, message) => { if (message) messages.push(message); });
  requests.forEach(request => call.write(request));
  call.end();
  return outcome(call, messages);
}

function bidirectional(client, requests, metadata, callOptions) {
  const call = client.Bidirectional(metadata ?? new grpc.Metadata(), callOptions ?? {});
  requests.forEach(request => call.write(request));
  call.end();
  return outcome(call);
}

const serverStream = (client, request, metadata, callOptions) =>
  outcome(client.ServerStream(request, metadata ?? new grpc.Metadata(), callOptions ?? {}));
const every = { Unary: (c, r, m, o) => unary(c, r, m, o), ServerStream: (c, r, m, o) => serverStream(c, { answers: 1, ...r }, m, o),
  ClientStream: (c, r, m, o) => clientStream(c, [r], m, o), Bidirectional: (c, r, m, o) => bidirectional(c, [r], m, o) };
const soon = milliseconds => ({ deadline: new Date(Date.now() + milliseconds) });
const bytes = n => Buffer.alloc(n, 7);

test('a call of each kind', async () => {
  for (const [kind, call] of Object.entries(every)) {
    const seen = await call(plain, { payload: Buffer.from('hello') });
    assert.deepEqual([seen.code, seen.messages.length], [0, 1], kind);
    assert.equal(seen.messages[0].payload.toString(), 'hello', kind);
  }
});

test('streams in order', async () => {
  const numbers = Array.from({ length: 2000 }, (_, i) => i);
  const down = await serverStream(plain, { answers: 2000, payload: bytes(100) });
  assert.deepEqual([down.code, down.messages.map(m => m.number)], [0, numbers]);
  const up = await clientStream(plain, numbers.map(i => ({ payload: Buffer.from(String(i)) })));
  assert.deepEqual([up.code, up.messages[0].number, up.messages[0].payload.toString()], [0, 2000, '1999']);
  const both = await bidirectional(plain, numbers.map(i => ({ payload: Buffer.from(String(i)) })));
  assert.deepEqual([both.code, both.messages.map(m => Number(m.payload.toString()))], [0, numbers]);
});

test('an answer before the stream goes on', async () => {
  const call = plain.Bidirectional();
  const seen = outcome(call);
  for (let i = 0; i < 20; i++) {
    const answered = new Promise(resolve => call.once('data', resolve));
    call.write({ payload: Buffer.from([i]) });
    assert.equal((await answered).payload[0], i);
  }
  call.end();
  assert.equal((await seen).code, 0);
});

test('streams without messages', async () => {
  assert.deepEqual((await serverStream(plain, { answers: 0 })).messages, []);
  assert.equal((await clientStream(plain, [])).messages[0].number, 0);
  const both = await bidirectional(plain, []);
  assert.deepEqual([both.code, both.messages], [0, []]);
});

test('metadata before and after the messages', async () => {
  const metadata = new grpc.Metadata();
  metadata.set('x-echo', 'some text');
  metadata.set('x-echo-bin', Buffer.from([0, 1, 254, 255]));
  for (const [kind, call] of Object.entries(every)) {
    for (const status of [0, 5]) {
      const seen = await call(plain, { status, message: 'm' }, metadata);
      assert.equal(seen.code, status, kind);
      assert.deepEqual(seen.trailers.get('after-x-echo'), ['some text'], kind);
      assert.deepEqual(seen.trailers.get('after-x-echo-bin'), [Buffer.from([0, 1, 254, 255])], kind);
      // Without a message, headers and trailers are one.
      const before = status === 0 || kind === 'ServerStream' ? seen.metadata : seen.trailers;
      assert.deepEqual(before.get('x-echo'), ['some text'], kind);
      assert.deepEqual(before.get('x-echo-bin'), [Buffer.from([0, 1, 254, 255])], kind);
    }
  }
});

test('every status with any message', async () => {
  const text = 'line\nbreak, 100 %, %41, tab\t, schön, 键, 🔑, DEL\x7f';
  for (let status = 1; status <= 16; status++) {
    for (const [kind, call] of Object.entries(every)) {
      const seen = await call(plain, { status, message: text });
      assert.deepEqual([seen.code, seen.details], [status, text], kind);
    }
  }
});

test('a status after messages', async () => {
  const seen = await bidirectional(plain, [{ payload: bytes(1) }, { payload: bytes(2) }, { status: 9, message: 'enough' }]);
  assert.deepEqual([seen.messages.length, seen.code, seen.details], [2, 9, 'enough']);
});

test('a handler that throws', async () => {
  const seen = await unary(plain, { fails: true });
  assert.deepEqual([seen.code, seen.details], [2, 'InvalidOperationException: it was told to fail']);
});

test('deadlines', async () => {
  for (const [kind, call] of Object.entries(every)) {
    assert.equal((await call(plain, { waits: true }, null, soon(1))).code, 4, kind);
    assert.equal((await call(plain, { waits: true }, null, soon(100))).code, 4, kind);
  }
  const left = (await unary(plain, {}, null, soon(60000))).messages[0].time_left;
  assert.ok(left > 10000 && left <= 60000, String(left));
});

test('a thousand calls with a deadline of 1 ms', async () => {
  const seen = await Promise.all(Array.from({ length: 1000 }, () => unary(plain, { payload: bytes(10) }, null, soon(1))));
  assert.deepEqual(seen.filter(s => s.code !== 0 && s.code !== 4), []);
  assert.equal((await unary(plain, {})).code, 0);
});

test('cancellation', async () => {
  for (const method of ['ServerStream', 'Bidirectional']) {
    const call = method === 'ServerStream' ? plain.ServerStream({ answers: -1, payload: bytes(1000) }) : plain.Bidirectional();
    if (method === 'Bidirectional') call.write({});
    const seen = outcome(call);
    await new Promise(resolve => call.once('data', resolve));
    call.cancel();
    assert.equal((await seen).code, 1, method);
  }
  const waiting = plain.Unary({ waits: true }, () => { });
  const seen = outcome(waiting, []);
  setImmediate(() => waiting.cancel());
  assert.equal((await seen).code, 1);
});

test('messages of 20 MB both ways', async () => {
  for (const [kind, call] of Object.entries(every)) {
    const seen = await call(plain, { payload: bytes(20_000_000) });
    assert.deepEqual([seen.code, seen.messages[0]?.payload.length], [0, 20_000_000], kind);
  }
});

test('messages at and above the limit', async () => {
  // A tag and a length of two bytes.
  assert.equal((await unary(limited, { payload: bytes(settings.maxReceiveBytes - 3) })).code, 0);
  for (const [kind, call] of Object.entries(every)) {
    const seen = await call(limited, { payload: bytes(settings.maxReceiveBytes) });
    assert.equal(seen.code, 8, kind);
    assert.match(seen.details, /^received message larger than max/, kind);
  }
});

test('gzip', async () => {
  const gzip = new Echo(address(settings.plain), insecure, { ...unlimited, 'grpc.default_compression_algorithm': 2 });
  for (const [kind, call] of Object.entries(every)) {
    for (const client of [gzip, limited]) {
      const seen = await call(client, { payload: bytes(900) });
      assert.deepEqual([seen.code, seen.messages[0]?.payload.length], [0, 900], kind);
    }
  }
  const inflates = new Echo(address(settings.limited), insecure, { ...unlimited, 'grpc.default_compression_algorithm': 2 });
  assert.equal((await unary(inflates, { payload: bytes(100_000) })).code, 8);
  gzip.close();
  inflates.close();
});

test('answers are compressed only where it was asked for', async () => {
  const frames = async port => {
    const session = http2.connect(`http://${address(port)}`);
    const stream = session.request({ ':method': 'POST', ':path': '/conformance.Echo/Unary', 'content-type': 'application/grpc', te: 'trailers',
      'grpc-accept-encoding': 'identity,gzip' });
    stream.end(Buffer.from([0, 0, 0, 0, 0]));
    const [headers, body] = await Promise.all([
      new Promise(resolve => stream.on('response', resolve)),
      new Promise(resolve => { const all = []; stream.on('data', d => all.push(d)); stream.on('end', () => resolve(Buffer.concat(all))); })]);
    session.close();
    return [headers['grpc-encoding'], body[0]];
  };
  assert.deepEqual(await frames(settings.plain), [undefined, 0]);
  assert.deepEqual(await frames(settings.limited), ['gzip', 1]);
});

test('unknown methods and services', async () => {
  const Other = grpc.makeGenericClientConstructor({
    Nothing: { path: '/conformance.Echo/Nothing', requestStream: false, responseStream: false, requestSerialize: b => b, responseDeserialize: b => b },
    Unhandled: { path: '/conformance.Echo/Unhandled', requestStream: true, responseStream: true, requestSerialize: b => b, responseDeserialize: b => b },
    Elsewhere: { path: '/no.Such/Service', requestStream: false, responseStream: false, requestSerialize: b => b, responseDeserialize: b => b } });
  const other = new Other(address(settings.plain), insecure);
  const call = method => outcome(other[method](Buffer.alloc(0), () => { }), []);
  assert.deepEqual(await call('Nothing').then(s => [s.code, s.details]), [12, 'unknown method Nothing for service conformance.Echo']);
  assert.deepEqual(await call('Elsewhere').then(s => [s.code, s.details]), [12, 'unknown service no.Such']);
  assert.equal((await outcome(other.Unhandled())).code, 12);
  other.close();
});

test('1024 streams a connection, and pings answered', async () => {
  const session = http2.connect(`http://${address(settings.plain)}`);
  const remote = await new Promise(resolve => session.on('remoteSettings', resolve));
  assert.equal(remote.maxConcurrentStreams, 1024);
  for (let i = 0; i < 50; i++)
    await new Promise((resolve, reject) => session.ping((error, _, payload) => error ? reject(error) : resolve(payload)));
  session.close();
});

test('two thousand calls at once', async () => {
  const seen = await Promise.all(Array.from({ length: 2000 }, (_, i) => unary(plain, { payload: Buffer.from(String(i)) })));
  seen.forEach((s, i) => assert.equal(s.messages[0]?.payload.toString(), String(i)));
});

test('a client that does not read slows its stream only', async () => {
  const call = plain.ServerStream({ answers: 1000, payload: bytes(100_000) });
  const seen = outcome(call);
  call.pause();
  assert.equal((await unary(plain, {})).code, 0);
  call.resume();
  assert.deepEqual(await seen.then(s => [s.code, s.messages.length]), [0, 1000]);
});

test('TLS with certificates on both sides', async () => {
  const [ca, certificate, key] = [settings.authority, settings.certificate, settings.key].map(file => fs.readFileSync(file));
  const secure = new Echo(address(settings.secure), grpc.credentials.createSsl(ca, key, certificate));
  for (const [kind, call] of Object.entries(every))
    assert.equal((await call(secure, {})).code, 0, kind);
  secure.close();
  const stranger = new Echo(address(settings.secure), grpc.credentials.createSsl(ca));
  assert.equal((await unary(stranger, {})).code, 14);
  stranger.close();
});

test('reflection', () => reflection('v1'));

test('reflection under its older name', () => reflection('v1alpha'));

async function reflection(version) {
  const { ServerReflection } = load(`grpc/reflection/${version}/reflection.proto`).grpc.reflection[version];
  const client = new ServerReflection(address(settings.plain), insecure);
  const ask = async requests => {
    const call = client.ServerReflectionInfo();
    requests.forEach(request => call.write(request));
    call.end();
    const seen = await outcome(call);
    assert.equal(seen.code, 0);
    return seen.messages;
  };
  const [list, bySymbol, byName, unknown, extensions] = await ask([
    { list_services: '' }, { file_containing_symbol: 'conformance.Echo.Unary' }, { file_by_filename: 'echo.proto' },
    { file_containing_symbol: 'no.Such' }, { all_extension_numbers_of_type: 'conformance.EchoRequest' }]);
  assert.deepEqual(list.list_services_response.service.map(s => s.name),
    ['conformance.Echo', 'grpc.reflection.v1.ServerReflection', 'grpc.reflection.v1alpha.ServerReflection']);
  assert.equal(unknown.error_response.error_code, 5);
  assert.equal(extensions.all_extension_numbers_response.base_type_name, 'conformance.EchoRequest');
  assert.deepEqual(bySymbol.file_descriptor_response, byName.file_descriptor_response);

  // A client that knows nothing but what reflection tells. A set of descriptors has its files in field 1.
  const set = Buffer.concat(bySymbol.file_descriptor_response.file_descriptor_proto.map(file => {
    const length = [];
    let rest = file.length;
    for (; rest > 127; rest >>= 7) length.push((rest & 127) | 128);
    return Buffer.concat([Buffer.from([10, ...length, rest]), file]);
  }));
  const learned = grpc.loadPackageDefinition(loader.loadFileDescriptorSetFromBuffer(set, options)).conformance.Echo;
  const echo = new learned(address(settings.plain), insecure);
  assert.equal((await unary(echo, { payload: Buffer.from('learned') })).messages[0].payload.toString(), 'learned');
  echo.close();
  client.close();
}

run(() => {
  plain.close();
  limited.close();
});
