import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Gateway } from '../support/gateway.js';

const PATIENCE_MS = 15_000;

export interface Screen {
  readonly width: number;
  readonly height: number;
}

export const DESK: Screen = { width: 1280, height: 860 };
export const PHONE: Screen = { width: 375, height: 740 };

/** A person before the web UI of one gateway: a tab of their own, and what the browser complained of meanwhile. */
export class Operator {
  /** Errors of scripts, and whatever the page's own policy forbade. */
  readonly complaints: string[] = [];
  readonly #context: BrowserContext;

  static async at(gateway: Gateway, browser: Browser, screen = DESK): Promise<Operator> {
    const context = await browser.newContext({
      viewport: screen,
      colorScheme: 'light',
      locale: 'en-GB',
      timezoneId: 'Europe/Berlin',
    });
    context.setDefaultTimeout(PATIENCE_MS);
    return new Operator(await context.newPage(), context, gateway.httpUrl);
  }

  private constructor(
    readonly page: Page,
    context: BrowserContext,
    private readonly url: string,
  ) {
    this.#context = context;
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('console', (message) => {
      // A call that fails is the test's own affair; the browser reports each.
      if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) {
        this.complaints.push(message.text());
      }
    });
  }

  /** Opens an address of the UI, as a link that somebody sent would. */
  async open(path: string): Promise<void> {
    await this.page.goto(`${this.url}/admin${path}`);
  }

  /** The address bar's, below the UI's own root. */
  address(): string {
    const { pathname, search } = new URL(this.page.url());
    return `${pathname.replace(/^\/admin/, '')}${search}`;
  }

  async click(name: string | RegExp, within: Locator | Page = this.page): Promise<void> {
    await within.getByRole('button', { name }).click();
  }

  async follow(name: string | RegExp, within: Locator | Page = this.page): Promise<void> {
    await within.getByRole('link', { name }).first().click();
  }

  async fill(label: string | RegExp, value: string): Promise<void> {
    await this.page.getByLabel(label, { exact: typeof label === 'string' }).fill(value);
  }

  /** Waits until this text can be read. */
  async reads(text: string | RegExp, within: Locator | Page = this.page): Promise<void> {
    await within.getByText(text).filter({ visible: true }).first().waitFor();
  }

  /** The row of a table that holds this text. */
  row(text: string | RegExp): Locator {
    return this.page.getByRole('row').filter({ hasText: text });
  }

  /** The question or form that stands open. */
  dialog(): Locator {
    return this.page.locator('[role="alertdialog"], [role="dialog"]');
  }

  async leave(): Promise<void> {
    await this.#context.close();
    expect(this.complaints).toEqual([]);
  }
}
