import { expect, it } from 'vitest';
import { eventText } from '../../src/replay/timeline/event-text.js';

function text(planned: unknown): string {
  const event = { type: 'step.planned', agent: 'ann', step: 'build', session_id: null };
  return eventText({ ...event, at: '2026-11-30T00:00:00Z', data: { planned } }, undefined);
}

it('a planned step tells its title and what it needs, whatever another tool wrote', () => {
  expect(text({ title: 'the API', needs: ['design', 'schema'] })).toBe(
    'build: the API (needs design, schema)',
  );
  expect(text({ title: null, needs: [] })).toBe('build');
  expect(text({ title: 7, needs: ['design', { a: 1 }] })).toBe('build (needs design)');
  expect(text('planned')).toBe('build');
});
