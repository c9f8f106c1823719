import { type Io, nodeIo, type OpenFile } from '../../src/io.js';

/** A disk on which every opened file is wrapped. */
export function wrappingOpen(wrap: (file: OpenFile) => Partial<OpenFile>, base: Io = nodeIo): Io {
  return {
    ...base,
    open: async (path) => {
      const file = await base.open(path);
      if (file === undefined) return undefined;
      return {
        stat: () => file.stat(),
        read: (into, position) => file.read(into, position),
        close: () => file.close(),
        ...wrap(file),
      };
    },
  };
}

/** The real disk, with something happening just before the first read of each opened file, or before its second look. */
export function meanwhile(
  step: 'read' | 'stat',
  happen: () => Promise<unknown>,
  base: Io = nodeIo,
): Io {
  return wrappingOpen((file) => {
    let stats = 0;
    let reads = 0;
    return {
      stat: async () => {
        stats += 1;
        if (step === 'stat' && stats === 2) await happen();
        return file.stat();
      },
      read: async (into, position) => {
        reads += 1;
        if (step === 'read' && reads === 1) await happen();
        return file.read(into, position);
      },
    };
  }, base);
}

/** An error as the system would give it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`simulated ${code}`), { code });
}
