import type { Viewer } from './page.js';

/**
 * The code that runs in the page. `scripts/build.mjs` bundles `viewer/` and substitutes it for
 * these two texts.
 */
export const viewer: Viewer = {
  script: 'TRACECRAFT_VIEWER_SCRIPT',
  style: 'TRACECRAFT_VIEWER_STYLE',
};
