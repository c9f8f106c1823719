import { claudeCodeSetup } from '../../watchers/claude-code/setup.js';

/** The script that `setup claude-code` writes for a spool. */
export function claudeHook(spool: string): string {
  const [hook] = claudeCodeSetup.plan({
    env: {},
    home: '/home/dev',
    tracecraftHome: '/home/dev/.tracecraft',
    spool,
    skill: '',
    mail: undefined,
  }).files;
  if (hook?.path !== '/home/dev/.tracecraft/hooks/claude-code.sh') throw new Error('no hook');
  return hook.content;
}
