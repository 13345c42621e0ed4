import { exitCodes } from './exit-code.ts';
import { buildProgram } from './program.ts';
import { renderError } from './report-error.ts';

// A reader that has seen enough (`| head`) closes the pipe: that is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? exitCodes.success);
  throw error;
});

try {
  await buildProgram().parseAsync();
} catch (error) {
  process.stderr.write(`${renderError(error)}\n`);
  process.exitCode = exitCodes.failed;
}
