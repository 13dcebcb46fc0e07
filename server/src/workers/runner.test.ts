import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { LocalLocks } from '../adapters/locks-local/locks.js';
import { until } from '../fixture/until.js';
import { BusError } from '../model/errors.js';
import { silentLogger } from '../ports/logger.js';
import { LockPermit, type Permit } from './permit.js';
import { type Job, Runner } from './runner.js';

class CountingJob implements Job {
  readonly name = 'count';
  runs = 0;
  next: number | undefined;
  work: () => Promise<void> = async () => {};

  constructor(readonly intervalMs: number) {}

  async runOnce(): Promise<number | undefined> {
    this.runs++;
    await this.work();
    return this.next;
  }
}

class TestPermit implements Permit {
  retryMs = 50;
  may = true;
  fault: Error | undefined;
  asked = 0;
  released = 0;

  async granted(): Promise<boolean> {
    this.asked++;
    if (this.fault !== undefined) throw this.fault;
    return this.may;
  }

  async release(): Promise<void> {
    this.released++;
    if (this.fault !== undefined) throw this.fault;
  }
}

describe('a runner', () => {
  function runner(job: Job, locks: LocalLocks = new LocalLocks(), lockMs = 3_000): Runner {
    return under(job, new LockPermit(job.name, locks, lockMs));
  }

  function under(job: Job, permit: Permit): Runner {
    const made = new Runner(job, permit, silentLogger);
    onTestFinished(() => made.stop());
    return made;
  }

  test('says that its job failed, but not again and again that a service is away', async () => {
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (_: object, text: string) => warnings.push(text) };
    const job = new CountingJob(1);
    job.work = async () => {
      throw job.runs === 3 ? new Error('a fault') : new BusError('LEDGER_UNAVAILABLE', 'away');
    };
    const failing = new Runner(job, new TestPermit(), logger);
    onTestFinished(() => failing.stop());
    await failing.start();
    await until(() => job.runs > 5, 'sixth run');
    expect(warnings).toEqual(['a job failed; it is tried again']);
  });

  test('runs its job at its interval', async () => {
    const job = new CountingJob(30);
    await runner(job).start();
    await delay(150);
    expect(job.runs).toBeGreaterThanOrEqual(3);
    expect(job.runs).toBeLessThanOrEqual(6);
  });

  test('runs sooner when the job asks for it, and never later', async () => {
    const job = new CountingJob(50);
    job.next = 1;
    await runner(job).start();
    await until(() => job.runs >= 20, '20 runs');
    job.next = 60_000;
    const before = job.runs;
    await until(() => job.runs > before + 2, 'runs at the interval');
  });

  test('runs at once when it is woken', async () => {
    const job = new CountingJob(60_000);
    const made = runner(job);
    await made.start();
    await until(() => job.runs === 1, 'first run');
    made.wake();
    await until(() => job.runs === 2, 'second run');
  });

  test('runs again when it is woken during a run', async () => {
    const job = new CountingJob(60_000);
    const made = runner(job);
    job.work = async () => {
      if (job.runs === 1) made.wake();
    };
    await made.start();
    await until(() => job.runs === 2, 'second run');
    await delay(50);
    expect(job.runs).toBe(2);
  });

  test('goes on after a fault of its job', async () => {
    const job = new CountingJob(10);
    job.work = async () => {
      if (job.runs < 3) throw new Error('odd');
    };
    await runner(job).start();
    await until(() => job.runs >= 5, 'runs after the fault');
  });

  test('runs nowhere else at the same time', async () => {
    const locks = new LocalLocks();
    let running = 0;
    let most = 0;
    const jobs = [new CountingJob(1), new CountingJob(1)];
    for (const job of jobs) {
      job.work = async () => {
        most = Math.max(most, ++running);
        await delay(2);
        running--;
      };
      await runner(job, locks).start();
    }
    await until(() => jobs.reduce((sum, { runs }) => sum + runs, 0) > 20, 'runs');
    expect(most).toBe(1);
    expect(jobs.filter(({ runs }) => runs > 0)).toHaveLength(1);
  });

  test('takes over when the one that had the lock stops', async () => {
    const locks = new LocalLocks();
    const first = new CountingJob(5);
    const second = new CountingJob(5);
    const firstRunner = runner(first, locks, 60);
    await firstRunner.start();
    await until(() => first.runs > 0, 'first run');
    await runner(second, locks, 60).start();
    await delay(30);
    expect(second.runs).toBe(0);
    await firstRunner.stop();
    await until(() => second.runs > 0, 'takeover');
  });

  test('stops its job when the lock is lost, and goes on once it has it again', async () => {
    const locks = new LocalLocks();
    const job = new CountingJob(5);
    await runner(job, locks, 60).start();
    await until(() => job.runs > 0, 'first run');
    // All locks are gone, as after a flush of the store; somebody else is quicker.
    await locks.stop();
    const other = await locks.acquire('worker:count', 60_000);
    await delay(60);
    const { runs } = job;
    await delay(60);
    expect(job.runs).toBe(runs);
    await other?.release();
    await until(() => job.runs > runs, 'run under a new lock');
  });

  test('asks for its permit before every run, and sooner than its interval when it must be renewed', async () => {
    const permit = new TestPermit();
    permit.retryMs = 10;
    const job = new CountingJob(60_000);
    await under(job, permit).start();
    await until(() => permit.asked >= 5, 'renewals');
    expect(job.runs).toBe(1);
  });

  test('runs at once after a wake that came while it was not permitted', async () => {
    const permit = new TestPermit();
    permit.may = false;
    permit.retryMs = 5;
    const job = new CountingJob(60_000);
    const made = under(job, permit);
    await made.start();
    made.wake();
    await until(() => permit.asked >= 3, 'refusals');
    expect(job.runs).toBe(0);
    permit.may = true;
    await until(() => job.runs === 1, 'run');
  });

  test('asks again when its permit could not be asked for', async () => {
    const permit = new TestPermit();
    permit.retryMs = 5;
    permit.fault = new Error('the store is away');
    const job = new CountingJob(60_000);
    await under(job, permit).start();
    await until(() => permit.asked >= 3, 'questions');
    expect(job.runs).toBe(0);
    permit.fault = undefined;
    await until(() => job.runs === 1, 'run');
  });

  test('gives its permit back when it stops, and ends even when that fails', async () => {
    const permit = new TestPermit();
    const made = under(new CountingJob(5), permit);
    await made.start();
    permit.fault = new Error('the store is away');
    await made.stop();
    expect(permit.released).toBe(1);
  });

  test('stops before its start, twice, and in the middle of a run, which it lets end', async () => {
    const job = new CountingJob(5);
    let ended = false;
    job.work = async () => {
      await delay(30);
      ended = true;
    };
    const made = runner(job);
    await made.stop();
    await made.start();
    await until(() => job.runs === 1, 'run');
    await made.stop();
    expect(ended).toBe(true);
    await made.stop();
    await delay(20);
    expect(job.runs).toBe(1);
  });

  test('frees its lock when it stops', async () => {
    const locks = new LocalLocks();
    const made = runner(new CountingJob(5), locks);
    await made.start();
    await delay(10);
    expect(await locks.acquire('worker:count', 1_000)).toBeUndefined();
    await made.stop();
    expect(await locks.acquire('worker:count', 1_000)).toBeDefined();
  });

  test('does not spin when it is woken while another gateway has its lock', async () => {
    const locks = new LocalLocks();
    await locks.acquire('worker:count', 60_000);
    let asked = 0;
    const acquire = locks.acquire.bind(locks);
    locks.acquire = (name, ttlMs) => {
      // The bound keeps a loop without a pause from hanging the test.
      if (++asked > 1_000) throw new Error('it spins');
      return acquire(name, ttlMs);
    };
    const made = runner(new CountingJob(50), locks);
    await made.start();
    made.wake();
    await delay(50);
    expect(asked).toBeLessThan(10);
  });
});
