'use strict';

// Loaded into a process of the built command: its clock is off by TEST_CLOCK_OFF_MS.
const offMs = Number(process.env.TEST_CLOCK_OFF_MS);
const RealDate = Date;

globalThis.Date = class extends RealDate {
  constructor(...parts) {
    super(...(parts.length === 0 ? [RealDate.now() + offMs] : parts));
  }

  static now() {
    return RealDate.now() + offMs;
  }
};
