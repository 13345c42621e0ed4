import { exitCodes } from './exit-code.ts';
import { fileError } from './file-error.ts';
import { buildProgram } from './program.ts';
import { renderError } from './report-error.ts';

// A reader that has seen enough (`| head`) closes the pipe: that is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? exitCodes.success);
  process.stderr.write(`${renderError(fileError(error, 'standard output') ?? error)}\n`);
  process.exit(exitCodes.failed);
});

// Who can no longer be told how it goes still gets the work done: `serve 2>&1 | tee log`, and the log ends.
process.stderr.on('error', () => undefined);

try {
  await buildProgram().parseAsync();
} catch (error) {
  process.stderr.write(`${renderError(error)}\n`);
  process.exitCode = exitCodes.failed;
}
