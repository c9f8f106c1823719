import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

/** The replay page's viewer as one script and one style sheet. */
export async function bundleViewer(root, modules) {
  const folder = join(root, 'src', 'replay', 'viewer');
  const build = await rolldown({
    cwd: root,
    input: join(folder, 'main.ts'),
    platform: 'browser',
    tsconfig: join(folder, 'tsconfig.json'),
    plugins: modules === undefined ? [] : [modules.plugin],
  });
  const { output } = await build.generate({
    format: 'iife',
    minify: true,
    comments: { legal: false },
  });
  await build.close();
  const style = (await readFile(join(folder, 'style.css'), 'utf8'))
    .replace(/\s*\n\s*/g, '\n')
    .trim();
  const script = output[0].code.trim();
  for (const text of [script, style]) {
    if (/<\/(script|style)|<!--/i.test(text))
      throw new Error('the viewer would end its own element');
  }
  return { script, style };
}

/** Substitutes the bundled viewer for the texts in `src/replay/page/viewer-bundle.ts`. */
export function withViewer(root, modules) {
  return {
    name: 'with-viewer',
    transform: {
      filter: { id: /src[\\/]replay[\\/]page[\\/]viewer-bundle\.ts$/ },
      async handler(code) {
        const { script, style } = await bundleViewer(root, modules);
        return code
          .replace("'TRACECRAFT_VIEWER_SCRIPT'", () => JSON.stringify(script))
          .replace("'TRACECRAFT_VIEWER_STYLE'", () => JSON.stringify(style));
      },
    },
    generateBundle(_, bundle) {
      const left = Object.values(bundle).filter(({ code }) => code?.includes('TRACECRAFT_VIEWER_'));
      if (left.length > 0) throw new Error(`no viewer in ${left.map(({ fileName }) => fileName)}`);
    },
  };
}
