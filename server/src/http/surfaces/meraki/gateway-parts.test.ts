import { describe, expect, test } from 'vitest';
import { findBaseUrl } from '../../base-url.ts';
import { renderLinks } from './link-header.ts';
import { Query } from './query.ts';
import { RateLimit } from './rate-limit.ts';
import { rewriteMerakiPath } from './rewrite-path.ts';

describe('paths', () => {
  test.each([
    ['/api/v1/organizations?perPage=3', '/api/v1/organizations?perPage=3'],
    ['/api/v1http://h:1/api/v1/organizations?a=1', '/api/v1/organizations?a=1'],
    ['/api/v1https:/h/api/v1/organizations', '/api/v1/organizations'],
    ['/api/v1/https://h/api/v1/organizations/', '/api/v1/organizations'],
    ['/api/v1/organizations//?a=/', '/api/v1/organizations?a=/'],
    ['/api/v1http://h/elsewhere', '/api/v1http://h/elsewhere'],
    ['/lockstep/v1/jobs/', '/lockstep/v1/jobs/'],
    ['/', '/'],
  ])('%s is meant as %s', (url, meant) => {
    expect(rewriteMerakiPath(url)).toBe(meant);
  });
});

describe('queries', () => {
  test('lists are read in every form, and the first of several values counts', () => {
    const query = new Query('ids%5B%5D=1&ids[]=2&zones=a,b,&zones=c&perPage=3&perPage=9&empty=');
    expect(query.list('ids')).toEqual(['1', '2']);
    expect(query.list('zones')).toEqual(['a', 'b', 'c']);
    expect(query.list('none')).toBeUndefined();
    expect(query.integer('perPage')).toBe(3);
    expect(query.text('empty')).toBeUndefined();
    for (const wrong of ['1.5', '1e3', 'x', '0x10', '9999999999999999'])
      expect(() => new Query(`n=${wrong}`).integer('n')).toThrow("'n' must be an integer");
  });
});

describe('links', () => {
  const query = new Query('startingAfter=x&perPage=9&userIds[]=7&userIds[]=8&b=1%202');

  test('are absolute, without quotes, with sorted parameters', () => {
    const place = { perPage: 3, first: 'f', last: 'l', hasPrevious: true, hasNext: true };
    const rest = 'userIds%5B%5D=7&userIds%5B%5D=8';
    expect(renderLinks('http://h/api/v1/x', query, place)).toBe(
      [
        `<http://h/api/v1/x?b=1%202&perPage=3&startingAfter=0&${rest}>; rel=first`,
        `<http://h/api/v1/x?b=1%202&endingBefore=f&perPage=3&${rest}>; rel=prev`,
        `<http://h/api/v1/x?b=1%202&perPage=3&startingAfter=l&${rest}>; rel=next`,
        `<http://h/api/v1/x?b=1%202&endingBefore=z&perPage=3&${rest}>; rel=last`,
      ].join(', '),
    );
  });

  test('of an empty list lead to its ends only', () => {
    const place = { perPage: 3, first: undefined, last: undefined, hasPrevious: false, hasNext: false };
    const links = renderLinks('http://h/x', new Query(''), place);
    expect([...links.matchAll(/rel=(\w+)/g)].map(([, rel]) => rel)).toEqual(['first', 'last']);
  });
});

describe('base address', () => {
  test('is the configured one, else what the proxy says, else the host', () => {
    const headers = { host: 'inner:7700', 'x-forwarded-host': 'outer.example', 'x-forwarded-proto': 'https' };
    expect(findBaseUrl(headers, false, 'https://public.example/')).toBe('https://public.example');
    expect(findBaseUrl(headers, false, undefined)).toBe('https://outer.example');
    expect(findBaseUrl({ host: 'inner:7700' }, true, undefined)).toBe('https://inner:7700');
    expect(findBaseUrl({ host: '[::1]:80' }, false, undefined)).toBe('http://[::1]:80');
    expect(findBaseUrl({ host: 'a"b' }, false, undefined)).toBe('http://localhost');
  });
});

describe('rate limit', () => {
  test('a burst of 10, then 10 a second, each organization by itself', () => {
    const limit = new RateLimit();
    const take = (key: string, now: number, times: number) =>
      Array.from({ length: times }, () => limit.take(key, now)).filter((wait) => wait === 0).length;
    expect(take('a', 0, 12)).toBe(10);
    expect(take('b', 0, 12)).toBe(10);
    expect(take('a', 100, 5)).toBe(1);
    expect(limit.take('a', 100)).toBe(1);
    // A clock that goes back gives nothing away.
    expect(take('a', 0, 5)).toBe(0);
    expect(take('a', 60_000, 20)).toBe(10);
  });
});
