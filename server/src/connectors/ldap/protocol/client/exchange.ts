import { protocolError } from '../ber/reader.ts';
import { operations } from '../messages/operations.ts';
import { type LdapResult, readResult } from '../messages/result.ts';
import type { LockstepError } from '../../../../kernel/errors.ts';
import { type Exchange, type Response, responseControls, responseReader } from './connection.ts';
import { type IntermediateItem, readIntermediate } from './search.ts';

/** What an operation with one final response ended with; the last two are those of an extended operation. */
export interface Answer {
  readonly result: LdapResult;
  readonly oid: string | undefined;
  readonly value: Buffer | undefined;
  readonly intermediates: readonly IntermediateItem[];
}

/** Waits for the one response with the given tag. */
export class SingleExchange implements Exchange {
  readonly #tag: number;
  readonly #settle = Promise.withResolvers<Answer>();
  readonly #intermediates: IntermediateItem[] = [];

  constructor(tag: number) {
    this.#tag = tag;
  }

  get answer(): Promise<Answer> {
    return this.#settle.promise;
  }

  receive(response: Response): boolean {
    if (response.tag === operations.intermediateResponse) {
      if (this.#intermediates.length >= maxIntermediates)
        throw protocolError('intermediate responses without end');
      this.#intermediates.push(readIntermediate(response));
      return false;
    }
    if (response.tag !== this.#tag) {
      throw protocolError(
        `a response with tag 0x${response.tag.toString(16)} where 0x${this.#tag.toString(16)} belongs`,
      );
    }
    const reader = responseReader(response);
    const result = readResult(reader, responseControls(response));
    // serverSaslCreds of a bind response is of no use without a SASL mechanism that looks at it.
    if (reader.peek() === 0x87) reader.next();
    const oid = reader.peek() === 0x8a ? reader.text(0x8a) : undefined;
    const value = reader.peek() === 0x8b ? Buffer.from(reader.octets(0x8b)) : undefined;
    this.#settle.resolve({ result, oid, value, intermediates: this.#intermediates });
    return true;
  }

  fail(error: LockstepError): void {
    this.#settle.reject(error);
  }
}

const maxIntermediates = 100_000;
