import type { Io } from '../io.js';
import { openAccounts } from './accounts.js';
import { existingCertificate } from './certificate.js';
import { configFor, type Request } from './start.js';

/** The configuration as it would be used, as JSON: defaults filled in, paths absolute, times in milliseconds. */
export async function printConfig(request: Request, io: Io): Promise<string> {
  const config = await configFor(request, io);
  // A block of addresses is shown as it was written.
  const plain = (_key: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && 'octets' in value && 'text' in value ? value.text : value;
  return JSON.stringify(config, plain, 2);
}

/**
 * Check everything that a start reads; nothing is made or bound.
 *
 * @returns lines for people. @throws FtpError with everything that is wrong.
 */
export async function checkConfig(request: Request, io: Io): Promise<string[]> {
  const config = await configFor(request, io);
  const certificate = await existingCertificate(config, io);
  const accounts = await openAccounts({ config, quick: undefined }, { onProblem: () => {} });
  return [
    `configuration  ${config.file ?? 'none: all defaults'}`,
    `certificate    ${certificate ? `${certificate.file}, pin ${certificate.pin}` : 'none yet: made at the first start'}`,
    `users          ${accounts.count ?? 'none yet:'} ${accounts.count === undefined ? '' : 'in '}${config.usersFile}`,
    ...config.warnings.map((text) => `warning        ${text}`),
    'good',
  ];
}
