// Runs cases one after the other. Each writes a line: {"name": ..., "failure": null or text}.
'use strict';

const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const options = { keepCase: true, defaults: true, longs: String, enums: String, oneofs: true, includeDirs: [__dirname] };
const cases = [];

module.exports = {
  grpc, loader, options,

  load: file => grpc.loadPackageDefinition(loader.loadSync(file, options)),

  test: (name, body) => cases.push({ name, body }),

  // Of any kind of call: messages, metadata before and after them, status.
  outcome(call, messages) {
    const seen = { messages: messages ?? [], code: null };
    return new Promise(resolve => {
      call.on('metadata', metadata => { seen.metadata = metadata; });
      call.on('status', status => {
        Object.assign(seen, { code: status.code, details: status.details, trailers: status.metadata });
        resolve(seen);
      });
      if (!messages) {
        call.on('data', message => seen.messages.push(message));
        call.on('error', () => { });
      }
    });
  },

  async run(close) {
    for (const { name, body } of cases) {
      let failure = null;
      try {
        await body();
      } catch (error) {
        failure = error.stack ?? String(error);
      }
      console.log(JSON.stringify({ name, failure }));
    }
    close();
  },
};
