import { FileError, type FileErrorCode } from './types.js';

/** Errors of the system by what they mean to a client, and the words for it. Paths of this machine are never told. */
const MEANINGS: Readonly<Record<string, readonly [FileErrorCode, string]>> = {
  ENOENT: ['not-found', 'there is no such file or directory'],
  EEXIST: ['exists', 'there is already something of this name'],
  EACCES: ['denied', 'the operating system does not permit it'],
  EPERM: ['denied', 'the operating system does not permit it'],
  EROFS: ['denied', 'the file system is mounted read-only'],
  ETXTBSY: ['busy', 'the file is a program that is running'],
  EBUSY: ['busy', 'the file or directory is in use'],
  EMFILE: ['busy', 'the server has too many files open'],
  ENFILE: ['busy', 'the system has too many files open'],
  EAGAIN: ['busy', 'the file is in use'],
  ENOTDIR: ['not-directory', 'a part of the path is not a directory'],
  EISDIR: ['is-directory', 'it is a directory'],
  ENOTEMPTY: ['not-empty', 'the directory is not empty'],
  ENOSPC: ['no-space', 'the disk is full'],
  EFBIG: ['no-space', 'the file would be larger than this file system allows'],
  EDQUOT: ['quota', 'the quota of the file system is used up'],
  ENAMETOOLONG: ['bad-name', 'the name is too long for this file system'],
  EILSEQ: ['bad-name', 'the file system cannot store this name'],
  EINVAL: ['bad-name', 'the file system does not take this name or value'],
  ELOOP: ['denied', 'a symbolic link stands in the path'],
  EXDEV: ['unsupported', 'it lies on another file system'],
  ENOTSUP: ['unsupported', 'the file system cannot do this'],
  EOPNOTSUPP: ['unsupported', 'the file system cannot do this'],
  ENOSYS: ['unsupported', 'the system cannot do this'],
};

/** The system's code of an error, or ''. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Any error as a `FileError`; those of the system are told in words that name no path. */
export function toFileError(error: unknown): FileError {
  if (error instanceof FileError) return error;
  const errno = errnoOf(error);
  const meaning = Object.hasOwn(MEANINGS, errno) ? MEANINGS[errno] : undefined;
  if (meaning) return new FileError(meaning[0], meaning[1]);
  return new FileError('io', `the storage failed${errno ? ` (${errno})` : ''}`);
}

/** Runs `work`; whatever it throws is thrown as a `FileError`. */
export function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw toFileError(error);
  }
}
