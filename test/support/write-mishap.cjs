'use strict';

// Loaded into a process of the built command that writes into a folder bucket: what a network may do to a request
// happens to the system calls that place a file. TEST_WRITE_MISHAP says what, see `stage.ts`.
const { createHash } = require('node:crypto');
const fs = require('node:fs/promises');
const { connect } = require('node:net');

const { mishap, keys, socket } = JSON.parse(process.env.TEST_WRITE_MISHAP);
const lockOf = (key) => createHash('sha256').update(key).digest('hex').slice(0, 32);
const places = keys.map((key) => `/${key}`);
/** Where a replacement begins to exclude others: before this it has decided, and nobody knows. */
const doors = keys.map((key) => `/locks/${lockOf(key)}`);
const pending = new Set(mishap === 'held' ? doors : places);

/** Resolves when the test answers. */
function ask() {
  return new Promise((resolve) => {
    connect(socket).once('data', function answered() {
      this.destroy();
      resolve();
    });
  });
}

for (const name of ['link', 'rename']) {
  const act = fs[name];
  fs[name] = async (from, to) => {
    const end = [...pending].find((one) => String(to).endsWith(one));
    if (end === undefined) return act(from, to);
    if (mishap === 'held') {
      pending.clear();
      await ask();
    }
    // If its folder is missing, this fails, and is tried again.
    await act(from, to);
    pending.delete(end);
    if (mishap === 'unanswered') await ask();
    // The answer to the second one counts, as when a network file system repeats a request.
    if (mishap === 'twice') await act(from, to);
  };
}
