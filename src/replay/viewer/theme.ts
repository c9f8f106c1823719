export interface Colors {
  readonly paper: string;
  readonly lane: string;
  readonly line: string;
  readonly ink: string;
  readonly soft: string;
  readonly faint: string;
  readonly claim: string;
  readonly claimEdge: string;
  readonly done: string;
  readonly blocked: string;
  readonly amber: string;
  readonly message: string;
  readonly memory: string;
  readonly artifact: string;
  readonly agent: string;
  readonly strip: string;
  readonly focus: string;
}

/** Fonts of the drawing. */
export const fonts = {
  word: '12px system-ui, sans-serif',
  strong: '600 12px system-ui, sans-serif',
  axis: '11.5px system-ui, sans-serif',
  date: '600 12px system-ui, sans-serif',
} as const;

/** From the style sheet, for the current theme. */
export function readColors(): Colors {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    paper: of('paper'),
    lane: of('lane'),
    line: of('line'),
    ink: of('ink'),
    soft: of('soft'),
    faint: of('faint'),
    claim: of('claim'),
    claimEdge: of('claim-edge'),
    done: of('done'),
    blocked: of('blocked'),
    amber: of('amber'),
    message: of('message'),
    memory: of('memory'),
    artifact: of('artifact'),
    agent: of('agent'),
    strip: of('strip'),
    focus: of('focus'),
  };
}

const colorNames: Readonly<Record<string, keyof Colors>> = {
  'agent.registered': 'agent',
  'step.claimed': 'claimEdge',
  'step.claim_rejected': 'amber',
  'step.taken_over': 'amber',
  'step.released': 'agent',
  'step.completed': 'done',
  'step.blocked': 'blocked',
  'step.needs_review': 'amber',
  'step.approved': 'done',
  'step.rejected': 'blocked',
  'step.planned': 'agent',
  'step.edited': 'agent',
  'step.removed': 'agent',
  'memory.set': 'memory',
  'memory.deleted': 'memory',
  'message.sent': 'message',
  'message.broadcast': 'message',
  'artifact.uploaded': 'artifact',
};

export function colorNameOf(type: string): keyof Colors {
  return Object.hasOwn(colorNames, type) ? (colorNames[type] ?? 'faint') : 'faint';
}

type Theme = 'auto' | 'light' | 'dark';
const themes: readonly Theme[] = ['auto', 'light', 'dark'];

/** The theme after the current one; applies while this page is open. */
export function turnTheme(): Theme {
  const root = document.documentElement;
  const present = themes.findIndex((theme) => theme === (root.dataset.theme ?? 'auto'));
  const next = themes[(present + 1) % themes.length] ?? 'auto';
  root.dataset.theme = next;
  return next;
}
